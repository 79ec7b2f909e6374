//! Changes of an organisation's plan: what it is on lies in its row and, from when on, in its plan periods; both are written
//! together. A change to come is in the row's `next_*` and holds from its moment on, whoever has noticed it.

use clock::Ids;
use entity::{organisation, plan_period};
use plans::{Month, NOTICE_MS, Overrides, Plan};
use sea_orm::prelude::*;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, IntoActiveModel, Set, TransactionTrait,
};

use super::Error;
use crate::audit::{self, Actor, Entry};

/// A plan that the operator gives.
#[derive(Clone, Copy, Debug)]
pub struct NewPlan {
    pub plan: Plan,
    /// None: the organisation's own terms stay as they are.
    pub overrides: Option<Overrides>,
    /// None: at once. It may be to come, or past within the running month, which is billed by it.
    pub from_ms: Option<i64>,
}

impl From<Plan> for NewPlan {
    fn from(plan: Plan) -> Self {
        Self { plan, overrides: None, from_ms: None }
    }
}

/// Puts an organisation on another plan, with no notice where that is at once. A change that was still to come does not come.
///
/// Caches are not told: call [`crate::Keys::invalidate_organisation`] where there is one.
///
/// # Errors
/// [`Error::NotFound`] when there is no such organisation; [`Error::Invalid`] for a moment before this month.
pub async fn set_plan(
    db: &DatabaseConnection,
    ids: &Ids,
    organisation_id: Uuid,
    new: impl Into<NewPlan>,
    now_ms: i64,
) -> Result<(), Error> {
    let NewPlan { plan, overrides, from_ms } = new.into();
    let from_ms = from_ms.unwrap_or(now_ms);
    if from_ms < Month::of(now_ms).start_ms() {
        let problem = "it is before this month".to_owned();
        return Err(Error::Invalid {
            field: "from",
            problem,
            expected: "a time within this month or to come",
        });
    }
    let given = overrides.map(serde_json::to_value).transpose();
    let given = given.map_err(|error| Error::Overrides(error.into()))?;
    let txn = db.begin().await?;
    let row = lock(&txn, organisation_id).await?;
    let row = settle(&txn, row, now_ms).await?;
    let overrides = given.unwrap_or_else(|| row.overrides.clone());
    let was = described(&row.plan, &row.overrides);
    let mut now = described(plan.as_str(), &overrides);
    now["from_ms"] = from_ms.into();
    put(&txn, row, (plan, overrides), from_ms, now_ms).await?;
    let entry = Entry {
        organisation_id,
        workspace_id: None,
        author: Actor::Operator.into(),
        action: "plan.change",
        subject: None,
        change: serde_json::json!({"was": was, "now": now}),
    };
    audit::write(&txn, ids, now_ms, entry).await?;
    txn.commit().await?;
    Ok(())
}

/// A plan as audit entries have it.
#[must_use]
pub fn described(plan: &str, overrides: &Json) -> Json {
    serde_json::json!({"plan": plan, "overrides": overrides})
}

/// The organisation's row, if there is one, which nobody else changes until `txn` ends.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn hold(
    txn: &impl ConnectionTrait,
    organisation_id: Uuid,
) -> Result<Option<organisation::Model>, DbErr> {
    // The first statement writes, so that the transaction waits its turn at its start and not half-way.
    organisation::Entity::update_many()
        .col_expr(organisation::Column::Plan, Expr::col(organisation::Column::Plan))
        .filter(organisation::Column::Id.eq(organisation_id))
        .exec(txn)
        .await?;
    organisation::Entity::find_by_id(organisation_id).one(txn).await
}

/// The same where there has to be one.
///
/// # Errors
/// [`Error::NotFound`] when there is none.
pub async fn lock(txn: &DatabaseTransaction, organisation_id: Uuid) -> Result<organisation::Model, Error> {
    hold(txn, organisation_id).await?.ok_or(Error::NotFound(organisation_id))
}

