//! Logs whose words are to be written: which are next, what they say, and the writing.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use entity::{log, log_payload, text_outbox};
use sea_orm::prelude::*;
use sea_orm::sea_query::Query;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, ExprTrait as _, FromQueryResult,
    QueryOrder, QuerySelect, Statement, StatementBuilder, Value,
};

use super::search::mark;
use crate::partitions::{self, Partition};
use crate::query::times;

/// Logs of one row of the outbox at the most, and rows go together while they have no more: others wait for as long as it takes to
/// write them.
pub(crate) const LOGS_A_ROW: usize = 250;

/// What those who write words, and those who move or delete logs, keep each other out by on PostgreSQL: an arbitrary number of ours.
const STILL: i64 = 0x7465_7874_5f69_6e64;

/// Some of what waits, from the first on.
pub struct Waiting(Vec<text_outbox::Model>);

/// A log and its content, packed.
#[derive(FromQueryResult)]
pub struct Found {
    pub id: Uuid,
    pub organisation_id: Uuid,
    pub created_at: i64,
    pub retention_class: i16,
    pub streamed: bool,
    pub content: Vec<u8>,
}

/// A log's words, as [`super::words_of`] makes them.
pub struct Words {
    pub id: Uuid,
    pub organisation_id: Uuid,
    pub words: String,
}

/// What waits first; none: nothing does.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn next(db: &impl ConnectionTrait) -> Result<Option<Waiting>, DbErr> {
    let rows = text_outbox::Entity::find().order_by_asc(text_outbox::Column::Id);
    let mut rows = rows.limit(LOGS_A_ROW as u64).all(db).await?;
    let mut logs = 0;
    let fit = rows.iter().take_while(|row| {
        logs += usize::try_from(row.n).unwrap_or(0);
        logs <= LOGS_A_ROW
    });
    let fit = fit.count();
    rows.truncate(Ord::max(fit, 1));
    Ok((!rows.is_empty()).then_some(Waiting(rows)))
}

/// What the waiting logs say that are still there and have content. Makes room for their words, where the database wants it.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn contents(db: &DatabaseConnection, waiting: &Waiting) -> Result<Vec<Found>, DbErr> {
    let mut found = Vec::new();
    for row in &waiting.0 {
        found.extend(contents_of(db, row).await?);
    }
    let places = found.iter().map(|found| Partition::of(found.retention_class, found.created_at));
    partitions::ensure(db, &places.collect::<BTreeSet<_>>()).await?;
    Ok(found)
}

async fn contents_of(db: &DatabaseConnection, row: &text_outbox::Model) -> Result<Vec<Found>, DbErr> {
    use log::Column::{CreatedAt, Id, OrganisationId, RetentionClass, Streamed};
    let ids: Vec<Uuid> = clock::unpack(&row.subjects).collect();
    let Some((from, to)) = times(ids.iter().copied()) else { return Ok(Vec::new()) };
    let of_log = |column: log::Column| (log::Entity, column);
    let of_content = |column: log_payload::Column| Expr::col((log_payload::Entity, column));
    let same = of_content(log_payload::Column::Id)
        .equals(of_log(Id))
        .and(of_content(log_payload::Column::CreatedAt).equals(of_log(CreatedAt)))
        .and(of_content(log_payload::Column::RetentionClass).equals(of_log(RetentionClass)));
    let query = Query::select()
        .columns([Id, OrganisationId, CreatedAt, RetentionClass, Streamed].map(of_log))
        .column((log_payload::Entity, log_payload::Column::Content))
        .from(log::Entity)
        .inner_join(log_payload::Entity, same)
        .and_where(Expr::col(of_log(OrganisationId)).eq(row.organisation_id))
        .and_where(Expr::col(of_log(CreatedAt)).between(from, to))
        .and_where(Expr::col(of_log(Id)).is_in(ids))
        .to_owned();
    Found::find_by_statement(StatementBuilder::build(&query, &db.get_database_backend())).all(db).await
}

