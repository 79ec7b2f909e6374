//! `turnpike serve`: everything, until a signal.

use std::process::ExitCode;

use clock::Clock;
use host::{Signals, say, until_signal};
use plans::Plan;
use settings::Settings;
use telemetry::Telemetry;

use crate::{banner, first};

pub(crate) async fn run(settings: Settings, telemetry: Telemetry) -> anyhow::Result<ExitCode> {
    let signals = Signals::new()?;
    let running = crate::start(settings, Clock::system(), telemetry).await?;
    let places = banner::Places::of(&running);
    let text = match first::organisation(&running.db, &running.ids, &running.clock).await? {
        Some(created) => {
            let overrides = running.settings.plans.get(&Plan::Developer).copied().unwrap_or_default();
            banner::first(&places, &created, &plans::terms(Plan::Developer, &overrides))
        }
        None => banner::again(&places),
    };
    say(&text)?;
    until_signal(running, signals).await
}
