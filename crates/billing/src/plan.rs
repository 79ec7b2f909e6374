//! A change of plan that an organisation makes by itself: up at once, down at the month's end.

use clock::Ids;
use entity::organisation;
use plans::{Month, Plan};
use sea_orm::prelude::*;
use sea_orm::{DatabaseConnection, TransactionTrait};
use tenancy::audit::{self, Author, Entry};
use tenancy::organisation::{described, keep, lock, put, settle};

use crate::Error;

const BY_CONTRACT: &str = "the Enterprise plan is by contract: ask the operator of this installation";

/// Puts an organisation on another plan with the catalogue's terms: on a larger one at once, on a smaller one at the end of
/// this month. Asked for what it is on already, a change that was to come is taken back. The row as it is now.
///
/// Caches are not told: call [`tenancy::Keys::invalidate_organisation`].
///
/// # Errors
/// [`Error::ByContract`] to and from Enterprise; [`Error::Organisation`] when there is no such organisation.
pub async fn request(
    db: &DatabaseConnection,
    ids: &Ids,
    now_ms: i64,
    author: impl Into<Author>,
    organisation_id: Uuid,
    plan: Plan,
) -> Result<organisation::Model, Error> {
    let txn = db.begin().await?;
    let row = lock(&txn, organisation_id).await?;
    let due = row.next_plan_at.is_some_and(|at| at <= now_ms);
    let is = if due { row.next_plan.as_ref().unwrap_or(&row.plan) } else { &row.plan };
    let is: Plan = is.parse().map_err(|error| DbErr::Type(format!("plan of {organisation_id}: {error}")))?;
    let to_come = row.next_plan.clone().filter(|_| !due);
    let contract = |plan: &str| plan == Plan::Enterprise.as_str();
    let theirs = [plan, is].map(Plan::as_str).into_iter().any(contract);
    if (plan != is && theirs) || to_come.as_deref().is_some_and(contract) {
        return Err(Error::ByContract(BY_CONTRACT));
    }
    // To settle takes the notice away: not for nothing.
    if plan == is && to_come.is_none() {
        txn.rollback().await?;
        return Ok(row);
    }
    let asked_again = to_come.as_deref() == Some(plan.as_str())
        && row.next_plan_at == Some(Month::of(now_ms).end_ms())
        && row.next_overrides == Some(serde_json::json!({}));
    if asked_again {
        txn.rollback().await?;
        return Ok(row);
    }
    let row = settle(&txn, row, now_ms).await?;
    let was = standing(&row);
    let row = if plan == is {
        keep(&txn, row, now_ms).await?
    } else {
        let from_ms = if plan > is { now_ms } else { Month::of(now_ms).end_ms() };
        put(&txn, row, (plan, serde_json::json!({})), from_ms, now_ms).await?
    };
    let change = serde_json::json!({"was": was, "now": standing(&row)});
    let entry = Entry {
        organisation_id,
        workspace_id: None,
        author: author.into(),
        action: "plan.change",
        subject: None,
        change,
    };
    audit::write(&txn, ids, now_ms, entry).await?;
    txn.commit().await?;
    Ok(row)
}

/// What a row is on and what is to come.
fn standing(row: &organisation::Model) -> Json {
    let mut is = described(&row.plan, &row.overrides);
    if let (Some(next), Some(at_ms)) = (&row.next_plan, row.next_plan_at) {
        let none = serde_json::json!({});
        is["next"] = described(next, row.next_overrides.as_ref().unwrap_or(&none));
        is["next"]["from_ms"] = at_ms.into();
    }
    is
}
