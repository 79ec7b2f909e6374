use actix_web::web;
use sea_orm::TransactionTrait as _;

use super::shape::Deleted;
use super::{find_to_change, noted, subject};
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, db};

/// Deletes a destination; what is on its way is not sent.
#[utoipa::path(delete, path = "/v1/otel/destinations/{id}", operation_id = "delete_destination", params(("id" = Uuid, Path)), responses((status = 200, body = Deleted)))]
pub(crate) async fn delete(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<Deleted>, Error> {
    query.none()?;
    let row = find_to_change(&api, &caller, &id).await?;
    let txn = api.db.begin().await?;
    if !db::otel_destination::delete(&txn, &caller.scope, row.id).await? {
        return Err(Error::not_found("destination", id.as_str()));
    }
    caller
        .note_in(&txn, &api, row.workspace_id, "otel_destination.delete", subject(row.id), noted(&row))
        .await?;
    txn.commit().await?;
    Ok(web::Json(Deleted { id: row.id, deleted: true }))
}
