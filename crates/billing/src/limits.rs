//! How far an organisation lets its bill grow, and what becomes of its calls then.

use clock::Ids;
use entity::organisation;
use sea_orm::prelude::*;
use sea_orm::{DatabaseConnection, Set, TransactionTrait};
use tenancy::OverQuota;
use tenancy::audit::{self, Author, Entry};
use tenancy::organisation::lock;

use crate::Error;

/// The most overage a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cap {
    Blocks(i64),
    /// US cents.
    Cents(i64),
    /// As many blocks as the plan sells.
    None,
}

/// What to change; none stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    pub over_quota: Option<OverQuota>,
    pub cap: Option<Cap>,
}

/// Changes an organisation's cap and what becomes of calls past its limit; the row as it is now.
///
/// Caches are not told: call [`tenancy::Keys::invalidate_organisation`].
///
/// # Errors
/// [`Error::Organisation`] when there is no such organisation.
pub async fn set_limits(
    db: &DatabaseConnection,
    ids: &Ids,
    now_ms: i64,
    author: impl Into<Author>,
    organisation_id: Uuid,
    limits: Limits,
) -> Result<organisation::Model, Error> {
    let txn = db.begin().await?;
    let row = lock(&txn, organisation_id).await?;
    let was = described(&row);
    let mut change: organisation::ActiveModel = row.into();
    if let Some(over_quota) = limits.over_quota {
        change.over_quota = Set(over_quota.as_str().to_owned());
    }
    if let Some(cap) = limits.cap {
        let (blocks, cents) = match cap {
            Cap::Blocks(blocks) => (Some(blocks), None),
            Cap::Cents(cents) => (None, Some(cents)),
            Cap::None => (None, None),
        };
        (change.cap_blocks, change.cap_cents) = (Set(blocks), Set(cents));
    }
    let row = change.update(&txn).await?;
    let now = described(&row);
    if now != was {
        let change = serde_json::json!({"was": was, "now": now});
        let entry = Entry {
            organisation_id,
            workspace_id: None,
            author: author.into(),
            action: "caps.change",
            subject: None,
            change,
        };
        audit::write(&txn, ids, now_ms, entry).await?;
    }
    txn.commit().await?;
    Ok(row)
}

fn described(row: &organisation::Model) -> Json {
    serde_json::json!({
        "over_quota": row.over_quota, "cap_blocks": row.cap_blocks, "cap_cents": row.cap_cents,
    })
}
