//! The terms of an organisation: its own overrides over its plan's, over the catalogue, within its own cap.

use std::collections::BTreeMap;

use entity::organisation;
use plans::{NOTICE_MS, Notice, Overrides, Plan, Terms};
use sea_orm::DbErr;
use sea_orm::prelude::{Json, Uuid};

use crate::Standing;

/// What the settings put in place of the catalogue's numbers, plan by plan.
pub type PlanOverrides = BTreeMap<Plan, Overrides>;

/// The plan of `organisation` at `now_ms` and what it gives: a change that is due by then holds, whoever has noticed it.
///
/// # Errors
/// [`DbErr::Type`] when the row holds a plan, overrides or a standing that are none.
pub fn terms(
    organisation: &organisation::Model,
    of_plans: &PlanOverrides,
    now_ms: i64,
) -> Result<(Plan, Terms), DbErr> {
    let of = |plan: &str, overrides: &Json| plan_terms(organisation.id, plan, overrides, of_plans);
    let before = of(&organisation.plan, &organisation.overrides)?;
    let (plan, mut terms) = match (&organisation.next_plan, organisation.next_plan_at) {
        (Some(next), Some(at)) if at <= now_ms => {
            let none = serde_json::json!({});
            let (plan, terms) = of(next, organisation.next_overrides.as_ref().unwrap_or(&none))?;
            let log_retention_days = before.1.log_retention_days;
            (plan, Terms { notice: Some(Notice { log_retention_days, until_ms: at + NOTICE_MS }), ..terms })
        }
        _ => before,
    };
    terms.recording = Standing::of(organisation)?.records();
    let unsigned = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok());
    Ok((plan, terms.capped(unsigned(organisation.cap_blocks), unsigned(organisation.cap_cents))))
}

/// What a plan gives an organisation, by the name and overrides that a row has.
///
/// # Errors
/// [`DbErr::Type`] when they are none.
pub fn plan_terms(
    organisation_id: Uuid,
    plan: &str,
    overrides: &Json,
    of_plans: &PlanOverrides,
) -> Result<(Plan, Terms), DbErr> {
    let corrupt = |what: &str, error: &dyn std::error::Error| {
        DbErr::Type(format!("{what} of organisation {organisation_id}: {error}"))
    };
    let plan: Plan = plan.parse().map_err(|error| corrupt("plan", &error))?;
    let own: Overrides =
        serde_json::from_value(overrides.clone()).map_err(|error| corrupt("overrides", &error))?;
    let overrides = own.or(of_plans.get(&plan).copied().unwrap_or_default());
    Ok((plan, plans::terms(plan, &overrides)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_change_holds_from_its_moment_on_with_a_week_of_the_longer_retention() {
        let row = organisation::Model {
            next_plan: Some("developer".to_owned()),
            next_plan_at: Some(1_000),
            ..scratch::organisation(Uuid::nil(), "production")
        };
        let at = |now_ms| terms(&row, &PlanOverrides::new(), now_ms).unwrap();
        assert_eq!((at(999).0, at(999).1.notice), (Plan::Production, None));
        let (plan, after) = at(1_000);
        assert_eq!((plan, after.included), (Plan::Developer, Some(10_000)));
        for (now_ms, days) in [(1_000, 30), (1_000 + NOTICE_MS - 1, 30), (1_000 + NOTICE_MS, 3)] {
            assert_eq!(plans::retention_cutoff(&after, now_ms), Some(now_ms - days * 86_400_000), "{now_ms}");
            assert_eq!(i64::from(plans::retention_class(&after, now_ms)), days, "{now_ms}");
        }
    }

    #[test]
    fn a_cap_is_in_blocks_or_in_money_and_the_smaller_holds() {
        let limit = |cap_blocks, cap_cents| {
            let production = scratch::organisation(Uuid::nil(), "production");
            let row = organisation::Model { cap_blocks, cap_cents, ..production };
            terms(&row, &PlanOverrides::new(), 0).unwrap().1.limit().unwrap()
        };
        for (blocks, cents, expected) in [
            (None, None, 3_000_000),
            (Some(0), None, 100_000),
            (Some(2), None, 300_000),
            (None, Some(899), 100_000),
            (None, Some(1_800), 300_000),
            (Some(3), Some(900), 200_000),
            (Some(1_000), None, 3_000_000),
        ] {
            assert_eq!(limit(blocks, cents), expected, "{blocks:?} {cents:?}");
        }
    }

    #[test]
    fn who_has_not_paid_for_long_is_not_recorded() {
        for (standing, recorded) in [("good", 1), ("past_due", 1), ("restricted", 0), ("suspended", 0)] {
            let enterprise = scratch::organisation(Uuid::nil(), "enterprise");
            let row = organisation::Model { standing: standing.to_owned(), ..enterprise };
            assert_eq!(terms(&row, &PlanOverrides::new(), 0).unwrap().1.admit(5, 1), recorded, "{standing}");
        }
    }
}
