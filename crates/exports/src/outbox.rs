//! Logs on their way: what is due, and what became of it.
//!
//! A row is there until the receiver has acknowledged its logs, has refused them for good, or they are too old or too many. What was
//! sent and not yet written down is sent again, with the same ids of spans.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use clock::Ids;
use entity::otel_destination::{self, Model};
use entity::{feedback, otel_outbox};
use logstore::exports::Exports;
use sea_orm::prelude::*;
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, ExprTrait as _, FromQueryResult, IntoActiveModel, QueryOrder,
    QuerySelect,
};

use crate::backoff::delay_ms;

/// As a kind stands in the database.
const FEEDBACK: &str = "feedback";

/// Rows that are made one batch, at the most.
const ROWS: u64 = 64;

/// What waits for a destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    pub logs: i64,
    /// When the first of them was logged.
    pub since: Option<i64>,
}

/// What is kept for a destination that takes nothing.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub age: Duration,
    pub logs: u64,
}

/// What a row of the outbox is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Log,
    Feedback,
}

/// A part of what waits for a destination, from the first on: all of one kind.
pub struct Taken {
    rows: Vec<otel_outbox::Model>,
    pub kind: Kind,
    /// The ids of its logs, or feedbacks.
    pub subjects: Vec<Uuid>,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Acknowledged, but for so many spans, with what the receiver said.
    Sent { rejected: i64, said: Option<String> },
    /// It will not take them, ever.
    Refused(String),
    /// It may later.
    Failed { error: String, retry_after: Option<Duration> },
}

#[derive(FromQueryResult)]
struct Sum {
    destination_id: Uuid,
    logs: i64,
    since: i64,
}

/// Has feedback sent to the destinations that want its trace; in the transaction that keeps it. Which logs a destination filters for
/// is asked as it is sent.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn add_feedback(
    txn: &impl ConnectionTrait,
    fresh: &Ids,
    feedback: &[feedback::Model],
    now_ms: i64,
) -> Result<(), DbErr> {
    let exports = Exports::load(txn, feedback.iter().map(|row| row.organisation_id)).await?;
    let mut wanted: BTreeMap<(Uuid, Uuid), Vec<Uuid>> = BTreeMap::new();
    for row in feedback {
        for destination in exports.of_trace(row.organisation_id, row.workspace_id, &row.trace_id) {
            wanted.entry((row.organisation_id, destination)).or_default().push(row.id);
        }
    }
    let rows = wanted.into_iter().map(|((organisation_id, destination_id), subjects)| {
        let row = otel_outbox::Model {
            id: fresh.fresh(),
            destination_id,
            organisation_id,
            n: i32::try_from(subjects.len()).unwrap_or(i32::MAX),
            kind: FEEDBACK.to_owned(),
            subjects: clock::pack(&subjects),
            created_at: now_ms,
        };
        row.into_active_model()
    });
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        otel_outbox::Entity::insert_many(rows).exec_without_returning(txn).await?;
    }
    Ok(())
}

/// What waits for each of these destinations; of those that are not named nothing does.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn waiting(
    db: &impl ConnectionTrait,
    destinations: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, Waiting>, DbErr> {
    let ids: Vec<Uuid> = destinations.into_iter().collect();
    let sums = sums(otel_outbox::Entity::find().filter(otel_outbox::Column::DestinationId.is_in(ids)));
    let sums = sums.all(db).await?;
    let waiting = |sum: Sum| (sum.destination_id, Waiting { logs: sum.logs, since: Some(sum.since) });
    Ok(sums.into_iter().map(waiting).collect())
}

fn sums(rows: sea_orm::Select<otel_outbox::Entity>) -> sea_orm::Selector<sea_orm::SelectModel<Sum>> {
    // The sum of integers is a `bigint` on PostgreSQL.
    rows.select_only()
        .column(otel_outbox::Column::DestinationId)
        .column_as(otel_outbox::Column::N.sum(), "logs")
        .column_as(otel_outbox::Column::CreatedAt.min(), "since")
        .group_by(otel_outbox::Column::DestinationId)
        .into_model::<Sum>()
}

/// Whether anything waits for anybody.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn is_empty(db: &impl ConnectionTrait) -> Result<bool, DbErr> {
    let first = otel_outbox::Entity::find().select_only().column(otel_outbox::Column::DestinationId).limit(1);
    Ok(first.into_tuple::<Uuid>().one(db).await?.is_none())
}

