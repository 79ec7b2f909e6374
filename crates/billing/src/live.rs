//! The invoice of a month as its rows have it now.

use std::collections::BTreeMap;

use entity::{credit, invoice, organisation, overage_block, usage};
use plans::{CATALOGUE_VERSION, Month};
use sea_orm::QueryOrder;
use sea_orm::prelude::*;
use tenancy::PlanOverrides;

use crate::Error;
use crate::history::{self, FINAL, History};
use crate::invoice::{Document, Price, WHAT_COUNTS, lines, total};

/// An invoice and the rows that it was made from.
pub(crate) struct Live {
    pub document: Document,
    pub blocks: Vec<overage_block::Model>,
    pub credits: Vec<credit::Model>,
}

/// The invoice of `month` as it would be now. Credits and the late blocks of earlier months go on the organisation's oldest open
/// invoice.
///
/// # Errors
/// [`Error::Database`], also when a row holds a plan that is none.
pub async fn live(
    db: &impl ConnectionTrait,
    organisation: &organisation::Model,
    month: Month,
    of_plans: &PlanOverrides,
) -> Result<Document, Error> {
    Ok(gather(db, organisation, month, of_plans).await?.document)
}

pub(crate) async fn gather(
    db: &impl ConnectionTrait,
    organisation: &organisation::Model,
    month: Month,
    of_plans: &PlanOverrides,
) -> Result<Live, Error> {
    let mut histories = history::load(db, &[organisation.id], of_plans).await?;
    let history = histories.remove(&organisation.id).transpose()?.unwrap_or_default();
    let oldest = !history.open(month).iter().any(|open| *open < month);
    let blocks = overage_block::Entity::find()
        .filter(overage_block::Column::OrganisationId.eq(organisation.id))
        .filter(overage_block::Column::InvoiceId.is_null())
        .filter(overage_block::Column::Month.lte(month.as_i32()))
        .order_by_asc(overage_block::Column::Month)
        .order_by_asc(overage_block::Column::Block);
    let goes_on = |block: &overage_block::Model| {
        block.month == month.as_i32() || (oldest && history.invoices.get(&block.month) == Some(&true))
    };
    let mut blocks = blocks.all(db).await?;
    blocks.retain(goes_on);
    let mut credits = Vec::new();
    if oldest {
        let open = credit::Entity::find()
            .filter(credit::Column::OrganisationId.eq(organisation.id))
            .filter(credit::Column::InvoiceId.is_null());
        credits = in_order(open).all(db).await?;
    }
    let prices = history.prices_in(month);
    let document = document(db, organisation, month, prices, (&blocks, &credits)).await?;
    Ok(Live { document, blocks, credits })
}

/// An invoice made again from the rows that say they stand on it, to be held against what it says. Of a final one the prices of
/// plans are those that it was made by.
///
/// # Errors
/// [`Error`], also when its document cannot be read.
pub async fn recompute(
    db: &impl ConnectionTrait,
    organisation: &organisation::Model,
    invoice: &invoice::Model,
    of_plans: &PlanOverrides,
) -> Result<Document, Error> {
    let month = Month::from_i32(invoice.month)
        .ok_or_else(|| DbErr::Type(format!("month of invoice {}: {}", invoice.id, invoice.month)))?;
    if invoice.status != FINAL {
        return live(db, organisation, month, of_plans).await;
    }
    let stands: Document = serde_json::from_value(invoice.document.clone())?;
    let mut histories = history::load(db, &[organisation.id], of_plans).await?;
    let history: History = histories.remove(&organisation.id).transpose()?.unwrap_or_default();
    let by: BTreeMap<i64, &Price> = stands.prices.iter().map(|price| (price.from_ms, price)).collect();
    let as_made = |price: Price| by.get(&price.from_ms).map_or(price, |made| (*made).clone());
    let prices = history.prices_in(month).into_iter().map(as_made).collect();
    let blocks = overage_block::Entity::find()
        .filter(overage_block::Column::InvoiceId.eq(invoice.id))
        .order_by_asc(overage_block::Column::Month)
        .order_by_asc(overage_block::Column::Block);
    let credits = credit::Entity::find().filter(credit::Column::InvoiceId.eq(invoice.id));
    let (blocks, credits) = (blocks.all(db).await?, in_order(credits).all(db).await?);
    document(db, organisation, month, prices, (&blocks, &credits)).await
}

fn in_order(credits: Select<credit::Entity>) -> Select<credit::Entity> {
    credits.order_by_asc(credit::Column::CreatedAt).order_by_asc(credit::Column::Id)
}

async fn document(
    db: &impl ConnectionTrait,
    organisation: &organisation::Model,
    month: Month,
    prices: Vec<Price>,
    (blocks, credits): (&[overage_block::Model], &[credit::Model]),
) -> Result<Document, Error> {
    let meter = usage::Entity::find_by_id((organisation.id, month.as_i32())).one(db).await?;
    let lines = lines(month, &prices, blocks, credits);
    Ok(Document {
        organisation_id: organisation.id,
        organisation_name: organisation.name.clone(),
        month: month.as_i32(),
        start_ms: month.start_ms(),
        end_ms: month.end_ms(),
        catalogue_version: CATALOGUE_VERSION.to_owned(),
        what_counts: WHAT_COUNTS.to_owned(),
        logs: meter.map_or(0, |meter| meter.used),
        prices,
        total_cents: total(&lines),
        lines,
    })
}
