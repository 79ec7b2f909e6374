//! The meters of a batch: what each admits, and what it counts.

use std::collections::{BTreeMap, BTreeSet};

use entity::{log, log_external_id, usage};
use plans::Terms;
use sea_orm::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{DatabaseTransaction, IntoActiveModel, QuerySelect, Set};

use super::{Entry, MeterKey, Tally, TermsOf, meter_key, signed, unsigned};

/// An organisation's month, locked.
pub(super) struct Meter {
    pub terms: Terms,
    pub before: usage::Model,
    pub tally: Tally,
}

impl Meter {
    /// Writes what the batch did, with `blocks` of overage that it opened.
    pub async fn save(&self, txn: &DatabaseTransaction, blocks: u64, now_ms: i64) -> Result<(), DbErr> {
        let Self { before, tally, .. } = self;
        let mut row = before.clone().into_active_model();
        row.used = Set(signed(tally.used));
        row.dropped = Set(before.dropped + signed(tally.dropped));
        // What the store refuses was answered and is not recorded, whatever the reason.
        row.unrecorded = Set(before.unrecorded + signed(tally.refused));
        row.expired = Set(before.expired + signed(tally.expired));
        row.overage_blocks = Set(before.overage_blocks + signed(blocks));
        row.updated_at = Set(now_ms);
        row.update(txn).await?;
        Ok(())
    }
}

/// The meters of the batch, locked in order, so that two batches never wait for each other crosswise.
pub(super) async fn lock(
    txn: &DatabaseTransaction,
    entries: &[Entry],
    terms: TermsOf<'_>,
    now_ms: i64,
) -> Result<BTreeMap<MeterKey, Meter>, DbErr> {
    let keys: BTreeSet<MeterKey> = entries.iter().map(|entry| meter_key(&entry.log)).collect();
    let mut meters = BTreeMap::new();
    for key in keys {
        let Some(terms) = terms(key) else {
            tracing::warn!(organisation_id = %key.0, "logs of an organisation that is not there are left out");
            continue;
        };
        make(txn, key, now_ms).await?;
        let before = usage::Entity::find_by_id((key.0, key.1.as_i32()))
            .lock_exclusive()
            .one(txn)
            .await?
            .ok_or_else(|| DbErr::RecordNotFound(format!("usage of {} in {}", key.0, key.1)))?;
        let tally = Tally { used: unsigned(before.used), ..Tally::default() };
        meters.insert(key, Meter { terms, before, tally });
    }
    Ok(meters)
}

pub(super) async fn make(txn: &DatabaseTransaction, key: MeterKey, now_ms: i64) -> Result<(), DbErr> {
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
pub(super) async fn admit(
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
