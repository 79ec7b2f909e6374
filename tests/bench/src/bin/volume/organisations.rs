//! Whose logs there are: organisations of different sizes on plans of different retention.

use std::collections::BTreeMap;
use std::time::Duration;

use clock::{Clock, Ids};
use logstore::retention::Kept;
use plans::{Overrides, Plan, Terms};
use sea_orm::DatabaseConnection;
use sea_orm::prelude::Uuid;
use secrecy::ExposeSecret as _;
use tenancy::organisation::{NewOrganisation, NewPlan, create, set_plan};
use tenancy::{Keys, PlanOverrides, TenantScope};

/// Plan and days of retention, of the largest organisation first: each has half the logs of the one before.
const PLANS: [(Plan, Option<u32>); 10] = [
    (Plan::Production, None),
    (Plan::Enterprise, None),
    (Plan::Production, None),
    (Plan::Production, None),
    (Plan::Enterprise, Some(7)),
    (Plan::Developer, None),
    (Plan::Developer, None),
    (Plan::Enterprise, None),
    (Plan::Enterprise, Some(7)),
    (Plan::Production, None),
];

pub struct Organisation {
    pub id: Uuid,
    /// Of all its workspaces.
    pub scope: TenantScope,
    /// The workspace that most logs are of.
    pub workspace: Uuid,
    pub terms: Terms,
}

impl Organisation {
    pub fn class(&self) -> i16 {
        plans::retention_class(&self.terms, 0)
    }

    pub fn cutoff_ms(&self, now_ms: i64) -> Option<i64> {
        plans::retention_cutoff(&self.terms, now_ms)
    }

    pub fn kept(&self, now_ms: i64) -> Kept {
        Kept { cutoff_ms: self.cutoff_ms(now_ms), class: self.class() }
    }
}

/// Makes them, largest first.
pub async fn make(db: &DatabaseConnection, ids: &Ids, clock: &Clock) -> anyhow::Result<Vec<Organisation>> {
    let keys = Keys::new(db.clone(), clock.clone(), Duration::ZERO, Duration::ZERO, PlanOverrides::new());
    let mut made = Vec::with_capacity(PLANS.len());
    for (n, (plan, log_retention_days)) in PLANS.into_iter().enumerate() {
        let name = format!("Organisation {n}");
        let new = NewOrganisation { name, plan, owner_email: format!("owner-{n}@example.com") };
        let created = create(db, ids, clock, new).await?;
        // The store is to be filled, not a quota.
        let included_logs = (plan != Plan::Enterprise).then_some(1 << 40);
        let overrides = Overrides { included_logs, log_retention_days, ..Overrides::default() };
        let own = NewPlan { overrides: Some(overrides), ..plan.into() };
        set_plan(db, ids, created.organisation_id, own, clock.now_ms()).await?;
        let tenant = keys.identify(created.admin_api_key.expose_secret()).await?;
        made.push(Organisation {
            id: created.organisation_id,
            scope: tenant.scope(),
            workspace: created.workspace_uuid,
            terms: tenant.terms,
        });
    }
    Ok(made)
}

pub fn terms(organisations: &[Organisation]) -> BTreeMap<Uuid, Terms> {
    organisations.iter().map(|organisation| (organisation.id, organisation.terms)).collect()
}
