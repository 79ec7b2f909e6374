//! Drafts of months that have ended.

use clock::Ids;
use entity::{invoice, organisation};
use plans::Month;
use sea_orm::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, DatabaseTransaction, IntoActiveModel};
use tenancy::PlanOverrides;

use crate::history::{self, DRAFT};
use crate::{Error, live};

/// The months of these organisations that have ended and have something to bill and no invoice, oldest first.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn unbilled<'a>(
    db: &impl ConnectionTrait,
    now_ms: i64,
    of_plans: &PlanOverrides,
    organisations: &'a [organisation::Model],
) -> Result<Vec<(&'a organisation::Model, Month)>, DbErr> {
    let until = Month::of(now_ms).previous();
    let keys: Vec<Uuid> = organisations.iter().map(|row| row.id).collect();
    let mut histories = history::load(db, &keys, of_plans).await?;
    let mut found = Vec::new();
    for organisation in organisations {
        match histories.remove(&organisation.id) {
            None => {}
            Some(Ok(history)) => {
                let new = |month: &Month| !history.invoices.contains_key(&month.as_i32());
                found.extend(history.open(until).into_iter().filter(new).map(|month| (organisation, month)));
            }
            // One that cannot be read is in the way of no other.
            Some(Err(error)) => tracing::error!(%error, "the months of an organisation cannot be closed"),
        }
    }
    Ok(found)
}

/// Makes the draft of a month's invoice. False when there is one already, or nothing to bill after all.
///
/// # Errors
/// [`Error`]: `txn` is to be rolled back.
pub async fn draft(
    txn: &DatabaseTransaction,
    ids: &Ids,
    now_ms: i64,
    of_plans: &PlanOverrides,
    organisation: &organisation::Model,
    month: Month,
) -> Result<bool, Error> {
    let document = live(txn, organisation, month, of_plans).await?;
    if !document.is_due() {
        return Ok(false);
    }
    let row = invoice::Model {
        id: ids.fresh(),
        organisation_id: organisation.id,
        month: month.as_i32(),
        status: DRAFT.to_owned(),
        number: None,
        catalogue_version: document.catalogue_version.clone(),
        total_cents: document.total_cents,
        document: serde_json::to_value(&document)?,
        drafted_at: now_ms,
        finalised_at: None,
    };
    let one_a_month = [invoice::Column::OrganisationId, invoice::Column::Month];
    let made = invoice::Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::columns(one_a_month).do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    Ok(made == 1)
}
