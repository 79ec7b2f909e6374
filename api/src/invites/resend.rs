use actix_web::web;
use entity::invite::ActiveModel;
use sea_orm::{ActiveValue::Set, TransactionTrait as _};
use serde::Serialize;
use serde_json::json;
use tenancy::organisation;
use tenancy::people::{INVITE_MS, invite_token};
use utoipa::ToSchema;

use super::{check_address, find, letter, subject};
use crate::access::Caller;
use crate::db::invite::Status;
use crate::query::Query;
use crate::{Api, Error, db};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResentInvite {
    /// For whoever is invited, to accept by: it works once, and the one before it no more.
    invite_link: String,
}

/// Sends an invite again, with another link, for a week from now: one that is pending or expired.
#[utoipa::path(post, path = "/v1/admin/users/invites/{invite}/resend", operation_id = "resend_invite", params(("invite" = Uuid, Path)), responses((status = 200, body = ResentInvite), (status = 409)))]
pub(crate) async fn resend(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<ResentInvite>, Error> {
    query.none()?;
    let (token, token_hash) = invite_token().map_err(Error::internal)?;
    let now_ms = api.clock.now_ms();
    let txn = api.db.begin().await?;
    let held = organisation::hold(&txn, caller.scope.organisation()).await?;
    let held = held.ok_or_else(|| Error::internal("the caller's organisation is not there"))?;
    let mut row = find(&txn, &caller, &id).await?;
    match Status::of(&row, now_ms) {
        Status::Pending => {}
        Status::Expired => check_address(&txn, &api, &caller, &row.email).await?,
        over @ (Status::Accepted | Status::Cancelled) => {
            let problem = format!("the invite is {}", over.as_str());
            return Err(Error::invalid("id", problem, "an invite that is pending or expired"));
        }
    }
    row.expires_at = now_ms + INVITE_MS;
    let renewed =
        ActiveModel { token_hash: Set(token_hash), expires_at: Set(row.expires_at), ..Default::default() };
    db::invite::update(&txn, &caller.scope, row.id, renewed).await?;
    caller
        .note(&txn, &api, "invite.update", subject(row.id), json!({"email": row.email, "resent": true}))
        .await?;
    letter::send(&txn, &api, &row, &held.name, &token).await?;
    txn.commit().await?;
    Ok(web::Json(ResentInvite { invite_link: letter::link(&api, &token) }))
}
