//! Costing logs anew that are in the store, by other prices than they were costed by.
//!
//! A log's cost, its entry in `cost_correction` and the statistics by the hour change in one transaction; a log that has the new
//! version already is left alone, so that what was interrupted may be begun again. Budgets are not corrected: what was spent of
//! them only grows.

use std::ops::Range;

use clock::{Clock, Ids};
use entity::{cost_correction, log, usage};
use plans::Month;
use sea_orm::prelude::*;
use sea_orm::{
    Condition, DatabaseConnection, DatabaseTransaction, IntoActiveModel, QueryOrder as _, QuerySelect as _,
    QueryTrait as _, TransactionTrait as _,
};

use crate::append::hours::Corrections;

/// Logs in a transaction. Others wait as long as it takes to write them.
const LOGS: u64 = 500;

/// What logs of an organisation are costed by.
#[derive(Clone, Copy)]
pub struct Costing<'a> {
    /// As it stands on logs.
    pub version: &'a str,
    /// In pico-dollars; none where the price is not known.
    pub cost: &'a (dyn Fn(&log::Model) -> Option<i64> + Sync),
}

/// Whose logs, and of when.
#[derive(Clone, Debug)]
pub struct Which {
    pub organisation_id: Uuid,
    /// When they were received, unix milliseconds.
    pub received_ms: Range<i64>,
}

/// What was done, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Recosted {
    /// Logs that now have the version, whether or not their costs are others.
    pub logs: u64,
    /// Those whose costs are others.
    pub corrected: u64,
    /// Those whose price is not known now: they keep what they had.
    pub unknown: u64,
    /// By how much all costs together have changed, pico-dollars.
    pub delta_pusd: i64,
}

impl Recosted {
    /// Both together.
    pub fn add(&mut self, more: Self) {
        self.logs += more.logs;
        self.corrected += more.corrected;
        self.unknown += more.unknown;
        self.delta_pusd = self.delta_pusd.saturating_add(more.delta_pusd);
    }
}

/// Costs an organisation's logs anew, but for those whose cost was given with them. `tell` hears of what was done a transaction at a
/// time.
///
/// # Errors
/// [`DbErr`] when the database fails: what was told is done, and it may be begun again.
pub async fn recost(
    db: &DatabaseConnection,
    (ids, clock): (&Ids, &Clock),
    which: &Which,
    costing: Costing<'_>,
    mut tell: impl FnMut(Recosted),
) -> Result<(), DbErr> {
    for (month, received) in months(&which.received_ms) {
        let mut after = None;
        loop {
            let txn = db.begin().await?;
            lock_meter(&txn, which.organisation_id, month, clock.now_ms()).await?;
            let logs = next(&txn, which.organisation_id, &received, costing, after).await?;
            let recosted = correct(&txn, (ids, clock), &logs, costing).await?;
            txn.commit().await?;
            tell(recosted);
            match logs.last() {
                Some(last) if logs.len() as u64 == LOGS => after = Some(last.id),
                _ => break,
            }
        }
    }
    Ok(())
}

/// What [`recost`] would do.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn estimate(
    db: &DatabaseConnection,
    which: &Which,
    costing: Costing<'_>,
    mut tell: impl FnMut(Recosted),
) -> Result<(), DbErr> {
    let mut after = None;
    loop {
        let logs = next(db, which.organisation_id, &which.received_ms, costing, after).await?;
        let mut recosted = Recosted::default();
        for log in &logs {
            recosted.add(of(log, (costing.cost)(log)));
        }
        tell(recosted);
        match logs.last() {
            Some(last) if logs.len() as u64 == LOGS => after = Some(last.id),
            _ => return Ok(()),
        }
    }
}

fn of(log: &log::Model, new: Option<i64>) -> Recosted {
    let Some(new) = new else { return Recosted { unknown: 1, ..Recosted::default() } };
    let corrected = u64::from(log.cost_pusd != Some(new));
    let delta_pusd = new.saturating_sub(log.cost_pusd.unwrap_or(0));
    Recosted { logs: 1, corrected, unknown: 0, delta_pusd }
}

