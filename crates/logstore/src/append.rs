//! Taking a batch of logs in: one transaction that also keeps the month's meter.
//!
//! The transaction has the last word on what is recorded. It begins by advancing the segment's mark, so that a batch
//! which comes a second time is skipped whole; then it admits logs in the order of the spool until the month's limit.

use std::collections::{BTreeMap, BTreeSet};

use clock::Clock;
use entity::{log, spool_mark, usage};
use plans::{Month, Terms};
use sea_orm::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{DatabaseConnection, DatabaseTransaction, ExprTrait as _, IntoActiveModel, TransactionTrait};

use crate::exports::Exports;
use crate::partitions::{self, Partition};
use crate::spending::{self, Limited};
pub use findings::{Late, Opinion};

use findings::Findings;
use hours::Hours;
use meter::Meter;
use outbox::Outbox;
use texts::Texts;

mod findings;
pub(crate) mod hours;
mod insert;
mod meter;
mod outbox;
mod overage;
mod rows;
mod texts;

/// A log on its way into the store, with its packed content unless none is kept.
pub struct Entry {
    pub log: log::Model,
    /// As [`crate::Packer`] made it.
    pub payload: Option<Vec<u8>>,
    /// What guardrails think of the call.
    pub opinions: Vec<Opinion>,
}

/// A range of a spool segment and the logs in it, in their order.
pub struct Batch {
    pub segment: Uuid,
    /// Byte offsets of the range in the segment.
    pub start: u64,
    pub end: u64,
    pub entries: Vec<Entry>,
    /// What was found of logs of this batch, or of those before it.
    pub late: Vec<Late>,
}

/// An organisation's month: what a meter row is kept for.
pub type MeterKey = (Uuid, Month);

/// The terms that an organisation's month is metered by; none where the organisation is not there.
pub type TermsOf<'a> = &'a (dyn Fn(MeterKey) -> Option<Terms> + Sync);

/// What a batch is taken in by, read before its transaction.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    pub terms: TermsOf<'a>,
    /// The limits of who made the calls.
    pub limited: &'a Limited,
    /// Where the organisations' logs are exported to.
    pub exports: &'a Exports,
    /// Whether logs are to be found by the words of their content.
    pub searchable: bool,
}

/// What the transaction did to one meter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Logs recorded in the month, this batch included.
    pub used: u64,
    pub recorded: u64,
    pub dropped: u64,
    pub expired: u64,
    /// Inserted logs that were already there under the client's own id.
    pub repeated: u64,
    /// Logs that the store refuses for what is in them, even without their content; not in `used` or `recorded`.
    pub refused: u64,
}

/// What became of a batch.
#[derive(Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is in, metered as told.
    Now(BTreeMap<MeterKey, Tally>),
    /// It had been taken in before; nothing was done.
    Before,
}

