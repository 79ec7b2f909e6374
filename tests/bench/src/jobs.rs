//! What jobs work with where no server runs.

use clock::{Clock, Ids};
use sea_orm::DatabaseConnection;
use workers::Parts;

/// All of it as it is by default, and with a vault of its own.
///
/// # Errors
/// When there is no randomness for a key.
pub fn parts(db: DatabaseConnection, clock: Clock) -> anyhow::Result<Parts> {
    let ids = Ids::new(clock.clone());
    Ok(Parts {
        holder: ids.fresh(),
        clock,
        db,
        settings: settings::JobsSettings::default(),
        plan_overrides: tenancy::PlanOverrides::new(),
        metrics: telemetry::Metrics::default(),
        ids,
        vault: vault::Vault::new(vault::MasterKey::generate()?),
        reach: egress::Reach::Loopback,
        smtp: settings::SmtpSettings::default(),
        payments: settings::PaymentsSettings::default(),
        text_index: true,
        redis_url: None,
    })
}
