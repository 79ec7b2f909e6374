use actix_web::web;
use sea_orm::TransactionTrait as _;
use serde_json::json;
use tenancy::people::members;
use tenancy::{Role, organisation};
use utoipa::ToSchema;

use super::{check_rank, refused, subject};
use crate::access::Caller;
use crate::fields::Fields;
use crate::query::Query;
use crate::wrapped::Nothing;
use crate::{Api, Error, body, path};

/// What somebody is to be.
#[derive(ToSchema)]
#[schema(example = json!({"role": "admin"}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct UserChange {
    /// Owners are made with `turnpike org owner`.
    #[schema(pattern = "^(admin|member)$", max_length = 20)]
    role: String,
}

/// Gives somebody another role, which their sessions have at once.
#[utoipa::path(put, path = "/v1/admin/users/{user}", operation_id = "update_user", params(("user" = Uuid, Path)), request_body = UserChange, responses((status = 200, body = Nothing)))]
pub(crate) async fn update(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Nothing>, Error> {
    query.none()?;
    let mut fields = body::object(payload).await?;
    let role = take_role(&mut fields)?;
    fields.finish()?;
    let user = path::id(&id)?;
    let (organisation, now_ms) = (caller.scope.organisation(), api.clock.now_ms());
    let not_done = |error| refused(error, &id, "role");
    let txn = api.db.begin().await?;
    organisation::hold(&txn, organisation).await?;
    let was = members::role_of(&txn, organisation, user).await.map_err(not_done)?;
    members::change_role(&txn, organisation, user, role, now_ms).await.map_err(not_done)?;
    check_rank(&caller, was)?;
    let change = json!({"was": was.as_str(), "now": role.as_str()});
    caller.note(&txn, &api, "user.update", subject(user), change).await?;
    txn.commit().await?;
    api.forget_person(user);
    Ok(web::Json(Nothing {}))
}

/// `role`: what an owner or an admin may make of somebody.
pub(crate) fn take_role(fields: &mut Fields) -> Result<Role, Error> {
    let role = fields.line("role", 20)?;
    let role = fields.required("role", role, "admin or member")?;
    match role.as_str() {
        "admin" => Ok(Role::Admin),
        "member" => Ok(Role::Member),
        other => Err(Error::invalid("role", format!("found `{other}`"), "admin or member")),
    }
}
