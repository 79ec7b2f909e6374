use ::alerts::outbox;
use actix_web::web;
use sea_orm::TransactionTrait as _;
use serde_json::json;
use tenancy::organisation;
use tenancy::people::members;

use super::{check_rank, refused, subject};
use crate::access::Caller;
use crate::query::Query;
use crate::wrapped::Nothing;
use crate::{Api, Error, path};

/// Removes somebody from the organisation and its workspaces.
///
/// Their sessions in it, their own keys of it and open invites of their address end at once. Their account stays: it may be in other
/// organisations.
#[utoipa::path(delete, path = "/v1/admin/users/{user}", operation_id = "remove_user", params(("user" = Uuid, Path)), responses((status = 200, body = Nothing)))]
pub(crate) async fn remove(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<Nothing>, Error> {
    query.none()?;
    let user = path::id(&id)?;
    let (organisation, now_ms) = (caller.scope.organisation(), api.clock.now_ms());
    let txn = api.db.begin().await?;
    organisation::hold(&txn, organisation).await?;
    let removed = members::remove(&txn, organisation, user, now_ms).await;
    let removed = removed.map_err(|error| refused(error, &id, "id"))?;
    check_rank(&caller, removed.role)?;
    let was = json!({
        "was": removed.role.as_str(), "email": removed.email, "sessions": removed.sessions,
        "api_keys": removed.api_keys, "invites": removed.invites
    });
    outbox::withdraw(&txn, removed.invites).await?;
    caller.note(&txn, &api, "user.delete", subject(user), was).await?;
    txn.commit().await?;
    api.forget_person(user);
    Ok(web::Json(Nothing {}))
}