/// Why a batch is not in.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// For [`append_singly`].
    #[error("the store refused a log for what is in it")]
    Refused(#[source] DbErr),
    #[error("the database failed")]
    Database(#[from] DbErr),
}

/// Takes the batch in, or nothing of it.
///
/// Logs of an organisation without terms are left out. `clock` tells what is past its retention.
///
/// # Errors
/// [`Error::Refused`] when the batch can only go in with [`append_singly`]; [`Error::Database`] when the database fails:
/// the batch may be tried again as it is.
pub async fn append(
    db: &DatabaseConnection,
    mut batch: Batch,
    rules: Rules<'_>,
    clock: &Clock,
) -> Result<Appended, Error> {
    partitions::ensure(db, &partitions_of(&batch, rules.terms, clock.now_ms())).await?;
    let late = std::mem::take(&mut batch.late);
    let txn = db.begin().await?;
    let Some((meters, mut admitted)) = begin(&txn, batch, rules, clock).await? else {
        txn.rollback().await?;
        return Ok(Appended::Before);
    };
    let hours = Hours::of(admitted.iter().map(|entry| &entry.log));
    let outbox = Outbox::of(rules.exports, admitted.iter().map(|entry| &entry.log));
    let (mut findings, mut texts) = (Findings::default(), Texts::default());
    for entry in &mut admitted {
        if rules.searchable && entry.payload.is_some() {
            texts.add(&entry.log);
        }
        findings.add(&entry.log, 1, std::mem::take(&mut entry.opinions));
    }
    if let Err(error) = insert::all(&txn, admitted).await {
        let refused = insert::is_refusal(&error, txn.get_database_backend());
        txn.rollback().await?;
        return Err(if refused { Error::Refused(error) } else { Error::Database(error) });
    }
    Ok(end(txn, Made { meters, hours, outbox, texts, findings, late }, rules.exports, clock).await?)
}

/// The same, log by log: slower, and what the store refuses is left out (the content of a log, else the log) rather than
/// being in the way of the others.
///
/// # Errors
/// [`DbErr`] when the database fails: the batch may be tried again as it is.
pub async fn append_singly(
    db: &DatabaseConnection,
    mut batch: Batch,
    rules: Rules<'_>,
    clock: &Clock,
) -> Result<Appended, DbErr> {
    partitions::ensure(db, &partitions_of(&batch, rules.terms, clock.now_ms())).await?;
    let late = std::mem::take(&mut batch.late);
    let txn = db.begin().await?;
    let Some((mut meters, admitted)) = begin(&txn, batch, rules, clock).await? else {
        txn.rollback().await?;
        return Ok(Appended::Before);
    };
    let mut hours = Hours::default();
    let mut outbox = Outbox::default();
    let (mut findings, mut texts) = (Findings::default(), Texts::default());
    for mut entry in admitted {
        let log = entry.log.clone();
        let opinions = std::mem::take(&mut entry.opinions);
        let has_text = rules.searchable && entry.payload.is_some();
        if insert::one(&txn, entry).await? {
            findings.add(&log, 1, opinions);
            hours.add(&log);
            outbox.add(rules.exports, &log);
            if has_text {
                texts.add(&log);
            }
        } else if let Some(Meter { tally, .. }) = meters.get_mut(&meter_key(&log)) {
            tally.used -= 1;
            tally.recorded -= 1;
            tally.refused += 1;
        }
    }
    end(txn, Made { meters, hours, outbox, texts, findings, late }, rules.exports, clock).await
}

/// Where those of the batch's logs go that are not past their retention.
fn partitions_of(batch: &Batch, terms: TermsOf<'_>, now_ms: i64) -> BTreeSet<Partition> {
    let kept = |log: &&log::Model| {
        let cutoff = terms(meter_key(log)).map(|terms| plans::retention_cutoff(&terms, now_ms));
        cutoff.is_some_and(|cutoff| cutoff.is_none_or(|cutoff| log.created_at >= cutoff))
    };
    let logs = batch.entries.iter().map(|entry| &entry.log).filter(kept);
    logs.map(|log| Partition::of(log.retention_class, log.created_at)).collect()
}

/// The meters of the batch and the logs to be inserted; none when the batch had been taken in before.
async fn begin(
    txn: &DatabaseTransaction,
    batch: Batch,
    Rules { terms, limited, .. }: Rules<'_>,
    clock: &Clock,
) -> Result<Option<(BTreeMap<MeterKey, Meter>, Vec<Entry>)>, DbErr> {
    if !advance_mark(txn, &batch, clock.now_ms()).await? {
        return Ok(None);
    }
    // Only now, for the first write may have waited for another's transaction.
    let now_ms = clock.now_ms();
    let mut meters = meter::lock(txn, &batch.entries, terms, now_ms).await?;
    // What was dropped was spent as well.
    spending::count(txn, batch.entries.iter().map(|entry| &entry.log), limited, clock).await?;
    let admitted = meter::admit(txn, batch.entries, &mut meters, now_ms).await?;
    Ok(Some((meters, admitted)))
}

/// What a transaction has besides its logs, when those are in.
struct Made {
    meters: BTreeMap<MeterKey, Meter>,
    hours: Hours,
    outbox: Outbox,
    texts: Texts,
    findings: Findings,
    late: Vec<Late>,
}

async fn end(
    txn: DatabaseTransaction,
    made: Made,
    exports: &Exports,
    clock: &Clock,
) -> Result<Appended, DbErr> {
    let Made { meters, hours, mut outbox, texts, mut findings, late } = made;
    for (key, meter) in &meters {
        let blocks = overage::open(&txn, *key, meter, clock).await?;
        meter.save(&txn, blocks, clock.now_ms()).await?;
    }
    hours.save(&txn).await?;
    for late in late {
        findings.add_late(&txn, late).await?;
    }
    findings.save(&txn, exports, &mut outbox).await?;
    outbox.save(&txn, clock).await?;
    texts.save(&txn, clock.now_ms()).await?;
    txn.commit().await?;
    Ok(Appended::Now(meters.into_iter().map(|(key, meter)| (key, meter.tally)).collect()))
}

/// Counts calls that were answered but could not be recorded.
///
/// # Errors
/// [`DbErr`] when the database fails: nothing was counted.
pub async fn count_unrecorded(
    db: &DatabaseConnection,
    counts: &BTreeMap<MeterKey, u64>,
    now_ms: i64,
) -> Result<(), DbErr> {
    let txn = db.begin().await?;
    for (key, n) in counts {
        meter::make(&txn, *key, now_ms).await?;
        usage::Entity::update_many()
            .col_expr(usage::Column::Unrecorded, Expr::col(usage::Column::Unrecorded).add(signed(*n)))
            .filter(usage::Column::OrganisationId.eq(key.0))
            .filter(usage::Column::Month.eq(key.1.as_i32()))
            .exec(&txn)
            .await?;
    }
    txn.commit().await
}

/// The logs that a meter has counted; 0 where there is none.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn used(db: &impl ConnectionTrait, (organisation, month): MeterKey) -> Result<u64, DbErr> {
    let meter = usage::Entity::find_by_id((organisation, month.as_i32())).one(db).await?;
    Ok(meter.map_or(0, |meter| unsigned(meter.used)))
}

