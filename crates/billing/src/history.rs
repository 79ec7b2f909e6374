//! What an organisation's invoices are made from, over all months, and which months are still to be billed.

use std::collections::{BTreeMap, BTreeSet};

use entity::{credit, invoice, overage_block, plan_period};
use plans::{Month, Terms};
use sea_orm::prelude::*;
use sea_orm::{QueryOrder, QuerySelect};
use tenancy::PlanOverrides;

use crate::invoice::{Price, share};

/// The status of an invoice that is never changed again.
pub(crate) const FINAL: &str = "final";

/// The status of one that late logs and credits still come on.
pub(crate) const DRAFT: &str = "draft";

/// An organisation's history, as far as it tells which months have something to bill.
#[derive(Default)]
pub(crate) struct History {
    /// In order.
    pub prices: Vec<Price>,
    /// Of blocks that stand on no invoice.
    blocks: BTreeSet<i32>,
    /// Of credits that stand on no invoice and make it more.
    debits: BTreeSet<i32>,
    /// Whether the month's invoice is final.
    pub invoices: BTreeMap<i32, bool>,
}

/// The months up to `until` that have something to bill and no final invoice, oldest first.
///
/// # Errors
/// [`DbErr`], also when a row holds a plan that is none.
pub async fn open_months(
    db: &impl ConnectionTrait,
    organisation_id: Uuid,
    until: Month,
    of_plans: &PlanOverrides,
) -> Result<Vec<Month>, DbErr> {
    let mut histories = load(db, &[organisation_id], of_plans).await?;
    let history = histories.remove(&organisation_id).transpose()?.unwrap_or_default();
    Ok(history.open(until))
}

/// The history of each organisation that has one, or why it cannot be read.
pub(crate) async fn load(
    db: &impl ConnectionTrait,
    organisations: &[Uuid],
    of_plans: &PlanOverrides,
) -> Result<BTreeMap<Uuid, Result<History, DbErr>>, DbErr> {
    let ids = || organisations.iter().copied();
    let mut histories: BTreeMap<Uuid, Result<History, DbErr>> = BTreeMap::new();
    let periods = plan_period::Entity::find()
        .filter(plan_period::Column::OrganisationId.is_in(ids()))
        .order_by_asc(plan_period::Column::FromMs);
    for period in periods.all(db).await? {
        let id = period.organisation_id;
        let history = histories.entry(id).or_insert_with(|| Ok(History::default()));
        match price(&period, of_plans) {
            Ok(price) => history.iter_mut().for_each(|history| history.prices.push(price.clone())),
            Err(error) => *history = Err(error),
        }
    }
    let blocks = overage_block::Entity::find()
        .select_only()
        .columns([overage_block::Column::OrganisationId, overage_block::Column::Month])
        .filter(overage_block::Column::OrganisationId.is_in(ids()))
        .filter(overage_block::Column::InvoiceId.is_null())
        .filter(overage_block::Column::PriceCents.gt(0))
        .distinct();
    for (id, month) in blocks.into_tuple::<(Uuid, i32)>().all(db).await? {
        of(&mut histories, id, |history| history.blocks.insert(month));
    }
    let debits = credit::Entity::find()
        .filter(credit::Column::OrganisationId.is_in(ids()))
        .filter(credit::Column::InvoiceId.is_null())
        .filter(credit::Column::AmountCents.gt(0));
    for row in debits.all(db).await? {
        let month = Month::of(row.created_at).as_i32();
        of(&mut histories, row.organisation_id, |history| history.debits.insert(month));
    }
    let invoices = invoice::Entity::find()
        .select_only()
        .columns([invoice::Column::OrganisationId, invoice::Column::Month, invoice::Column::Status])
        .filter(invoice::Column::OrganisationId.is_in(ids()));
    for (id, month, status) in invoices.into_tuple::<(Uuid, i32, String)>().all(db).await? {
        of(&mut histories, id, |history| history.invoices.insert(month, status == FINAL).is_none());
    }
    Ok(histories)
}

fn of(
    histories: &mut BTreeMap<Uuid, Result<History, DbErr>>,
    id: Uuid,
    add: impl FnOnce(&mut History) -> bool,
) {
    if let Ok(history) = histories.entry(id).or_insert_with(|| Ok(History::default())) {
        add(history);
    }
}

/// What a period of a plan costs.
fn price(period: &plan_period::Model, of_plans: &PlanOverrides) -> Result<Price, DbErr> {
    let (plan, terms) =
        tenancy::plan_terms(period.organisation_id, &period.plan, &period.overrides, of_plans)?;
    let Terms { monthly_price_cents, included, overage, .. } = terms;
    Ok(Price {
        from_ms: period.from_ms,
        plan,
        monthly_price_cents,
        included_logs: included,
        block_logs: overage.map(|overage| overage.block_logs),
        block_price_cents: overage.map(|overage| overage.block_price_cents),
    })
}

impl History {
    /// The months up to `until` that have something to bill and no final invoice, oldest first.
    pub fn open(&self, until: Month) -> Vec<Month> {
        let is_final = |month: Month| self.invoices.get(&month.as_i32()) == Some(&true);
        let mut open = BTreeSet::new();
        let first = self.prices.first().map(|price| Month::of(price.from_ms));
        let months = std::iter::successors(first, |month| Some(month.next()).filter(|next| next > month));
        open.extend(months.take_while(|month| *month <= until).filter(|month| self.has_fee(*month)));
        let drafts = self.invoices.iter().filter(|(_, is_final)| !**is_final);
        open.extend(drafts.filter_map(|(month, _)| Month::from_i32(*month)));
        // What is owed beside, blocks that were opened late among it, goes on the first invoice that is still open.
        let owed = self.blocks.iter().chain(&self.debits).filter_map(|month| Month::from_i32(*month));
        let next_open = |month: Month| {
            std::iter::successors(Some(month), |month| Some(month.next()).filter(|next| next > month))
                .find(|month| !is_final(*month))
        };
        open.extend(owed.filter_map(next_open));
        open.into_iter().filter(|month| *month <= until && !is_final(*month)).collect()
    }

    fn has_fee(&self, month: Month) -> bool {
        let ends = self.prices.iter().skip(1).map(|next| next.from_ms).chain([i64::MAX]);
        self.prices
            .iter()
            .zip(ends)
            .any(|(price, to_ms)| share(month, price.monthly_price_cents, price.from_ms, to_ms) > 0)
    }

    /// What the organisation was on within a month, in order.
    pub fn prices_in(&self, month: Month) -> Vec<Price> {
        let ends = self.prices.iter().skip(1).map(|next| next.from_ms).chain([i64::MAX]);
        let within = |price: &Price, to_ms: i64| price.from_ms < month.end_ms() && to_ms > month.start_ms();
        let both = self.prices.iter().zip(ends);
        both.filter(|(price, to_ms)| within(price, *to_ms)).map(|(price, _)| price.clone()).collect()
    }
}
