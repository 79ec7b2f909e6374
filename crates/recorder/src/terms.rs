//! The terms that logs are metered by: those of their month.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use entity::{organisation, plan_period};
use logstore::MeterKey;
use plans::{Month, Terms};
use sea_orm::QueryOrder as _;
use sea_orm::prelude::*;

use crate::shipper::Parts;

/// Gives the terms of an organisation at a moment, in unix milliseconds.
pub type TermsOf = Arc<dyn Fn(&organisation::Model, i64) -> Terms + Send + Sync>;

impl Parts {
    /// The terms of each meter whose organisation is there.
    ///
    /// A month that has ended is metered by the plan at its end, however late its logs come; what is shown of them is what the
    /// organisation's plan shows now.
    pub(crate) async fn terms_of(
        &self,
        meters: impl Iterator<Item = &MeterKey>,
    ) -> Result<BTreeMap<MeterKey, Terms>, DbErr> {
        let meters: BTreeSet<MeterKey> = meters.copied().collect();
        let ids: BTreeSet<Uuid> = meters.iter().map(|(organisation, _)| *organisation).collect();
        let rows =
            organisation::Entity::find().filter(organisation::Column::Id.is_in(ids)).all(&self.db).await?;
        let now_ms = self.clock.now_ms();
        let mut terms = BTreeMap::new();
        for key in meters {
            let Some(row) = rows.iter().find(|row| row.id == key.0) else { continue };
            let now = (self.terms)(row, now_ms);
            let has_ended = key.1.end_ms() <= now_ms;
            let then = if has_ended { self.terms_then(row, key.1).await? } else { None };
            let Terms { log_retention_days, notice, .. } = now;
            terms.insert(key, then.map_or(now, |then| Terms { log_retention_days, notice, ..then }));
        }
        Ok(terms)
    }

    /// The terms at the end of a month; none where that is not known.
    async fn terms_then(&self, row: &organisation::Model, month: Month) -> Result<Option<Terms>, DbErr> {
        let period = plan_period::Entity::find()
            .filter(plan_period::Column::OrganisationId.eq(row.id))
            .filter(plan_period::Column::FromMs.lt(month.end_ms()))
            .order_by_desc(plan_period::Column::FromMs)
            .one(&self.db)
            .await?;
        Ok(period.map(|period| {
            let plan_period::Model { plan, overrides, .. } = period;
            let then = organisation::Model { plan, overrides, next_plan_at: None, ..row.clone() };
            (self.terms)(&then, month.end_ms())
        }))
    }
}
