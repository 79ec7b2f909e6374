//! Deleting what is past its retention, in bounded chunks.

use entity::{log, log_external_id, log_payload};
use sea_orm::prelude::*;
use sea_orm::{DatabaseConnection, ExprTrait as _, QueryOrder, QuerySelect, QueryTrait, TransactionTrait};

/// Deletes up to `chunk` of the organisation's oldest logs from before `cutoff_ms`, with their content, in one
/// transaction. Gives how many; 0 means that none is left.
///
/// # Errors
/// [`DbErr`] when the database fails: nothing of the chunk was deleted.
pub async fn delete_expired(
    db: &DatabaseConnection,
    organisation_id: Uuid,
    cutoff_ms: i64,
    chunk: u64,
) -> Result<u64, DbErr> {
    let newest: Option<Uuid> = log::Entity::find()
        .select_only()
        .column(log::Column::Id)
        .filter(log::Column::OrganisationId.eq(organisation_id))
        .filter(log::Column::Id.lt(clock::floor(cutoff_ms)))
        .order_by_asc(log::Column::Id)
        .limit(chunk)
        .into_tuple()
        .all(db)
        .await?
        .pop();
    let Some(newest) = newest else { return Ok(0) };
    let doomed = || log::Column::OrganisationId.eq(organisation_id).and(log::Column::Id.lte(newest));
    let txn = db.begin().await?;
    let ids = log::Entity::find().select_only().column(log::Column::Id).filter(doomed()).into_query();
    log_payload::Entity::delete_many().filter(log_payload::Column::Id.in_subquery(ids)).exec(&txn).await?;
    let deleted = log::Entity::delete_many().filter(doomed()).exec(&txn).await?.rows_affected;
    txn.commit().await?;
    Ok(deleted)
}

/// Deletes up to `chunk` of the organisation's oldest claims on clients' own ids from before `cutoff_ms`. Gives how many;
/// 0 means that none is left.
///
/// A claim protects against a repeat for as long as the log would have been kept, recorded or not.
///
/// # Errors
/// [`DbErr`] when the database fails: nothing of the chunk was deleted.
pub async fn delete_expired_claims(
    db: &DatabaseConnection,
    organisation_id: Uuid,
    cutoff_ms: i64,
    chunk: u64,
) -> Result<u64, DbErr> {
    let newest: Option<Uuid> = log_external_id::Entity::find()
        .select_only()
        .column(log_external_id::Column::LogId)
        .filter(log_external_id::Column::OrganisationId.eq(organisation_id))
        .filter(log_external_id::Column::LogId.lt(clock::floor(cutoff_ms)))
        .order_by_asc(log_external_id::Column::LogId)
        .limit(chunk)
        .into_tuple()
        .all(db)
        .await?
        .pop();
    let Some(newest) = newest else { return Ok(0) };
    let deleted = log_external_id::Entity::delete_many()
        .filter(log_external_id::Column::OrganisationId.eq(organisation_id))
        .filter(log_external_id::Column::LogId.lte(newest))
        .exec(db)
        .await?;
    Ok(deleted.rows_affected)
}
