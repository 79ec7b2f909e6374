use actix_web::web;
use sea_orm::TransactionTrait as _;

use super::{find, noted, subject, unknown};
use crate::access::Caller;
use crate::query::Query;
use crate::wrapped::Nothing;
use crate::{Api, Error, db};

/// Deletes a saved set of filters, for everybody.
#[utoipa::path(delete, path = "/v1/logs/filters/{id}", operation_id = "delete_filter", params(("id" = Uuid, Path)), responses((status = 200, body = Nothing)))]
pub(crate) async fn delete(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<Nothing>, Error> {
    query.none()?;
    let row = find(&api.db, &caller, &id).await?;
    let txn = api.db.begin().await?;
    if !db::saved_filter::delete(&txn, &caller.scope, row.id).await? {
        return Err(unknown(&id));
    }
    caller.note(&txn, &api, "saved_filter.delete", subject(row.id), noted(&row)).await?;
    txn.commit().await?;
    Ok(web::Json(Nothing {}))
}
