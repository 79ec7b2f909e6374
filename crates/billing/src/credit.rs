//! Corrections: signed entries that go on an organisation's next invoice.

use clock::Ids;
use entity::credit;
use sea_orm::prelude::*;
use sea_orm::{DatabaseConnection, IntoActiveModel, TransactionTrait};
use tenancy::audit::{self, Actor, Entry};
use tenancy::organisation::lock;

use crate::Error;

/// Cents of one credit, either way: 10 million USD.
const MAX_CENTS: u64 = 1_000_000_000;

/// Characters of a reason.
const MAX_REASON: usize = 200;

/// A correction to be made.
#[derive(Clone, Debug)]
pub struct NewCredit {
    pub organisation_id: Uuid,
    /// Below 0: less is owed.
    pub amount_cents: i64,
    /// What stands on the invoice.
    pub reason: String,
}

/// Gives a credit; its id.
///
/// # Errors
/// [`Error::Invalid`] names the field; [`Error::Organisation`] when there is no such organisation.
pub async fn give(
    db: &DatabaseConnection,
    ids: &Ids,
    now_ms: i64,
    actor: Actor,
    new: NewCredit,
) -> Result<Uuid, Error> {
    let reason = valid_reason(&new.reason)?;
    if new.amount_cents == 0 || new.amount_cents.unsigned_abs() > MAX_CENTS {
        let problem = format!("found {}", new.amount_cents);
        let expected = "US cents, not 0, up to 1,000,000,000; below 0, less is owed";
        return Err(Error::Invalid { field: "cents", problem, expected });
    }
    let NewCredit { organisation_id, amount_cents, .. } = new;
    let id = ids.fresh();
    let change = serde_json::json!({"now": {"amount_cents": amount_cents, "reason": reason}});
    let txn = db.begin().await?;
    lock(&txn, organisation_id).await?;
    let row = credit::Model {
        id,
        organisation_id,
        amount_cents,
        reason,
        made_by: actor.to_string(),
        created_at: now_ms,
        invoice_id: None,
    };
    credit::Entity::insert(row.into_active_model()).exec_without_returning(&txn).await?;
    let subject = Some(format!("credit:{id}"));
    let entry = Entry {
        organisation_id,
        workspace_id: None,
        author: actor.into(),
        action: "credit.create",
        subject,
        change,
    };
    audit::write(&txn, ids, now_ms, entry).await?;
    txn.commit().await?;
    Ok(id)
}

fn valid_reason(reason: &str) -> Result<String, Error> {
    let reason = reason.trim();
    let long = reason.chars().count() > MAX_REASON;
    if reason.is_empty() || long || reason.chars().any(char::is_control) {
        let problem = if long { "too long" } else { "empty, or a control character is in it" }.to_owned();
        return Err(Error::Invalid { field: "reason", problem, expected: "1 to 200 characters on one line" });
    }
    Ok(reason.to_owned())
}
