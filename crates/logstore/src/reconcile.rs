//! Whether the store agrees with itself: each month's meter with the logs that are there, and logs with their content and
//! with their clients' own ids. All of a page is seen in one snapshot, so that others may write meanwhile.

use std::collections::BTreeMap;

use entity::{log, log_external_id, log_payload, organisation, overage_block, usage, usage_hourly};
use plans::Month;
use sea_orm::prelude::*;
use sea_orm::{
    AccessMode, DatabaseConnection, DatabaseTransaction, DbBackend, IsolationLevel, QueryOrder, QuerySelect,
    QueryTrait as _, TransactionTrait as _,
};
use serde::Serialize;

use crate::MeterKey;

/// Organisations on a page.
const ORGANISATIONS: usize = 500;

/// The content of a log in `log`, or the log of a content, is found by these.
const SAME_LOG: &str = "log.id = log_payload.id AND log.retention_class = log_payload.retention_class
    AND log.created_at = log_payload.created_at";

/// What the store has of an organisation's month.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Held {
    /// The meter; none where there is no row.
    pub usage: Option<usage::Model>,
    /// Logs with an id of the month.
    pub logs: u64,
    /// Clients' own ids that are taken by a log of the month which is not there.
    pub claims: u64,
    /// Logs in the month's statistics by the hour.
    pub hours: u64,
    /// Blocks of overage in the month.
    pub blocks: u64,
    /// Retention may have deleted logs of the month: as many as the meter says, or fewer, can be there.
    pub is_past_retention: bool,
    /// The same of statistics.
    pub is_past_statistics: bool,
}

/// From when on what is kept of an organisation is still shown, in unix milliseconds; none where all of it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cutoffs {
    pub logs: Option<i64>,
    pub statistics: Option<i64>,
}

/// What is not as it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "difference", rename_all = "snake_case")]
pub enum Difference {
    #[error("{logs} logs are there, and no usage")]
    NoUsage { logs: u64 },
    #[error("{logs} logs are there, more than the {used} in usage")]
    MoreLogs { logs: u64, used: u64 },
    #[error(
        "{logs} logs are there, fewer than the {used} in usage, and by its plan none is past its retention \
         (a plan with a shorter one, before, may have deleted them)"
    )]
    FewerLogs { logs: u64, used: u64 },
    #[error(
        "{claims} own ids of clients are taken by logs that are not there, more than the {uncounted} logs that were \
         dropped, expired or unrecorded"
    )]
    Claims { claims: u64, uncounted: u64 },
    #[error("{hours} logs are in the statistics by the hour, and {used} in usage")]
    Hours { hours: u64, used: u64 },
    #[error("{blocks} blocks of overage are there, and {counted} in usage")]
    Blocks { blocks: u64, counted: u64 },
    #[error("{logs} logs should have content, and it is not there")]
    LogsWithoutContent { logs: u64 },
    #[error("content of {logs} logs is there, and the logs are not")]
    ContentWithoutLogs { logs: u64 },
}

/// Some organisations' months.
#[derive(Debug, Default)]
pub struct Page {
    pub months: BTreeMap<MeterKey, Held>,
    /// The page after this begins after this organisation; none where this is the last.
    pub next: Option<Uuid>,
}

impl Held {
    /// The meter's count of logs, 0 where there is none.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.usage.as_ref().map_or(0, |usage| unsigned(usage.used))
    }

    /// All that is wrong with the month.
    #[must_use]
    pub fn differences(&self) -> Vec<Difference> {
        let (logs, used, claims) = (self.logs, self.used(), self.claims);
        let uncounted = self.usage.as_ref().map_or(0, |usage| {
            [usage.dropped, usage.expired, usage.unrecorded].into_iter().map(unsigned).sum()
        });
        let mut differences = Vec::new();
        if self.usage.is_none() && logs > 0 {
            differences.push(Difference::NoUsage { logs });
        } else if logs > used {
            differences.push(Difference::MoreLogs { logs, used });
        } else if logs < used && !self.is_past_retention {
            differences.push(Difference::FewerLogs { logs, used });
        }
        // An id stays taken where its log was not recorded.
        if claims > uncounted && !self.is_past_retention {
            differences.push(Difference::Claims { claims, uncounted });
        }
        let hours = self.hours;
        if hours > used || (hours < used && !self.is_past_statistics) {
            differences.push(Difference::Hours { hours, used });
        }
        let counted = self.usage.as_ref().map_or(0, |usage| unsigned(usage.overage_blocks));
        if self.blocks != counted {
            differences.push(Difference::Blocks { blocks: self.blocks, counted });
        }
        differences
    }
}

