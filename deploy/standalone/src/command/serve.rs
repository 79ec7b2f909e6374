//! `turnpike serve`: everything, until a signal.

use std::io::Write as _;
use std::process::ExitCode;

use clock::Clock;
use plans::Plan;
use settings::Settings;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{Running, banner, first};

/// What a process that was interrupted twice ends with, as a shell would have it.
pub(crate) const INTERRUPTED: u8 = 130;

pub(crate) async fn run(settings: Settings) -> anyhow::Result<ExitCode> {
    let signals = Signals::new()?;
    let running = crate::start(settings, Clock::system()).await?;
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

/// Writes to standard output now, whoever reads it.
pub(crate) fn say(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Serves until a signal comes or the server fails, then stops; a second signal stops at once.
pub(crate) async fn until_signal(mut running: Running, mut signals: Signals) -> anyhow::Result<ExitCode> {
    let failed = tokio::select! {
        () = signals.next() => Ok(()),
        failed = running.failed() => failed,
    };
    if failed.is_err() {
        return failed.map(|()| ExitCode::FAILURE);
    }
    eprintln!("Stopping: calls under way may end and logs are shipped; once more to stop at once.");
    tokio::select! {
        () = running.stop() => Ok(ExitCode::SUCCESS),
        () = signals.next() => Ok(ExitCode::from(INTERRUPTED)),
    }
}

/// SIGINT and SIGTERM.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
