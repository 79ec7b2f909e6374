use actix_web::web;
use utoipa::IntoParams;

use super::shape::Workspace;
use crate::access::Caller;
use crate::db::workspace::Filter;
use crate::paging::{CamelPaging, List, Paging};
use crate::query::Query;
use crate::{Api, Error, db, limits};

/// Workspaces of a page when the caller does not say.
const DEFAULT_SIZE: u64 = 100;

/// Which workspaces.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it says what is read from the query")]
pub(crate) struct Narrowed {
    /// What is in the name, in these letters.
    name: Option<String>,
    /// The whole name.
    exact_name: Option<String>,
    /// `active`, `archived` or both, with a comma. Left out: `active`.
    #[param(pattern = "^(active|archived)(,(active|archived))*$")]
    status: Option<String>,
}

/// The workspaces that the caller reaches, newest first.
///
/// A page has 100 unless the caller says otherwise.
#[utoipa::path(get, path = "/v1/admin/workspaces", operation_id = "list_workspaces", params(Paging, CamelPaging, Narrowed), responses((status = 200, body = List<Workspace>)))]
pub(crate) async fn list(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<List<Workspace>>, Error> {
    let mut query = query.parameters()?;
    let paging = Paging::take_either(&mut query, DEFAULT_SIZE)?;
    let status = |text: &str| ["active", "archived"].into_iter().find(|status| *status == text);
    let statuses = query.items("status", status, "active or archived")?;
    let filter = Filter {
        contains: query.take("name"),
        name: query.take("exact_name"),
        statuses: if statuses.is_empty() { vec!["active"] } else { statuses },
    };
    query.finish()?;
    let (total, rows) = db::workspace::list(&api.db, &caller.scope, filter, paging).await?;
    let mut limits = limits::of(&api.db, rows.iter().map(|row| row.id), api.clock.now_ms()).await?;
    let data = rows.into_iter().map(|row| {
        let limits = limits.remove(&row.id).unwrap_or_default();
        Workspace::of(row, limits)
    });
    Ok(web::Json(List::new(total, data.collect::<Result<_, _>>()?)))
}
