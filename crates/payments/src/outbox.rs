//! What Stripe is told of: each finished block of overage, by one meter event.
//!
//! Stripe refuses a second event of the same identifier, for at least 24 hours, and that refusal is an acknowledgement. What was
//! sent and not acknowledged is tried again within seconds and then at least each hour, so that Stripe still knows it. After a day
//! without any answer it may count a block twice, which [`Tried::doubtful`] tells; not sending it would be to count it never.

use entity::{meter_event, overage_block, payment_customer};
use plans::Month;
use sea_orm::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ConnectionTrait, FromQueryResult as _, IntoActiveModel, QueryOrder, QuerySelect, QueryTrait, Set,
    Statement,
};

use crate::{Failure, Stripe};

/// Blocks entered in one transaction.
const BLOCKS: u64 = 500;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Stripe takes what happened within 35 days; a day is left for it to arrive.
const OLDEST_MS: i64 = 34 * DAY_MS;

/// Stripe's invoice of a period takes in what comes within the hour after it.
/// <https://docs.stripe.com/billing/subscriptions/usage-based>
const GRACE_MS: i64 = HOUR_MS;

/// What is waited after each attempt that was not acknowledged, in milliseconds; then the last of them, for ever.
const DELAYS_MS: [i64; 5] = [10_000, 60_000, 300_000, 900_000, HOUR_MS];

/// An event that is to be sent, and to whose account.
#[derive(Clone, Debug)]
pub struct Due {
    pub event: meter_event::Model,
    pub customer: String,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    Acknowledged,
    /// Stripe has it already: an answer was lost before.
    Duplicate,
    Failed(Failure),
}

/// By what Stripe knows the event of a block.
#[must_use]
pub fn identifier(block: &overage_block::Model) -> String {
    format!("{}-{}-{}", block.organisation_id, block.month, block.block)
}

/// Enters the blocks that are finished (a later one of their month is open, or the month is over) and gives how many there were; as
/// many as [`BLOCKS`]: there may be more.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn enter(txn: &impl ConnectionTrait, now_ms: i64) -> Result<(u64, bool), DbErr> {
    let month = Month::of(now_ms).as_i32();
    let sql = format!(
        "SELECT b.* FROM overage_block b LEFT JOIN meter_event e
           ON e.organisation_id = b.organisation_id AND e.month = b.month AND e.block = b.block
         WHERE e.identifier IS NULL AND (b.month < {month} OR EXISTS (
           SELECT 1 FROM overage_block l
           WHERE l.organisation_id = b.organisation_id AND l.month = b.month AND l.block > b.block))
         ORDER BY b.month, b.block, b.organisation_id LIMIT {BLOCKS}"
    );
    let finished =
        overage_block::Model::find_by_statement(Statement::from_string(txn.get_database_backend(), sql))
            .all(txn)
            .await?;
    if finished.is_empty() {
        return Ok((0, false));
    }
    let more = u64::try_from(finished.len()).unwrap_or(u64::MAX) >= BLOCKS;
    let rows = finished.iter().map(|block| entered(block, now_ms).into_active_model());
    let known = OnConflict::column(meter_event::Column::Identifier).do_nothing().to_owned();
    let n = meter_event::Entity::insert_many(rows).on_conflict(known).exec_without_returning(txn).await?;
    Ok((n, more))
}

fn entered(block: &overage_block::Model, now_ms: i64) -> meter_event::Model {
    meter_event::Model {
        identifier: identifier(block),
        organisation_id: block.organisation_id,
        month: block.month,
        block: block.block,
        created_at: now_ms,
        attempts: 0,
        first_attempt_at: None,
        occurred_at: None,
        next_attempt_at: now_ms,
        acknowledged_at: None,
        last_error: None,
    }
}