/// Writes the words of those logs that are still there, once each, and ends the waiting of all. Gives how many were written.
///
/// # Errors
/// [`DbErr`] if the database fails; the transaction is to be rolled back then.
pub async fn write(txn: &DatabaseTransaction, waiting: &Waiting, words: &[Words]) -> Result<u64, DbErr> {
    let ids = waiting.0.iter().map(|row| row.id);
    text_outbox::Entity::delete_many().filter(text_outbox::Column::Id.is_in(ids)).exec(txn).await?;
    if words.is_empty() {
        return Ok(0);
    }
    match txn.get_database_backend() {
        DbBackend::Postgres => write_vectors(txn, words).await,
        _ => write_fts(txn, words).await,
    }
}

/// Keeps words from being written until the transaction ends: of logs that are moved or deleted in it. On SQLite, with one writer at a
/// time, they are not.
pub(crate) async fn hold_still(txn: &impl ConnectionTrait) -> Result<(), DbErr> {
    if txn.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let sql = format!("SELECT pg_advisory_xact_lock({STILL})");
    txn.execute_unprepared(&sql).await.map(|_| ())
}

/// With no numbers of places: words are looked for, not phrases.
async fn write_vectors(txn: &DatabaseTransaction, words: &[Words]) -> Result<u64, DbErr> {
    txn.execute_unprepared(&format!("SELECT pg_advisory_xact_lock_shared({STILL})")).await?;
    let Some((from, to)) = times(words.iter().map(|words| words.id)) else { return Ok(0) };
    let sql = "INSERT INTO log_text (id, organisation_id, created_at, retention_class, words)
        SELECT log.id, log.organisation_id, log.created_at, log.retention_class,
          array_to_tsvector(string_to_array(new.words, ' '))
        FROM unnest($1, $2, $3) AS new (id, organisation_id, words)
        JOIN log ON log.organisation_id = new.organisation_id AND log.id = new.id
        WHERE log.created_at >= $4 AND log.created_at <= $5
        ON CONFLICT DO NOTHING";
    let ids: Vec<Uuid> = words.iter().map(|words| words.id).collect();
    let organisations: Vec<Uuid> = words.iter().map(|words| words.organisation_id).collect();
    let texts: Vec<String> = words.iter().map(Words::marked).collect();
    let values: [Value; 5] = [ids.into(), organisations.into(), texts.into(), from.into(), to.into()];
    let written = txn.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
    Ok(written.rows_affected())
}

async fn write_fts(txn: &DatabaseTransaction, words: &[Words]) -> Result<u64, DbErr> {
    let marks = vec!["?"; words.len()].join(", ");
    let sql = format!(
        "INSERT INTO log_text (id, organisation_id) SELECT id, organisation_id FROM log WHERE id IN ({marks})
         ON CONFLICT (id) DO NOTHING RETURNING seq, id"
    );
    let ids = words.iter().map(|words| words.id.into());
    let rows = txn.query_all_raw(Statement::from_sql_and_values(DbBackend::Sqlite, sql, ids)).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let mut sql = String::from("INSERT INTO log_text_fts (rowid, words) VALUES ");
    let mut values: Vec<Value> = Vec::with_capacity(rows.len() * 2);
    for row in &rows {
        let (seq, id): (i64, Uuid) = (row.try_get("", "seq")?, row.try_get("", "id")?);
        let Some(words) = words.iter().find(|words| words.id == id) else { continue };
        _ = write!(sql, "{}(?, ?)", if values.is_empty() { "" } else { ", " });
        values.extend([seq.into(), words.marked().into()]);
    }
    txn.execute_raw(Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)).await?;
    Ok(rows.len() as u64)
}

impl Words {
    fn marked(&self) -> String {
        format!("{} {}", mark(self.organisation_id), self.words)
    }
}