/// The months of the organisations that come after `after`, by id. `cutoffs` gives an
/// organisation's.
///
/// # Errors
/// [`DbErr`] when the database fails, or holds a month that is none.
pub async fn page(
    db: &DatabaseConnection,
    after: Option<Uuid>,
    cutoffs: impl Fn(&organisation::Model) -> Cutoffs,
) -> Result<Page, DbErr> {
    let txn = snapshot(db).await?;
    let organisations = organisation::Entity::find()
        .apply_if(after, |rows, id| rows.filter(organisation::Column::Id.gt(id)))
        .order_by_asc(organisation::Column::Id)
        .limit(ORGANISATIONS as u64)
        .all(&txn)
        .await?;
    let next =
        (organisations.len() == ORGANISATIONS).then(|| organisations.last().map(|row| row.id)).flatten();
    let span = Span { after, up_to: next };

    let mut months: BTreeMap<MeterKey, Held> = BTreeMap::new();
    let meters = span.within(usage::Entity::find(), usage::Column::OrganisationId).all(&txn).await?;
    for usage in meters {
        let key = (usage.organisation_id, month(usage.month)?);
        months.entry(key).or_default().usage = Some(usage);
    }
    let logs = span.within(log::Entity::find(), log::Column::OrganisationId);
    let backend = db.get_database_backend();
    let of_log = yyyymm(backend, &millis(backend, "log.id"));
    for (key, n) in by_month(&txn, logs, log::Column::OrganisationId, of_log, "count(*)").await? {
        months.entry(key).or_default().logs = n;
    }
    let claims = span
        .within(log_external_id::Entity::find(), log_external_id::Column::OrganisationId)
        .filter(without("log", "log.organisation_id = log_external_id.organisation_id AND log.id = log_id"));
    let organisation_id = log_external_id::Column::OrganisationId;
    let of_claim = yyyymm(backend, &millis(backend, "log_external_id.log_id"));
    for (key, n) in by_month(&txn, claims, organisation_id, of_claim, "count(*)").await? {
        months.entry(key).or_default().claims = n;
    }
    let hours = span.within(usage_hourly::Entity::find(), usage_hourly::Column::OrganisationId);
    let of_hour = yyyymm(backend, "CAST(hour AS bigint) * 3600000");
    let logs = "CAST(sum(logs) AS bigint)";
    for (key, n) in by_month(&txn, hours, usage_hourly::Column::OrganisationId, of_hour, logs).await? {
        months.entry(key).or_default().hours = n;
    }
    let blocks = span.within(overage_block::Entity::find(), overage_block::Column::OrganisationId);
    let of_block = "month".to_owned();
    for (key, n) in
        by_month(&txn, blocks, overage_block::Column::OrganisationId, of_block, "count(*)").await?
    {
        months.entry(key).or_default().blocks = n;
    }
    txn.rollback().await?;

    let cutoffs: BTreeMap<Uuid, Cutoffs> = organisations.iter().map(|row| (row.id, cutoffs(row))).collect();
    for ((organisation, month), held) in &mut months {
        let Some(cutoffs) = cutoffs.get(organisation) else { continue };
        let reaches_in = |cutoff: Option<i64>| cutoff.is_some_and(|cutoff| cutoff > month.start_ms());
        held.is_past_retention = reaches_in(cutoffs.logs);
        held.is_past_statistics = reaches_in(cutoffs.statistics);
    }
    Ok(Page { months, next })
}

