//! A draft becomes final: it gets its number and is never changed again.

use std::collections::BTreeMap;

use clock::Ids;
use entity::{credit, invoice, invoice_number, organisation, overage_block};
use plans::Month;
use sea_orm::prelude::*;
use sea_orm::{ConnectionTrait, DatabaseTransaction, IntoActiveModel, QueryOrder, Set};
use tenancy::PlanOverrides;
use tenancy::audit::Actor;

use crate::Error;
use crate::history::{DRAFT, FINAL};
use crate::live::{Live, gather};

/// How long after the end of its month a draft still takes in late logs: 24 h, in milliseconds.
pub const GRACE_MS: i64 = 86_400_000;

/// The one row of `invoice_number`.
const THE_ROW: i32 = 1;

/// What became of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finalised {
    /// It is final, under this number.
    Numbered(i32),
    /// There was nothing left to bill on it: it is gone.
    Dropped,
    /// It is no draft: another was faster.
    Before,
}

/// Drafts whose grace is over, in the order in which they become final.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn ripe(db: &impl ConnectionTrait, now_ms: i64) -> Result<Vec<Uuid>, DbErr> {
    // The months that ended long enough ago are those before the one that it was back then.
    let first_open = Month::of(now_ms.saturating_sub(GRACE_MS)).as_i32();
    let drafts = invoice::Entity::find()
        .filter(invoice::Column::Status.eq(DRAFT))
        .filter(invoice::Column::Month.lt(first_open))
        .order_by_asc(invoice::Column::Month)
        .order_by_asc(invoice::Column::DraftedAt)
        .order_by_asc(invoice::Column::OrganisationId);
    Ok(drafts.all(db).await?.into_iter().map(|draft| draft.id).collect())
}

/// Makes a draft final within `txn`, which it must begin: computed once more, with late logs, under the installation's next
/// number. Its blocks and credits say that they stand on it, and what it carries over is a new credit.
///
/// # Errors
/// [`Error`]: `txn` is to be rolled back, and no number is taken.
pub async fn finalise(
    txn: &DatabaseTransaction,
    ids: &Ids,
    now_ms: i64,
    of_plans: &PlanOverrides,
    id: Uuid,
) -> Result<Finalised, Error> {
    let last = lock_numbers(txn).await?;
    let Some(draft) = invoice::Entity::find_by_id(id).one(txn).await?.filter(|row| row.status == DRAFT)
    else {
        return Ok(Finalised::Before);
    };
    let organisation = organisation::Entity::find_by_id(draft.organisation_id).one(txn).await?;
    let missing = |what: &str| DbErr::RecordNotFound(format!("{what} of invoice {id}"));
    let organisation = organisation.ok_or_else(|| missing("organisation"))?;
    let month = Month::from_i32(draft.month).ok_or_else(|| missing("month"))?;
    let live = gather(txn, &organisation, month, of_plans).await?;
    if !live.document.is_due() {
        draft.delete(txn).await?;
        return Ok(Finalised::Dropped);
    }
    let number = last + 1;
    let taken = invoice_number::ActiveModel { id: Set(THE_ROW), last: Set(number) };
    taken.update(txn).await?;
    let frozen = invoice::ActiveModel {
        status: Set(FINAL.to_owned()),
        number: Set(Some(number)),
        catalogue_version: Set(live.document.catalogue_version.clone()),
        total_cents: Set(live.document.total_cents),
        document: Set(serde_json::to_value(&live.document)?),
        finalised_at: Set(Some(now_ms)),
        ..draft.into()
    };
    frozen.update(txn).await?;
    attach(txn, &live, id).await?;
    carry_over(txn, ids, now_ms, &live, number).await?;
    Ok(Finalised::Numbered(number))
}

/// The last number that was taken. Whoever else wants one waits until `txn` ends.
async fn lock_numbers(txn: &DatabaseTransaction) -> Result<i32, DbErr> {
    invoice_number::Entity::update_many()
        .col_expr(invoice_number::Column::Last, Expr::col(invoice_number::Column::Last))
        .filter(invoice_number::Column::Id.eq(THE_ROW))
        .exec(txn)
        .await?;
    let row = invoice_number::Entity::find_by_id(THE_ROW).one(txn).await?;
    row.map(|row| row.last).ok_or_else(|| DbErr::RecordNotFound("the row of invoice_number".to_owned()))
}

/// Writes on what stands on the invoice that it does, just that.
async fn attach(txn: &DatabaseTransaction, live: &Live, id: Uuid) -> Result<(), DbErr> {
    let mut months: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for block in &live.blocks {
        months.entry(block.month).or_default().push(block.block);
    }
    let (mut attached, mut expected) = (0, live.blocks.len() + live.credits.len());
    for (month, numbers) in months {
        let done = overage_block::Entity::update_many()
            .set(overage_block::ActiveModel { invoice_id: Set(Some(id)), ..Default::default() })
            .filter(overage_block::Column::OrganisationId.eq(live.document.organisation_id))
            .filter(overage_block::Column::Month.eq(month))
            .filter(overage_block::Column::Block.is_in(numbers))
            .filter(overage_block::Column::InvoiceId.is_null())
            .exec(txn)
            .await?;
        attached += done.rows_affected;
    }
    if !live.credits.is_empty() {
        let done = credit::Entity::update_many()
            .set(credit::ActiveModel { invoice_id: Set(Some(id)), ..Default::default() })
            .filter(credit::Column::Id.is_in(live.credits.iter().map(|credit| credit.id)))
            .filter(credit::Column::InvoiceId.is_null())
            .exec(txn)
            .await?;
        attached += done.rows_affected;
    }
    expected -= usize::try_from(attached).unwrap_or(usize::MAX).min(expected);
    match expected {
        0 => Ok(()),
        n => Err(DbErr::RecordNotUpdated).inspect_err(|_| {
            tracing::error!(invoice_id = %id, n, "rows of an invoice stand on another already");
        }),
    }
}

async fn carry_over(
    txn: &DatabaseTransaction,
    ids: &Ids,
    now_ms: i64,
    live: &Live,
    number: i32,
) -> Result<(), DbErr> {
    let amount_cents = live.document.carried_cents();
    if amount_cents == 0 {
        return Ok(());
    }
    let rest = credit::Model {
        id: ids.fresh(),
        organisation_id: live.document.organisation_id,
        amount_cents,
        reason: format!("carried over from invoice {number}"),
        made_by: Actor::Turnpike.to_string(),
        created_at: now_ms,
        invoice_id: None,
    };
    credit::Entity::insert(rest.into_active_model()).exec_without_returning(txn).await?;
    Ok(())
}
