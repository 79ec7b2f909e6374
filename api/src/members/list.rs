use actix_web::web;
use tenancy::WorkspaceRole;
use utoipa::IntoParams;

use super::shape::Member;
use crate::access::Caller;
use crate::db::workspace_member::Filter;
use crate::paging::{List, Paging};
use crate::query::Query;
use crate::{Api, Error, db, workspaces};

/// Members of a page when the caller does not say.
const DEFAULT_SIZE: u64 = 50;

/// Which members.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it says what is read from the query")]
pub(crate) struct Narrowed {
    /// In the workspace.
    #[param(pattern = "^(admin|manager|member)$")]
    role: Option<String>,
    /// The whole address.
    email: Option<String>,
}

/// Who works in a workspace, the newest first.
///
/// A page has 50 unless the caller says otherwise.
#[utoipa::path(get, path = "/v1/admin/workspaces/{workspace}/users", operation_id = "list_members", params(("workspace" = String, Path, description = "Its slug or id."), Paging, Narrowed), responses((status = 200, body = List<Member>)))]
pub(crate) async fn list(
    caller: Caller,
    api: web::Data<Api>,
    named: web::Path<String>,
    query: Query,
) -> Result<web::Json<List<Member>>, Error> {
    let mut query = query.parameters()?;
    let paging = Paging::take(&mut query, DEFAULT_SIZE)?;
    let role: Option<WorkspaceRole> = query.parsed("role", |_| true, "admin, manager or member")?;
    let email = query.take("email").map(|email| email.trim().to_lowercase());
    query.finish()?;
    let workspace = workspaces::find(&api, &caller, &named).await?;
    let filter = Filter { role: role.map(|role| role.to_string()), email };
    let (total, rows) =
        db::workspace_member::list(&api.db, &caller.scope, workspace.id, filter, paging).await?;
    let data = rows.into_iter().map(|row| Member::of(row, &workspace.slug)).collect::<Result<_, _>>()?;
    Ok(web::Json(List::new(total, data)))
}
