//! Deleting what is past its retention: on SQLite in bounded chunks, on PostgreSQL by whole days, and in chunks what a
//! change of plans left in a longer class than its organisation has now.

use entity::{log, log_external_id, log_payload};
use sea_orm::prelude::*;
use sea_orm::{Condition, DbBackend, ExprTrait as _, QueryOrder, QuerySelect, QueryTrait, Statement};

use crate::text;

mod expired;

pub use expired::drop_expired;

/// How long an organisation's logs are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The first `created_at` that is still shown, unix milliseconds; none where all are.
    pub cutoff_ms: Option<i64>,
    /// The class that its logs are stored under: days, or 0 for ever.
    pub class: i16,
}

/// Deletes up to `chunk` of the organisation's oldest logs that it does not see any more, with their content, within the
/// caller's transaction. Gives how many; 0 means that none is left. On PostgreSQL those of its own class and of shorter
/// ones wait for [`drop_expired`].
///
/// # Errors
/// [`DbErr`] when the database fails; the transaction is to be rolled back then.
pub async fn delete_expired(
    db: &impl ConnectionTrait,
    organisation_id: Uuid,
    kept: Kept,
    chunk: u64,
) -> Result<u64, DbErr> {
    let Some(cutoff_ms) = kept.cutoff_ms else { return Ok(0) };
    let doomed = doomed(organisation_id, cutoff_ms, kept.class, db.get_database_backend());
    let newest: Option<Uuid> = log::Entity::find()
        .select_only()
        .column(log::Column::Id)
        .filter(doomed.clone())
        .order_by_asc(log::Column::Id)
        .limit(chunk)
        .into_tuple()
        .all(db)
        .await?
        .pop();
    let Some(newest) = newest else { return Ok(0) };
    let doomed = doomed.add(log::Column::Id.lte(newest));
    delete_content(db, doomed.clone()).await?;
    let deleted = log::Entity::delete_many().filter(doomed).exec(db).await?.rows_affected;
    Ok(deleted)
}

/// The content of the logs that `doomed` names, and its words.
async fn delete_content(txn: &impl ConnectionTrait, doomed: Condition) -> Result<(), DbErr> {
    let logs = log::Entity::find().select_only().column(log::Column::Id).filter(doomed);
    if txn.get_database_backend() != DbBackend::Postgres {
        let ids = logs.clone().into_query();
        log_payload::Entity::delete_many().filter(log_payload::Column::Id.in_subquery(ids)).exec(txn).await?;
        let Statement { sql, values, .. } = logs.build(DbBackend::Sqlite);
        for sql in [
            format!("DELETE FROM log_text_fts WHERE rowid IN (SELECT seq FROM log_text WHERE id IN ({sql}))"),
            format!("DELETE FROM log_text WHERE id IN ({sql})"),
        ] {
            let values = values.clone();
            txn.execute_raw(Statement { sql, values, db_backend: DbBackend::Sqlite }).await?;
        }
        return Ok(());
    }
    text::hold_still(txn).await?;
    // By its whole key, so that PostgreSQL goes from each log straight to its content.
    let logs = logs.column(log::Column::RetentionClass).column(log::Column::CreatedAt);
    let Statement { sql, values, .. } = logs.build(DbBackend::Postgres);
    for table in ["log_payload", "log_text"] {
        let sql = format!(
            "DELETE FROM {table} USING ({sql}) AS gone WHERE {table}.id = gone.id
               AND {table}.retention_class = gone.retention_class AND {table}.created_at = gone.created_at"
        );
        let values = values.clone();
        txn.execute_raw(Statement { sql, values, db_backend: DbBackend::Postgres }).await?;
    }
    Ok(())
}

/// The organisation's logs from before `cutoff_ms`; on PostgreSQL only those of longer classes than `class`.
fn doomed(organisation_id: Uuid, cutoff_ms: i64, class: i16, backend: DbBackend) -> Condition {
    let before = Condition::all()
        .add(log::Column::OrganisationId.eq(organisation_id))
        .add(log::Column::Id.lt(clock::floor(cutoff_ms)));
    if backend != DbBackend::Postgres {
        return before;
    }
    let longer = log::Column::RetentionClass.eq(0).or(log::Column::RetentionClass.gt(class));
    before.add(log::Column::CreatedAt.lt(cutoff_ms)).add(longer)
}

/// Deletes up to `chunk` of the organisation's oldest claims on clients' own ids from before `cutoff_ms`. Gives how many;
/// 0 means that none is left.
///
/// A claim protects against a repeat for as long as the log would have been kept, recorded or not.
///
/// # Errors
/// [`DbErr`] when the database fails: nothing of the chunk was deleted.
pub async fn delete_expired_claims(
    db: &impl ConnectionTrait,
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

#[cfg(test)]
mod tests;