/// What is to be sent by now, those that have waited for longest first.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn due(db: &impl ConnectionTrait, now_ms: i64, limit: u64) -> Result<Vec<Due>, DbErr> {
    let customers = payment_customer::Entity::find()
        .select_only()
        .column(payment_customer::Column::OrganisationId)
        .into_query();
    let events = meter_event::Entity::find()
        .filter(meter_event::Column::AcknowledgedAt.is_null())
        .filter(meter_event::Column::NextAttemptAt.lte(now_ms))
        .filter(meter_event::Column::OrganisationId.in_subquery(customers))
        .order_by_asc(meter_event::Column::NextAttemptAt)
        .order_by_asc(meter_event::Column::Identifier)
        .limit(limit)
        .all(db)
        .await?;
    let mut due = Vec::with_capacity(events.len());
    for event in events {
        if let Some(row) = payment_customer::Entity::find_by_id(event.organisation_id).one(db).await? {
            due.push(Due { event, customer: row.stripe_customer_id });
        }
    }
    Ok(due)
}

/// How many wait for their organisation to be a customer.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn without_customer(db: &impl ConnectionTrait) -> Result<u64, DbErr> {
    let customers = payment_customer::Entity::find()
        .select_only()
        .column(payment_customer::Column::OrganisationId)
        .into_query();
    meter_event::Entity::find()
        .filter(meter_event::Column::AcknowledgedAt.is_null())
        .filter(meter_event::Column::OrganisationId.not_in_subquery(customers))
        .count(db)
        .await
}

/// Writes an attempt down before it is made, and what it sends: whoever finds it unanswered makes the next, of the same.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn begin(txn: &impl ConnectionTrait, due: &mut Due, now_ms: i64) -> Result<(), DbErr> {
    let event = &mut due.event;
    let occurred_at = event.occurred_at.filter(|at| *at > now_ms - OLDEST_MS);
    let occurred_at = match occurred_at {
        Some(at) => at,
        None => occurred_at_ms(event, txn, now_ms).await?,
    };
    event.attempts = event.attempts.saturating_add(1);
    event.first_attempt_at = event.first_attempt_at.or(Some(now_ms));
    event.occurred_at = Some(occurred_at);
    event.next_attempt_at = now_ms.saturating_add(delay_ms(event.attempts));
    let change = meter_event::ActiveModel {
        attempts: Set(event.attempts),
        first_attempt_at: Set(event.first_attempt_at),
        occurred_at: Set(event.occurred_at),
        next_attempt_at: Set(event.next_attempt_at),
        ..Default::default()
    };
    update(txn, event, change).await
}

/// When the block was opened, for as long as its month's invoice can take it; later it goes on the next, as it does with us.
async fn occurred_at_ms(
    event: &meter_event::Model,
    db: &impl ConnectionTrait,
    now_ms: i64,
) -> Result<i64, DbErr> {
    let key = (event.organisation_id, event.month, event.block);
    let block = overage_block::Entity::find_by_id(key).one(db).await?;
    let end_ms = Month::from_i32(event.month).map(Month::end_ms);
    let (Some(block), Some(end_ms)) = (block, end_ms) else { return Ok(now_ms) };
    Ok(occurred(block.opened_at, end_ms, now_ms))
}

fn occurred(opened_at: i64, end_ms: i64, now_ms: i64) -> i64 {
    if now_ms >= end_ms + GRACE_MS {
        return now_ms;
    }
    // A log of the month that came late may have opened it after the month's end.
    opened_at.min(end_ms - 1000).max(now_ms - OLDEST_MS)
}

fn delay_ms(attempts: i32) -> i64 {
    let made = usize::try_from(attempts).unwrap_or(1).max(1);
    DELAYS_MS[(made - 1).min(DELAYS_MS.len() - 1)]
}

/// Makes an attempt that was begun.
pub async fn attempt(stripe: &Stripe, event_name: &str, due: &Due) -> Tried {
    let seconds = due.event.occurred_at.unwrap_or_default().div_euclid(1000).to_string();
    let fields = [
        ("event_name", event_name),
        ("identifier", due.event.identifier.as_str()),
        ("timestamp", seconds.as_str()),
        ("payload[stripe_customer_id]", due.customer.as_str()),
        ("payload[value]", "1"),
    ];
    // Without an idempotency key: that would ask for the very same fields for ever, and the identifier does what it would.
    match stripe.post("/v1/billing/meter_events", &fields, None).await {
        Ok(_) => Tried::Acknowledged,
        Err(failure) if is_duplicate(&failure, &due.event.identifier) => Tried::Duplicate,
        Err(failure) => Tried::Failed(failure),
    }
}

