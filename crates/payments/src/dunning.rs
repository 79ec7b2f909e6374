//! What becomes, by the clock, of who does not pay: past due, then restricted, then suspended.

use entity::organisation;
use sea_orm::prelude::*;
use sea_orm::{Condition, ConnectionTrait};
use settings::PaymentsSettings;
use tenancy::Standing;
use tenancy::audit::Actor;

use crate::standing::Change;

const DAY_MS: i64 = 86_400_000;

/// The changes that are due. Each standing has its time in full, also where this was not asked for long.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn due(
    db: &impl ConnectionTrait,
    settings: &PaymentsSettings,
    now_ms: i64,
) -> Result<Vec<Change>, DbErr> {
    let days = |days: u32| now_ms.saturating_sub(i64::from(days) * DAY_MS);
    let left = settings.suspend_after_days.saturating_sub(settings.restrict_after_days);
    let stood = |standing: Standing, before_ms: i64| {
        Condition::all()
            .add(organisation::Column::Standing.eq(standing.as_str()))
            .add(organisation::Column::StandingSince.lte(before_ms))
    };
    let rows = organisation::Entity::find()
        .filter(
            Condition::any()
                .add(stood(Standing::PastDue, days(settings.restrict_after_days)))
                .add(stood(Standing::Restricted, days(left))),
        )
        .all(db)
        .await?;
    Ok(rows.iter().map(next).collect())
}

fn next(row: &organisation::Model) -> Change {
    let (from, to): (&[Standing], _) = if row.standing == Standing::PastDue.as_str() {
        (&[Standing::PastDue], Standing::Restricted)
    } else {
        (&[Standing::Restricted], Standing::Suspended)
    };
    Change { organisation_id: row.id, from, to, actor: Actor::Turnpike, because: "not paid in time" }
}
