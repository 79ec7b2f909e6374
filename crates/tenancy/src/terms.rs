//! The terms of an organisation: its own overrides over its plan's, over the catalogue.

use std::collections::BTreeMap;

use entity::organisation;
use plans::{Overrides, Plan, Terms};
use sea_orm::DbErr;

/// What the settings put in place of the catalogue's numbers, plan by plan.
pub type PlanOverrides = BTreeMap<Plan, Overrides>;

/// The plan of `organisation` and what it gives.
///
/// # Errors
/// [`DbErr::Type`] when the row holds a plan or overrides that are none.
pub fn terms(organisation: &organisation::Model, of_plans: &PlanOverrides) -> Result<(Plan, Terms), DbErr> {
    let corrupt = |what: &str, error: &dyn std::error::Error| {
        DbErr::Type(format!("{what} of organisation {}: {error}", organisation.id))
    };
    let plan: Plan = organisation.plan.parse().map_err(|error| corrupt("plan", &error))?;
    let own: Overrides = serde_json::from_value(organisation.overrides.clone())
        .map_err(|error| corrupt("overrides", &error))?;
    let overrides = own.or(of_plans.get(&plan).copied().unwrap_or_default());
    Ok((plan, plans::terms(plan, &overrides)))
}