/// Stripe names a code in some versions, and says it in words in all.
fn is_duplicate(failure: &Failure, identifier: &str) -> bool {
    let Failure::Refused { status: 400, code, said } = failure else { return false };
    code.as_deref() == Some("duplicate_meter_event")
        || said.starts_with(&format!("An event already exists with identifier {identifier}"))
}

/// Writes down what became of an attempt.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn settle(
    txn: &impl ConnectionTrait,
    event: &meter_event::Model,
    tried: &Tried,
    now_ms: i64,
) -> Result<(), DbErr> {
    let change = match tried {
        Tried::Acknowledged | Tried::Duplicate => meter_event::ActiveModel {
            acknowledged_at: Set(Some(now_ms)),
            last_error: Set(None),
            ..Default::default()
        },
        Tried::Failed(failure) => {
            meter_event::ActiveModel { last_error: Set(Some(failure.to_string())), ..Default::default() }
        }
    };
    update(txn, event, change).await
}

async fn update(
    txn: &impl ConnectionTrait,
    event: &meter_event::Model,
    change: meter_event::ActiveModel,
) -> Result<(), DbErr> {
    meter_event::Entity::update_many()
        .set(change)
        .filter(meter_event::Column::Identifier.eq(&event.identifier))
        .exec(txn)
        .await?;
    Ok(())
}

impl Tried {
    /// Whether Stripe may have forgotten that it has the event: it was sent a day ago first, and is not acknowledged.
    #[must_use]
    pub fn doubtful(&self, event: &meter_event::Model, now_ms: i64) -> bool {
        *self != Self::Duplicate && event.first_attempt_at.is_some_and(|first| now_ms - first > DAY_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: i64 = 1_000 * DAY_MS;

    #[test]
    fn a_block_is_told_of_in_its_month_while_its_invoice_is_open_and_never_too_late() {
        for (opened_at, now_ms, expected) in [
            (END - 5 * DAY_MS, END - DAY_MS, END - 5 * DAY_MS),
            (END - 5 * DAY_MS, END + GRACE_MS - 1, END - 5 * DAY_MS),
            (END - 5 * DAY_MS, END + GRACE_MS, END + GRACE_MS),
            (END + 60_000, END + 120_000, END - 1000),
            (END - 5 * DAY_MS, END + 90 * DAY_MS, END + 90 * DAY_MS),
        ] {
            assert_eq!(occurred(opened_at, END, now_ms), expected, "{opened_at} {now_ms}");
        }
    }

    #[test]
    fn the_waits_grow_to_an_hour() {
        let waits: Vec<i64> = (1..=7).map(delay_ms).collect();
        assert_eq!(waits, [10_000, 60_000, 300_000, 900_000, HOUR_MS, HOUR_MS, HOUR_MS]);
    }

    #[test]
    fn only_a_refusal_of_the_same_identifier_is_a_duplicate() {
        let refused = |code: Option<&str>, said: &str| Failure::Refused {
            status: 400,
            code: code.map(str::to_owned),
            said: said.to_owned(),
        };
        assert!(is_duplicate(
            &refused(None, "An event already exists with identifier a-202611-1."),
            "a-202611-1"
        ));
        assert!(is_duplicate(&refused(Some("duplicate_meter_event"), "x"), "a-202611-1"));
        assert!(!is_duplicate(&refused(None, "No such customer: cus_1"), "a-202611-1"));
        let busy = Failure::Busy {
            status: 500,
            said: "An event already exists with identifier a-202611-1".to_owned(),
        };
        assert!(!is_duplicate(&busy, "a-202611-1"));
    }
}
