//! A process from its command line to its exit code.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Command;
use clock::Clock;
use settings::Settings;
use telemetry::Telemetry;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{Running, Unsupported};

/// What others say at `info` is of use to them, and an answer that we cut on purpose is an error to actix; a directive in
/// the settings brings either back.
pub const LIBRARIES: &str = "actix_http=off,actix_server=warn,sea_orm_migration=warn";

/// What a process that was interrupted twice ends with, as a shell would have it.
pub const INTERRUPTED: u8 = 130;

const SETTINGS: &str = "\
Settings come from TURNPIKE_* variables, over turnpike.toml in the working folder (or the file that TURNPIKE_CONFIG names):
TURNPIKE_DATA_DIR is data_dir, TURNPIKE_SPOOL__FSYNC is spool.fsync. GET /healthz and /readyz tell how it is. SIGTERM ends it
when the calls under way have ended and their logs are shipped.";

/// A binary that is one plane.
pub struct Service {
    /// The binary's name.
    pub name: &'static str,
    /// What it does, in a line of its help.
    pub about: &'static str,
    /// What its help says of how it is used, before what is said of settings.
    pub usage: &'static str,
}

/// The whole process of a service: reads the command line and the settings, starts it, serves until a signal.
///
/// Ends with 0; with 2 for a command line or a setting that is wrong; with 1 for anything else.
pub fn main(
    service: &Service,
    start: impl AsyncFnOnce(Settings, Clock, Telemetry) -> anyhow::Result<Running>,
) -> ExitCode {
    let help = format!("{}\n\n{SETTINGS}", service.usage);
    Command::new(service.name)
        .version(env!("CARGO_PKG_VERSION"))
        .about(service.about)
        .after_help(help)
        .get_matches();
    let ran = runtime().and_then(|runtime| {
        runtime.block_on(async {
            let settings = settings::load()?;
            let filter = format!("{LIBRARIES},{}", settings.log.level);
            let telemetry = telemetry::init(service.name, settings.log.format, &filter)?;
            let served = serve(service.name, settings, telemetry.clone(), start).await;
            telemetry.shutdown().await;
            served
        })
    });
    ran.unwrap_or_else(|error| {
        eprint!("{}", complaint(&error));
        ExitCode::from(exit_code(&error))
    })
}

async fn serve(
    name: &str,
    settings: Settings,
    telemetry: Telemetry,
    start: impl AsyncFnOnce(Settings, Clock, Telemetry) -> anyhow::Result<Running>,
) -> anyhow::Result<ExitCode> {
    let signals = Signals::new()?;
    let running = start(settings, Clock::system(), telemetry).await?;
    say(&format!("{name} {} serves at {}", env!("CARGO_PKG_VERSION"), running.url_here()))?;
    until_signal(running, signals).await
}

/// The runtime that everything but HTTP runs on.
///
/// # Errors
/// When the system gives no threads.
pub fn runtime() -> anyhow::Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// Writes a line, or lines, to standard output now, whoever reads it.
///
/// # Errors
/// When nobody does.
pub fn say(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Serves until a signal comes or the server fails, then stops; a second signal stops at once.
///
/// # Errors
/// When the server fails.
pub async fn until_signal(mut running: Running, mut signals: Signals) -> anyhow::Result<ExitCode> {
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
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// From now on they end nothing by themselves.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next of either.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// The error with its causes, a line each.
#[must_use]
pub fn complaint(error: &anyhow::Error) -> String {
    let causes = error.chain().skip(1).map(|cause| format!("  because: {cause}\n"));
    std::iter::once(format!("error: {error}\n")).chain(causes).collect()
}

/// 2 for a setting that is wrong, else 1.
#[must_use]
pub fn exit_code(error: &anyhow::Error) -> u8 {
    let of_settings = |cause: &(dyn std::error::Error + 'static)| {
        cause.is::<settings::Error>()
            || cause.is::<Unsupported>()
            || cause.is::<telemetry::Error>()
            || cause.is::<quota::BadUrl>()
    };
    if error.chain().any(of_settings) { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use anyhow::Context as _;

    use super::*;

    #[test]
    fn an_error_is_told_with_its_causes_and_settings_have_an_exit_code_of_their_own() {
        let error = std::io::Error::other("disk on fire");
        let error = Err::<(), _>(error).context("cannot write").context("cannot start").unwrap_err();
        assert_eq!(
            complaint(&error),
            "error: cannot start\n  because: cannot write\n  because: disk on fire\n"
        );
        assert_eq!(exit_code(&error), 1);

        let variables = [("TURNPIKE_PORT".to_owned(), "1".to_owned())];
        let error = anyhow::Error::from(settings::load_from(variables, None).unwrap_err());
        assert_eq!(exit_code(&error), 2);
        assert!(complaint(&error).contains("TURNPIKE_PORT"));
        assert_eq!(exit_code(&anyhow::Error::from(quota::BadUrl).context("cannot start")), 2);
    }
}