/// Moves the segment's mark from the range's start to its end; false when it is past the start.
///
/// The ranges of a segment follow each other, so a mark before the start means that the store has lost what it had taken
/// in: it was restored, or another took over from it. What comes now must not be lost as well.
async fn advance_mark(txn: &DatabaseTransaction, batch: &Batch, now_ms: i64) -> Result<bool, DbErr> {
    let at_start = spool_mark::Column::Next.eq(signed(batch.start));
    if batch.start > 0 && move_mark(txn, batch, at_start, now_ms).await? {
        return Ok(true);
    }
    let fresh = spool_mark::Model { segment: batch.segment, next: 0, updated_at: now_ms };
    spool_mark::Entity::insert(fresh.into_active_model())
        .on_conflict(OnConflict::column(spool_mark::Column::Segment).do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    let up_to_start = spool_mark::Column::Next.lte(signed(batch.start));
    let moved = move_mark(txn, batch, up_to_start, now_ms).await?;
    if moved && batch.start > 0 {
        let (segment, start) = (batch.segment, batch.start);
        tracing::warn!(%segment, start, "the store has not got what came before in this segment: it has lost logs");
    }
    Ok(moved)
}

async fn move_mark(
    txn: &DatabaseTransaction,
    batch: &Batch,
    from: impl sea_orm::sea_query::IntoCondition,
    now_ms: i64,
) -> Result<bool, DbErr> {
    let moved = spool_mark::Entity::update_many()
        .col_expr(spool_mark::Column::Next, Expr::value(signed(batch.end)))
        .col_expr(spool_mark::Column::UpdatedAt, Expr::value(now_ms))
        .filter(spool_mark::Column::Segment.eq(batch.segment))
        .filter(from)
        .exec(txn)
        .await?;
    Ok(moved.rows_affected == 1)
}

fn meter_key(log: &log::Model) -> MeterKey {
    (log.organisation_id, Month::of(log.created_at))
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

#[cfg(test)]
mod tests;
