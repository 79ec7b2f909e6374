//! Taking a batch of logs in: one transaction that also keeps the month's meter.
//!
//! The transaction has the last word on what is recorded. It begins by advancing the segment's mark, so that a batch
//! which comes a second time is skipped whole; then it admits logs in the order of the spool until the month's limit.

use std::collections::{BTreeMap, HashMap};

use entity::{log, log_external_id, log_payload, organisation, spool_mark, usage};
use plans::{Month, Terms};
use sea_orm::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, ExprTrait as _, IntoActiveModel, QuerySelect, Set,
    TransactionTrait,
};

/// Rows a statement may insert: SQLite takes 32,766 variables, and a log has under 50 columns.
const ROWS_PER_INSERT: usize = 500;

/// A log on its way into the store, with its packed content unless none is kept.
pub struct Entry {
    pub log: log::Model,
    pub payload: Option<Packed>,
}

/// Request and response as [`crate::content::Packer`] made them.
pub struct Packed {
    pub request: Vec<u8>,
    pub response: Vec<u8>,
}

/// A range of a spool segment and the logs in it, in their order.
pub struct Batch {
    pub segment: Uuid,
    /// Byte offsets of the range in the segment.
    pub start: u64,
    pub end: u64,
    pub entries: Vec<Entry>,
}

/// An organisation's month: what a meter row is kept for.
pub type MeterKey = (Uuid, Month);

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
}

/// What became of a batch.
#[derive(Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is in, metered as told.
    Now(BTreeMap<MeterKey, Tally>),
    /// It had been taken in before; nothing was done.
    Before,
}

/// Takes the batch in, or nothing of it.
///
/// `terms` gives an organisation's terms. Logs of an organisation that is not there are left out.
///
/// # Errors
/// [`DbErr`] when the database fails: the batch may be tried again as it is.
pub async fn append(
    db: &DatabaseConnection,
    batch: Batch,
    now_ms: i64,
    terms: impl Fn(&organisation::Model) -> Terms,
) -> Result<Appended, DbErr> {
    let txn = db.begin().await?;
    if !advance_mark(&txn, &batch, now_ms).await? {
        txn.rollback().await?;
        return Ok(Appended::Before);
    }
    let mut meters = lock_meters(&txn, &batch.entries, now_ms, terms).await?;
    let admitted = admit(&txn, batch.entries, &mut meters, now_ms).await?;
    insert(&txn, admitted).await?;
    save_meters(&txn, &meters, now_ms).await?;
    txn.commit().await?;
    Ok(Appended::Now(meters.into_iter().map(|(key, meter)| (key, meter.tally)).collect()))
}

/// Counts calls that were answered but could not be recorded, for want of room in the spool.
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
        make_meter(&txn, *key, now_ms).await?;
        usage::Entity::update_many()
            .col_expr(usage::Column::Unrecorded, Expr::col(usage::Column::Unrecorded).add(signed(*n)))
            .filter(usage::Column::OrganisationId.eq(key.0))
            .filter(usage::Column::Month.eq(key.1.as_i32()))
            .exec(&txn)
            .await?;
    }
    txn.commit().await
}

struct Meter {
    terms: Terms,
    before: usage::Model,
    tally: Tally,
}

