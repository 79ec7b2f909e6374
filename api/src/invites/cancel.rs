use ::alerts::outbox;
use actix_web::web;
use entity::invite::ActiveModel;
use sea_orm::{ActiveValue::Set, TransactionTrait as _};
use serde_json::json;
use tenancy::organisation;

use super::{find, subject};
use crate::access::Caller;
use crate::db::invite::Status;
use crate::query::Query;
use crate::wrapped::Nothing;
use crate::{Api, Error, db};

/// Cancels an invite: its link works no more. One that is over stays as it is.
#[utoipa::path(delete, path = "/v1/admin/users/invites/{invite}", operation_id = "cancel_invite", params(("invite" = Uuid, Path)), responses((status = 200, body = Nothing)))]
pub(crate) async fn cancel(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<Nothing>, Error> {
    query.none()?;
    let now_ms = api.clock.now_ms();
    let txn = api.db.begin().await?;
    organisation::hold(&txn, caller.scope.organisation()).await?;
    let row = find(&txn, &caller, &id).await?;
    if matches!(Status::of(&row, now_ms), Status::Pending | Status::Expired) {
        let cancelled = ActiveModel { cancelled_at: Set(Some(now_ms)), ..Default::default() };
        db::invite::update(&txn, &caller.scope, row.id, cancelled).await?;
        outbox::withdraw(&txn, [row.id]).await?;
        caller.note(&txn, &api, "invite.delete", subject(row.id), json!({"email": row.email})).await?;
    }
    txn.commit().await?;
    Ok(web::Json(Nothing {}))
}
