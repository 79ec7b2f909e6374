//! Puts the planes together.

use actix_web::web::ServiceConfig;
use api::Api;
use clock::Clock;
use gateway::Gateway;
use host::{Intake, Reference, Running};
use settings::Settings;
use telemetry::Telemetry;

/// Starts all planes in this process and returns when they serve. Nothing runs by another clock than `clock`.
///
/// # Errors
/// Says what could not be had, and what to do about it; nothing is left running.
pub async fn start(settings: Settings, clock: Clock, telemetry: Telemetry) -> anyhow::Result<Running> {
    let intake = Intake::open(settings, clock, telemetry, "spool").await?;
    let (gateway, api) = (Gateway::over(&intake), Api::over(&intake)?);
    let reference = Reference::of([api::openapi(), gateway::openapi()])?;
    let exporting = api.clone();
    // What the control plane does not know is the gateway's.
    let mount = move |config: &mut ServiceConfig| {
        gateway::configure(config, &gateway);
        reference.configure(config);
        api::configure(config, api.clone());
        gateway::configure_rest(config);
    };
    let running = intake.serve(mount, gateway::on_connect).await?;
    exporting.gateway_is_at(&running.url_here())?;
    let running = api::otlp::serve(running, exporting).await?;
    let jobs = workers::begin(&running).await?;
    Ok(running.beside(jobs))
}