/// Moves the segment's mark from the range's start to its end; false when it stands elsewhere, that is, past it.
async fn advance_mark(txn: &DatabaseTransaction, batch: &Batch, now_ms: i64) -> Result<bool, DbErr> {
    let fresh = spool_mark::Model { segment: batch.segment, next: signed(batch.start), updated_at: now_ms };
    spool_mark::Entity::insert(fresh.into_active_model())
        .on_conflict(OnConflict::column(spool_mark::Column::Segment).do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    let moved = spool_mark::Entity::update_many()
        .col_expr(spool_mark::Column::Next, Expr::value(signed(batch.end)))
        .col_expr(spool_mark::Column::UpdatedAt, Expr::value(now_ms))
        .filter(spool_mark::Column::Segment.eq(batch.segment))
        .filter(spool_mark::Column::Next.eq(signed(batch.start)))
        .exec(txn)
        .await?;
    Ok(moved.rows_affected == 1)
}

/// The meters of the batch, locked in order, so that two batches never wait for each other crosswise.
async fn lock_meters(
    txn: &DatabaseTransaction,
    entries: &[Entry],
    now_ms: i64,
    terms: impl Fn(&organisation::Model) -> Terms,
) -> Result<BTreeMap<MeterKey, Meter>, DbErr> {
    let mut keys: Vec<MeterKey> = entries.iter().map(|entry| meter_key(&entry.log)).collect();
    keys.sort_unstable();
    keys.dedup();
    let organisations: HashMap<Uuid, organisation::Model> = organisation::Entity::find()
        .filter(organisation::Column::Id.is_in(keys.iter().map(|key| key.0)))
        .all(txn)
        .await?
        .into_iter()
        .map(|organisation| (organisation.id, organisation))
        .collect();
    let mut meters = BTreeMap::new();
    for key in keys {
        let Some(organisation) = organisations.get(&key.0) else {
            tracing::warn!(organisation_id = %key.0, "logs of an organisation that is not there are left out");
            continue;
        };
        make_meter(txn, key, now_ms).await?;
        let before = usage::Entity::find_by_id((key.0, key.1.as_i32()))
            .lock_exclusive()
            .one(txn)
            .await?
            .ok_or_else(|| DbErr::RecordNotFound(format!("usage of {} in {}", key.0, key.1)))?;
        let tally = Tally { used: unsigned(before.used), ..Tally::default() };
        meters.insert(key, Meter { terms: terms(organisation), before, tally });
    }
    Ok(meters)
}

async fn make_meter(txn: &DatabaseTransaction, key: MeterKey, now_ms: i64) -> Result<(), DbErr> {
    let zero = usage::Model {
        organisation_id: key.0,
        month: key.1.as_i32(),
        used: 0,
        dropped: 0,
        unrecorded: 0,
        expired: 0,
        overage_blocks: 0,
        updated_at: now_ms,
    };
    usage::Entity::insert(zero.into_active_model())
        .on_conflict(
            OnConflict::columns([usage::Column::OrganisationId, usage::Column::Month])
                .do_nothing()
                .to_owned(),
        )
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

/// Decides for each log, in order, whether it is recorded, and tallies it.
async fn admit(
    txn: &DatabaseTransaction,
    entries: Vec<Entry>,
    meters: &mut BTreeMap<MeterKey, Meter>,
    now_ms: i64,
) -> Result<Vec<Entry>, DbErr> {
    let mut admitted = Vec::with_capacity(entries.len());
    for entry in entries {
        let Some(meter) = meters.get_mut(&meter_key(&entry.log)) else { continue };
        let cutoff = plans::retention_cutoff(&meter.terms, now_ms);
        if !claim_external_id(txn, &entry.log).await? {
            meter.tally.repeated += 1;
        } else if cutoff.is_some_and(|cutoff| entry.log.created_at < cutoff) {
            meter.tally.expired += 1;
        } else if meter.terms.admit(meter.tally.used, 1) == 1 {
            meter.tally.used += 1;
            meter.tally.recorded += 1;
            admitted.push(entry);
        } else {
            meter.tally.dropped += 1;
        }
    }
    Ok(admitted)
}

/// False when the organisation has already inserted a log under this id of its own.
async fn claim_external_id(txn: &DatabaseTransaction, log: &log::Model) -> Result<bool, DbErr> {
    let Some(external_id) = &log.external_id else { return Ok(true) };
    let claim = log_external_id::Model {
        organisation_id: log.organisation_id,
        external_id: external_id.clone(),
        log_id: log.id,
    };
    let columns = [log_external_id::Column::OrganisationId, log_external_id::Column::ExternalId];
    let inserted = log_external_id::Entity::insert(claim.into_active_model())
        .on_conflict(OnConflict::columns(columns).do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    Ok(inserted == 1)
}

async fn insert(txn: &DatabaseTransaction, mut entries: Vec<Entry>) -> Result<(), DbErr> {
    while !entries.is_empty() {
        let rest = entries.split_off(entries.len().min(ROWS_PER_INSERT));
        let chunk = std::mem::replace(&mut entries, rest);
        let savepoint = txn.begin().await?;
        match insert_rows(&savepoint, &chunk).await {
            Ok(()) => savepoint.commit().await?,
            Err(error) => {
                savepoint.rollback().await?;
                tracing::warn!(%error, rows = chunk.len(), "the store refused a chunk; its logs go in one by one");
                for entry in chunk {
                    insert_alone(txn, entry).await?;
                }
            }
        }
    }
    Ok(())
}

async fn insert_rows(txn: &DatabaseTransaction, entries: &[Entry]) -> Result<(), DbErr> {
    let logs = entries.iter().map(|entry| entry.log.clone().into_active_model());
    log::Entity::insert_many(logs).exec_without_returning(txn).await?;
    let payloads: Vec<log_payload::ActiveModel> = entries.iter().filter_map(payload_row).collect();
    if !payloads.is_empty() {
        log_payload::Entity::insert_many(payloads).exec_without_returning(txn).await?;
    }
    Ok(())
}

fn payload_row(entry: &Entry) -> Option<log_payload::ActiveModel> {
    entry.payload.as_ref().map(|packed| log_payload::ActiveModel {
        id: Set(entry.log.id),
        organisation_id: Set(entry.log.organisation_id),
        request: Set(packed.request.clone()),
        response: Set(packed.response.clone()),
    })
}

/// One log by itself; without its content when that is what the store refuses.
async fn insert_alone(txn: &DatabaseTransaction, mut entry: Entry) -> Result<(), DbErr> {
    let savepoint = txn.begin().await?;
    let Err(error) = insert_rows(&savepoint, std::slice::from_ref(&entry)).await else {
        return savepoint.commit().await;
    };
    savepoint.rollback().await?;
    tracing::warn!(log_id = %entry.log.id, %error, "a log is kept without its content, which the store refused");
    "unstorable".clone_into(&mut entry.log.payload);
    entry.payload = None;
    insert_rows(txn, &[entry]).await
}

async fn save_meters(
    txn: &DatabaseTransaction,
    meters: &BTreeMap<MeterKey, Meter>,
    now_ms: i64,
) -> Result<(), DbErr> {
    for meter in meters.values() {
        let Meter { terms, before, tally } = meter;
        let mut row = before.clone().into_active_model();
        row.used = Set(signed(tally.used));
        row.dropped = Set(before.dropped + signed(tally.dropped));
        row.expired = Set(before.expired + signed(tally.expired));
        row.overage_blocks = Set(signed(terms.overage_blocks(tally.used)));
        row.updated_at = Set(now_ms);
        row.update(txn).await?;
    }
    Ok(())
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