/// The months that the time is in, each with its part of it.
fn months(received_ms: &Range<i64>) -> Vec<(Month, Range<i64>)> {
    let mut months = Vec::new();
    let mut from = received_ms.start;
    while from < received_ms.end {
        let month = Month::of(from);
        let end = month.end_ms().min(received_ms.end);
        if end <= from {
            break;
        }
        months.push((month, from..end));
        from = end;
    }
    months
}

/// Statistics by the hour change under it alone. It writes before anything is read, as SQLite wants it.
async fn lock_meter(
    txn: &DatabaseTransaction,
    organisation: Uuid,
    month: Month,
    now_ms: i64,
) -> Result<(), DbErr> {
    usage::Entity::update_many()
        .col_expr(usage::Column::UpdatedAt, Expr::value(now_ms))
        .filter(usage::Column::OrganisationId.eq(organisation))
        .filter(usage::Column::Month.eq(month.as_i32()))
        .exec(txn)
        .await?;
    Ok(())
}

/// Logs that have another version, or no cost because their price was not known.
async fn next(
    db: &impl ConnectionTrait,
    organisation: Uuid,
    received_ms: &Range<i64>,
    costing: Costing<'_>,
    after: Option<Uuid>,
) -> Result<Vec<log::Model>, DbErr> {
    let counted = Condition::any()
        .add(log::Column::InputTokens.is_not_null())
        .add(log::Column::OutputTokens.is_not_null());
    let without_price = Condition::all()
        .add(log::Column::PricesVersion.is_null())
        .add(log::Column::CostPusd.is_null())
        .add(counted);
    let otherwise = Condition::any().add(log::Column::PricesVersion.ne(costing.version)).add(without_price);
    log::Entity::find()
        .filter(log::Column::OrganisationId.eq(organisation))
        .filter(log::Column::CreatedAt.gte(received_ms.start))
        .filter(log::Column::CreatedAt.lt(received_ms.end))
        .filter(log::Column::Id.gte(clock::floor(received_ms.start)))
        .filter(log::Column::Id.lt(clock::floor(received_ms.end)))
        .apply_if(after, |logs, id| logs.filter(log::Column::Id.gt(id)))
        .filter(otherwise)
        .order_by_asc(log::Column::Id)
        .limit(LOGS)
        .all(db)
        .await
}

async fn correct(
    txn: &DatabaseTransaction,
    (ids, clock): (&Ids, &Clock),
    logs: &[log::Model],
    costing: Costing<'_>,
) -> Result<Recosted, DbErr> {
    let (mut hours, mut entries, mut recosted) = (Corrections::default(), Vec::new(), Recosted::default());
    for log in logs {
        let new = (costing.cost)(log);
        let this = of(log, new);
        let Some(new_pusd) = new else {
            recosted.add(this);
            continue;
        };
        if !set_cost(txn, log, new_pusd, costing.version).await? {
            continue; // Deleted since it was read: it was past its retention.
        }
        recosted.add(this);
        if this.corrected == 1 {
            hours.add(log, new_pusd);
            entries.push(cost_correction::Model {
                id: ids.fresh(),
                organisation_id: log.organisation_id,
                log_id: log.id,
                old_pusd: log.cost_pusd,
                new_pusd,
                delta_pusd: this.delta_pusd,
                old_version: log.prices_version.clone(),
                new_version: costing.version.to_owned(),
                created_at: clock.now_ms(),
            });
        }
    }
    if !entries.is_empty() {
        let entries: Vec<cost_correction::ActiveModel> =
            entries.into_iter().map(IntoActiveModel::into_active_model).collect();
        cost_correction::Entity::insert_many(entries).exec_without_returning(txn).await?;
    }
    hours.save(txn).await?;
    Ok(recosted)
}

async fn set_cost(
    txn: &DatabaseTransaction,
    log: &log::Model,
    new_pusd: i64,
    version: &str,
) -> Result<bool, DbErr> {
    let set = log::Entity::update_many()
        .col_expr(log::Column::CostPusd, Expr::value(new_pusd))
        .col_expr(log::Column::PricesVersion, Expr::value(version))
        .filter(log::Column::Id.eq(log.id))
        // Of its partition alone.
        .filter(log::Column::RetentionClass.eq(log.retention_class))
        .filter(log::Column::CreatedAt.eq(log.created_at))
        .exec(txn)
        .await?;
    Ok(set.rows_affected == 1)
}

#[cfg(test)]
mod tests;