/// Organisations with logs that lack their content, or with content that lacks its log.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn content(db: &DatabaseConnection) -> Result<Vec<(Uuid, Difference)>, DbErr> {
    let txn = snapshot(db).await?;
    let logs = log::Entity::find()
        .filter(log::Column::Payload.is_in(["whole", "cut"]))
        .filter(without("log_payload", SAME_LOG));
    let logs = by_organisation(&txn, logs, log::Column::OrganisationId).await?;
    let contents = log_payload::Entity::find().filter(without("log", SAME_LOG));
    let contents = by_organisation(&txn, contents, log_payload::Column::OrganisationId).await?;
    txn.rollback().await?;
    let logs = logs.into_iter().map(|(id, logs)| (id, Difference::LogsWithoutContent { logs }));
    let contents = contents.into_iter().map(|(id, logs)| (id, Difference::ContentWithoutLogs { logs }));
    Ok(logs.chain(contents).collect())
}

/// Organisations by id, the first without and the last with what the bound names.
#[derive(Clone, Copy)]
struct Span {
    after: Option<Uuid>,
    up_to: Option<Uuid>,
}

impl Span {
    fn within<E: EntityTrait>(self, rows: Select<E>, organisation_id: E::Column) -> Select<E> {
        rows.apply_if(self.after, |rows, id| rows.filter(organisation_id.gt(id)))
            .apply_if(self.up_to, |rows, id| rows.filter(organisation_id.lte(id)))
    }
}

/// All that is read in it is of one moment.
async fn snapshot(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    match db.get_database_backend() {
        DbBackend::Postgres => {
            db.begin_with_config(Some(IsolationLevel::RepeatableRead), Some(AccessMode::ReadOnly)).await
        }
        // Any transaction is, over a write-ahead log.
        _ => db.begin().await,
    }
}

fn without(table: &str, condition: &str) -> Expr {
    Expr::cust(format!("NOT EXISTS (SELECT 1 FROM {table} WHERE {condition})"))
}

/// SQL for the milliseconds that a log's id begins with. On either, the index of organisations and ids is all that is read.
fn millis(backend: DbBackend, id: &str) -> String {
    match backend {
        DbBackend::Postgres => {
            format!("('x' || left(replace(CAST({id} AS text), '-', ''), 12))::bit(48)::bigint")
        }
        // JSON5 knows numbers in hexadecimal: https://www.sqlite.org/json1.html
        _ => format!("(('0x' || substr(hex({id}), 1, 12)) ->> '$')"),
    }
}

/// SQL for the month, in UTC, that such milliseconds are in.
fn yyyymm(backend: DbBackend, millis: &str) -> String {
    match backend {
        DbBackend::Postgres => {
            format!("CAST(to_char(to_timestamp(({millis}) / 1000) AT TIME ZONE 'UTC', 'YYYYMM') AS integer)")
        }
        _ => format!("CAST(strftime('%Y%m', ({millis}) / 1000, 'unixepoch') AS integer)"),
    }
}

/// What `n` gives of the rows of each meter, whose month is `yyyymm`.
async fn by_month<E: EntityTrait>(
    txn: &DatabaseTransaction,
    rows: Select<E>,
    organisation_id: E::Column,
    yyyymm: String,
    n: &str,
) -> Result<Vec<(MeterKey, u64)>, DbErr> {
    let counts: Vec<(Uuid, i32, i64)> = rows
        .select_only()
        .column(organisation_id)
        .column_as(Expr::cust(yyyymm), "yyyymm")
        .column_as(Expr::cust(n.to_owned()), "n")
        .group_by(organisation_id)
        .group_by(Expr::cust("2"))
        .into_tuple()
        .all(txn)
        .await?;
    counts
        .into_iter()
        .map(|(organisation, yyyymm, n)| Ok(((organisation, month(yyyymm)?), unsigned(n))))
        .collect()
}

async fn by_organisation<E: EntityTrait>(
    txn: &DatabaseTransaction,
    rows: Select<E>,
    organisation_id: E::Column,
) -> Result<Vec<(Uuid, u64)>, DbErr> {
    let counts: Vec<(Uuid, i64)> = rows
        .select_only()
        .column(organisation_id)
        .column_as(Expr::cust("count(*)"), "n")
        .group_by(organisation_id)
        .into_tuple()
        .all(txn)
        .await?;
    Ok(counts.into_iter().map(|(organisation, n)| (organisation, unsigned(n))).collect())
}

fn month(yyyymm: i32) -> Result<Month, DbErr> {
    Month::from_i32(yyyymm).ok_or_else(|| DbErr::Type(format!("{yyyymm} is no month")))
}

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

#[cfg(test)]
mod tests;