/// The destinations that something waits for and that may be asked now, but for those that are `busy`.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn due(
    db: &impl ConnectionTrait,
    now_ms: i64,
    busy: impl IntoIterator<Item = Uuid>,
    limit: u64,
) -> Result<Vec<Uuid>, DbErr> {
    let something = Query::select()
        .column(otel_outbox::Column::DestinationId)
        .from(otel_outbox::Entity)
        .and_where(
            Expr::col((otel_outbox::Entity, otel_outbox::Column::DestinationId))
                .equals((otel_destination::Entity, otel_destination::Column::Id)),
        )
        .to_owned();
    otel_destination::Entity::find()
        .select_only()
        .column(otel_destination::Column::Id)
        .filter(otel_destination::Column::Status.eq("active"))
        .filter(otel_destination::Column::NextAttemptAt.lte(now_ms))
        .filter(otel_destination::Column::Id.is_not_in(busy))
        .filter(Expr::exists(something))
        .order_by_asc(otel_destination::Column::NextAttemptAt)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await
}

/// The destination as it is now; none where it may not be asked now.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn ready(db: &impl ConnectionTrait, id: Uuid, now_ms: i64) -> Result<Option<Model>, DbErr> {
    otel_destination::Entity::find_by_id(id)
        .filter(otel_destination::Column::Status.eq("active"))
        .filter(otel_destination::Column::NextAttemptAt.lte(now_ms))
        .one(db)
        .await
}

/// The first of what waits for a destination: at most `limit` logs, or feedbacks.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn take(db: &impl ConnectionTrait, destination: Uuid, limit: usize) -> Result<Taken, DbErr> {
    let mut rows = otel_outbox::Entity::find()
        .filter(otel_outbox::Column::DestinationId.eq(destination))
        .order_by_asc(otel_outbox::Column::CreatedAt)
        .order_by_asc(otel_outbox::Column::Id)
        .limit(ROWS)
        .all(db)
        .await?;
    let kind = |row: &otel_outbox::Model| if row.kind == FEEDBACK { Kind::Feedback } else { Kind::Log };
    let first = rows.first().map_or(Kind::Log, kind);
    rows.truncate(rows.iter().take_while(|row| kind(row) == first).count());
    let subjects = rows.iter().flat_map(|row| clock::unpack(&row.subjects)).take(limit).collect();
    Ok(Taken { rows, kind: first, subjects })
}

/// Writes what became of the first `n` logs of what was taken, `gone` of which were no longer there.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn settle(
    txn: &impl ConnectionTrait,
    to: &Model,
    (taken, n): (&Taken, usize),
    gone: usize,
    outcome: &Outcome,
    now_ms: i64,
) -> Result<(), DbErr> {
    let mut change =
        otel_destination::ActiveModel { last_attempt_at: Set(Some(now_ms)), ..Default::default() };
    let (mut sent, mut rejected, mut dropped) = (0, 0, 0);
    match outcome {
        Outcome::Sent { rejected: of_them, said } => {
            (sent, rejected, dropped) = (count(n - gone), *of_them, count(gone));
            change.last_success_at = Set(Some(now_ms));
            change.last_error = Set(said.clone());
        }
        Outcome::Refused(error) => {
            dropped = count(n);
            change.last_error = Set(Some(error.clone()));
        }
        Outcome::Failed { error, .. } => change.last_error = Set(Some(error.clone())),
    }
    if let Outcome::Failed { retry_after, .. } = outcome {
        let attempts = to.attempts.saturating_add(1);
        change.attempts = Set(attempts);
        change.next_attempt_at = Set(now_ms.saturating_add(delay_ms(attempts, to.id, *retry_after)));
    } else {
        change.attempts = Set(0);
        remove(txn, taken, n).await?;
    }
    let more = |column: otel_destination::Column, n: i64| Expr::col(column).add(n);
    let mut update = otel_destination::Entity::update_many()
        .set(change)
        .col_expr(otel_destination::Column::Sent, more(otel_destination::Column::Sent, sent))
        .col_expr(otel_destination::Column::Rejected, more(otel_destination::Column::Rejected, rejected))
        .col_expr(otel_destination::Column::Dropped, more(otel_destination::Column::Dropped, dropped))
        .filter(otel_destination::Column::Id.eq(to.id));
    if matches!(outcome, Outcome::Failed { .. }) {
        // One that was changed meanwhile is tried at once.
        update = update.filter(otel_destination::Column::LastUpdatedAt.eq(to.last_updated_at));
    }
    update.exec(txn).await?;
    Ok(())
}

