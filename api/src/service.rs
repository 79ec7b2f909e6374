//! The plane as a process of its own.

use std::process::ExitCode;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::web::{self, ServiceConfig};
use clock::Clock;
use host::{Intake, Reference, Running, Service};
use settings::Settings;
use telemetry::Telemetry;

use crate::{Api, BadGatewayUrl, Error, GatewayClient, Parts};

const SERVICE: Service = Service {
    name: "turnpike-api",
    about: "The control plane: logs, usage, keys and sign-in over REST.",
    usage: "\
Any number of them may serve, on the gateways' database and Redis (TURNPIKE_DATABASE_URL, TURNPIKE_REDIS_URL), with their
master key (TURNPIKE_MASTER_KEY), each with a data folder of its own (TURNPIKE_DATA_DIR): its spool holds inserted logs until
they are in the database.",
};

/// The process `turnpike-api`.
#[must_use]
pub fn main() -> ExitCode {
    host::main(&SERVICE, start)
}

/// Starts the control plane of a process.
///
/// # Errors
/// Says what could not be had, and what to do about it.
pub async fn start(settings: Settings, clock: Clock, telemetry: Telemetry) -> anyhow::Result<Running> {
    host::require_master_key(&settings)?;
    // Not the gateway's folder, should both be given the same data folder.
    let intake = Intake::open(settings, clock, telemetry, "spool-api").await?.needing_database();
    let (api, reference) = (Api::over(&intake)?, Reference::of([crate::openapi()])?);
    let exporting = api.clone();
    let mount = move |config: &mut ServiceConfig| {
        reference.configure(config);
        crate::configure(config, api.clone());
        config.default_service(web::to(not_here));
    };
    crate::otlp::serve(intake.serve(mount, host::not_watched).await?, exporting).await
}

/// Where no other plane answers what this one does not know.
async fn not_here(request: HttpRequest) -> Result<&'static str, Error> {
    Err(Error::not_found("path", request.path()))
}

impl Api {
    /// The control plane of a process.
    ///
    /// # Errors
    /// [`BadGatewayUrl`].
    pub fn over(intake: &Intake) -> Result<Self, BadGatewayUrl> {
        let settings = &intake.base.settings;
        let here = || format!("http://{}", settings.addr);
        let public_url = settings.public_url.clone().unwrap_or_else(here);
        Ok(Self::new(Parts {
            db: intake.base.db.clone(),
            clock: intake.base.clock.clone(),
            ids: intake.base.ids.clone(),
            keys: intake.keys.clone(),
            virtual_keys: intake.virtual_keys.clone(),
            configs: intake.configs.clone(),
            guardrails: intake.guardrails.clone(),
            people: intake.people.clone(),
            vault: intake.vault.clone(),
            plan_overrides: settings.plans.clone(),
            recorder: intake.recorder.clone(),
            prices: intake.prices.clone(),
            reach: settings.gateway.allow_private_hosts,
            trust_forwarded_for: settings.auth.trust_forwarded_for,
            public_url: public_url.trim_end_matches('/').to_owned(),
            sends_mail: settings.smtp.url.is_some(),
            max_payload_bytes: settings.log.max_payload_bytes,
            text_index: settings.log.text_index,
            operator_token: settings.operator_token.clone(),
            stripe_webhook_secret: settings.payments.stripe_webhook_secret.clone(),
            telemetry: intake.base.telemetry.clone(),
            gateway: Arc::new(GatewayClient::new(settings.gateway_url.as_deref())?),
        }))
    }
}