/// Moves a locked row on to the change that holds by now, if there is one: to be done before another change is made.
///
/// What is lost is the notice, which is counted from `next_plan_at`.
///
/// # Errors
/// [`Error::Database`].
pub async fn settle(
    txn: &DatabaseTransaction,
    row: organisation::Model,
    now_ms: i64,
) -> Result<organisation::Model, Error> {
    let due = row.next_plan_at.is_some_and(|at| at <= now_ms);
    let Some(plan) = row.next_plan.clone().filter(|_| due) else { return Ok(row) };
    let overrides = row.next_overrides.clone().unwrap_or_else(|| serde_json::json!({}));
    let settled = organisation::ActiveModel {
        plan: Set(plan),
        overrides: Set(overrides),
        next_plan: Set(None),
        next_overrides: Set(None),
        next_plan_at: Set(None),
        ..row.into()
    };
    Ok(settled.update(txn).await?)
}

/// Organisations with a change whose notice is over.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn with_change_past_notice(db: &impl ConnectionTrait, now_ms: i64) -> Result<Vec<Uuid>, DbErr> {
    let due = organisation::Entity::find()
        .filter(organisation::Column::NextPlanAt.lte(now_ms.saturating_sub(NOTICE_MS)));
    Ok(due.all(db).await?.into_iter().map(|row| row.id).collect())
}

/// Settles an organisation's change if its notice is over, within `txn`, which it must begin.
///
/// # Errors
/// [`Error::NotFound`] when there is no such organisation.
pub async fn settle_past_notice(
    txn: &DatabaseTransaction,
    organisation_id: Uuid,
    now_ms: i64,
) -> Result<(), Error> {
    let row = lock(txn, organisation_id).await?;
    settle(txn, row, now_ms.saturating_sub(NOTICE_MS)).await?;
    Ok(())
}

/// Puts a locked and settled row on a plan and its overrides from `from_ms` on; what was to come, or began since, is no more.
///
/// # Errors
/// [`Error::Database`].
pub async fn put(
    txn: &DatabaseTransaction,
    row: organisation::Model,
    (plan, overrides): (Plan, Json),
    from_ms: i64,
    now_ms: i64,
) -> Result<organisation::Model, Error> {
    let organisation_id = row.id;
    // What began just now goes on until a change to come.
    let since_ms = if from_ms > now_ms { now_ms.saturating_add(1) } else { from_ms };
    let row = drop_next(txn, row, since_ms).await?;
    let changed = if from_ms > now_ms {
        organisation::ActiveModel {
            next_plan: Set(Some(plan.as_str().to_owned())),
            next_overrides: Set(Some(overrides.clone())),
            next_plan_at: Set(Some(from_ms)),
            ..row.into()
        }
    } else {
        organisation::ActiveModel {
            plan: Set(plan.as_str().to_owned()),
            overrides: Set(overrides.clone()),
            ..row.into()
        }
    };
    let row = changed.update(txn).await?;
    begin_period(txn, organisation_id, plan, overrides, from_ms).await?;
    Ok(row)
}

/// Takes the change back that was still to come to a locked and settled row.
///
/// # Errors
/// [`Error::Database`].
pub async fn keep(
    txn: &DatabaseTransaction,
    row: organisation::Model,
    now_ms: i64,
) -> Result<organisation::Model, Error> {
    drop_next(txn, row, now_ms.saturating_add(1)).await
}

/// No change is to come, and no period begins at `since_ms` or later.
async fn drop_next(
    txn: &DatabaseTransaction,
    row: organisation::Model,
    since_ms: i64,
) -> Result<organisation::Model, Error> {
    plan_period::Entity::delete_many()
        .filter(plan_period::Column::OrganisationId.eq(row.id))
        .filter(plan_period::Column::FromMs.gte(since_ms))
        .exec(txn)
        .await?;
    let none = organisation::ActiveModel {
        next_plan: Set(None),
        next_overrides: Set(None),
        next_plan_at: Set(None),
        ..row.into()
    };
    Ok(none.update(txn).await?)
}

/// Writes what the organisation is on from `from_ms` on.
pub(super) async fn begin_period(
    txn: &DatabaseTransaction,
    organisation_id: Uuid,
    plan: Plan,
    overrides: Json,
    from_ms: i64,
) -> Result<(), DbErr> {
    let period = plan_period::Model { organisation_id, from_ms, plan: plan.as_str().to_owned(), overrides };
    plan_period::Entity::insert(period.into_active_model()).exec_without_returning(txn).await?;
    Ok(())
}