/// Takes the first `n` logs out of the rows.
async fn remove(txn: &impl ConnectionTrait, taken: &Taken, mut n: usize) -> Result<(), DbErr> {
    let mut done = Vec::new();
    for row in &taken.rows {
        let of_row = row.subjects.len() / 16;
        if of_row > n {
            let change = otel_outbox::ActiveModel {
                subjects: Set(row.subjects[n * 16..].to_vec()),
                n: Set(i32::try_from(of_row - n).unwrap_or(i32::MAX)),
                ..Default::default()
            };
            let rest = otel_outbox::Entity::update_many().set(change);
            rest.filter(otel_outbox::Column::Id.eq(row.id)).exec(txn).await?;
            break;
        }
        n -= of_row;
        done.push(row.id);
    }
    let done = otel_outbox::Column::Id.is_in(done);
    otel_outbox::Entity::delete_many().filter(done).exec(txn).await?;
    Ok(())
}

/// Gives up what is too old, what is too much (the oldest of it), and what no destination is there for. How many logs of
/// destinations that are there.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn trim(txn: &impl ConnectionTrait, bounds: Bounds, now_ms: i64) -> Result<u64, DbErr> {
    let there =
        Query::select().column(otel_destination::Column::Id).from(otel_destination::Entity).to_owned();
    otel_outbox::Entity::delete_many()
        .filter(otel_outbox::Column::DestinationId.not_in_subquery(there))
        .exec(txn)
        .await?;
    let mut dropped: BTreeMap<Uuid, (i64, &str)> = BTreeMap::new();
    let age_ms = i64::try_from(bounds.age.as_millis()).unwrap_or(i64::MAX);
    let is_old = otel_outbox::Column::CreatedAt.lt(now_ms.saturating_sub(age_ms));
    for sum in sums(otel_outbox::Entity::find().filter(is_old.clone())).all(txn).await? {
        dropped.insert(sum.destination_id, (sum.logs, "logs that had waited for too long were given up"));
    }
    if !dropped.is_empty() {
        otel_outbox::Entity::delete_many().filter(is_old).exec(txn).await?;
    }
    let most = i64::try_from(bounds.logs).unwrap_or(i64::MAX);
    for sum in sums(otel_outbox::Entity::find()).all(txn).await? {
        if sum.logs > most {
            let n = drop_first(txn, sum.destination_id, sum.logs - most).await?;
            let before = dropped.get(&sum.destination_id).map_or(0, |(n, _)| *n);
            let why = "more logs waited than are kept, and the oldest were given up";
            dropped.insert(sum.destination_id, (before + n, why));
        }
    }
    for (destination, (n, why)) in &dropped {
        otel_destination::Entity::update_many()
            .col_expr(otel_destination::Column::Dropped, Expr::col(otel_destination::Column::Dropped).add(*n))
            .col_expr(
                otel_destination::Column::LastError,
                // What the receiver last said tells more.
                Expr::expr(sea_orm::sea_query::Func::coalesce([
                    Expr::col(otel_destination::Column::LastError),
                    Expr::val(*why),
                ])),
            )
            .filter(otel_destination::Column::Id.eq(*destination))
            .exec(txn)
            .await?;
    }
    Ok(dropped.values().map(|(n, _)| u64::try_from(*n).unwrap_or(0)).sum())
}

/// Deletes a destination's oldest rows until `excess` logs are gone with them, or more; how many.
async fn drop_first(txn: &impl ConnectionTrait, destination: Uuid, excess: i64) -> Result<i64, DbErr> {
    let mut gone = 0;
    while gone < excess {
        let rows: Vec<(Uuid, i32)> = otel_outbox::Entity::find()
            .select_only()
            .columns([otel_outbox::Column::Id, otel_outbox::Column::N])
            .filter(otel_outbox::Column::DestinationId.eq(destination))
            .order_by_asc(otel_outbox::Column::CreatedAt)
            .order_by_asc(otel_outbox::Column::Id)
            .limit(ROWS)
            .into_tuple()
            .all(txn)
            .await?;
        if rows.is_empty() {
            break;
        }
        let mut ids = Vec::new();
        for (id, n) in rows {
            if gone < excess {
                ids.push(id);
                gone += i64::from(n);
            }
        }
        otel_outbox::Entity::delete_many().filter(otel_outbox::Column::Id.is_in(ids)).exec(txn).await?;
    }
    Ok(gone)
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
