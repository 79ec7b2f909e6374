//! The plane as a process of its own.

use std::process::ExitCode;
use std::sync::Arc;

use actix_web::web::ServiceConfig;
use clock::Clock;
use host::{Intake, Reference, Running, Service};
use settings::Settings;
use telemetry::Telemetry;

use crate::{Gateway, Parts};

const SERVICE: Service = Service {
    name: "turnpike-gateway",
    about: "The data plane: takes LLM calls in, passes them on, and logs each.",
    usage: "\
Any number of them may serve, on one database and one Redis (TURNPIKE_DATABASE_URL, TURNPIKE_REDIS_URL), with one master key
(TURNPIKE_MASTER_KEY), each with a data folder of its own (TURNPIKE_DATA_DIR): it holds the spool, whose logs must not be lost.",
};

/// The process `turnpike-gateway`.
#[must_use]
pub fn main() -> ExitCode {
    host::main(&SERVICE, start)
}

/// Starts the gateway of a process.
///
/// # Errors
/// Says what could not be had, and what to do about it.
pub async fn start(settings: Settings, clock: Clock, telemetry: Telemetry) -> anyhow::Result<Running> {
    host::require_master_key(&settings)?;
    let intake = Intake::open(settings, clock, telemetry, "spool").await?;
    let gateway = Gateway::over(&intake);
    let reference = Reference::of([crate::openapi()])?;
    let mount = move |config: &mut ServiceConfig| {
        crate::configure(config, &gateway);
        reference.configure(config);
        crate::configure_rest(config);
    };
    intake.serve(mount, crate::on_connect).await
}

impl Gateway {
    /// The gateway of a process.
    #[must_use]
    pub fn over(intake: &Intake) -> Self {
        Self::new(Parts {
            clock: intake.base.clock.clone(),
            ids: intake.base.ids.clone(),
            keys: intake.keys.clone(),
            people: intake.people.clone(),
            virtual_keys: intake.virtual_keys.clone(),
            configs: intake.configs.clone(),
            guardrails: intake.guardrails.clone(),
            recorder: intake.recorder.clone(),
            ledger: Arc::clone(&intake.ledger),
            limiter: intake.limiter.clone(),
            prices: intake.prices.clone(),
            answers: intake.answers.clone(),
            settings: intake.base.settings.clone(),
            telemetry: intake.base.telemetry.clone(),
        })
    }
}
