//! `turnpike demo`: a quota met and a retention passed, with real calls through the real gateway, in a minute.

mod caller;
mod drive;
mod latency;
mod story;
mod upstream;

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clock::Clock;
use host::{INTERRUPTED, Running, Signals, say, until_signal};
use plans::{Month, Plan};
use secrecy::ExposeSecret as _;
use settings::Settings;
use telemetry::Telemetry;
use tenancy::organisation::{Created, NewOrganisation};

use crate::banner;
use crate::cli::DemoArgs;
use caller::Caller;
use upstream::Upstream;

/// No month ends within this of the demo's begin, so that its calls count in one.
const WITHIN_A_MONTH: Duration = Duration::from_hours(1);

/// The demo runs the retention job itself, to count rows before and after: by the clock it would run unseen.
const NEVER: &str = "0 0 0 1 1 * 2100";

/// Plays the demo on a throw-away folder, then serves on until a signal unless told to exit.
pub(crate) async fn run(
    settings: Settings,
    telemetry: Telemetry,
    args: DemoArgs,
) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::new()?;
    let folder = tempfile::tempdir().context("a throw-away folder for the demo cannot be made")?;
    let running = crate::start(demo_settings(settings, &args, folder.path()), clock(), telemetry).await?;
    let played = tokio::select! {
        played = play(&running, &args) => played.map(|()| true),
        () = signals.next() => Ok(false),
    };
    let ended = if args.exit || !matches!(played, Ok(true)) {
        running.stop().await;
        played.map(|whole| if whole { ExitCode::SUCCESS } else { ExitCode::from(INTERRUPTED) })
    } else {
        say(&invitation(&running).await?)?;
        until_signal(running, signals).await
    };
    folder.close().context("the demo's throw-away folder was not removed")?;
    ended
}

async fn play(running: &Running, args: &DemoArgs) -> anyhow::Result<()> {
    let upstream = Upstream::start()?;
    let created = sign_up(running, "Demo", Plan::Developer).await?;
    let api_key = created.api_key.expose_secret().to_owned();
    let caller = Caller::new(running.url_here(), upstream.url(), api_key);
    let told = story::tell(running, &caller, created.organisation_id, args.calls).await;
    upstream.stop().await;
    told
}

async fn sign_up(running: &Running, name: &str, plan: Plan) -> anyhow::Result<Created> {
    let new = NewOrganisation { name: name.to_owned(), plan, owner_email: "owner@localhost".to_owned() };
    Ok(tenancy::organisation::create(&running.db, &running.ids, &running.clock, new).await?)
}

fn demo_settings(mut settings: Settings, args: &DemoArgs, folder: &Path) -> Settings {
    settings.data_dir = folder.join("data");
    settings.database_url = None;
    settings.redis_url = None;
    settings.master_key = None;
    settings.public_url = None;
    settings.addr = free(settings.addr);
    NEVER.clone_into(&mut settings.jobs.retention_cron);
    // What is shown is the catalogue's Developer plan, whatever this installation sells.
    settings.plans.clear();
    if args.included_logs.is_some() {
        settings.plans.entry(Plan::Developer).or_default().included_logs = args.included_logs;
    }
    settings
}

/// The address, or one with a free port when another server has it.
fn free(addr: SocketAddr) -> SocketAddr {
    match std::net::TcpListener::bind(addr) {
        Ok(_) => addr,
        Err(_) => SocketAddr::new(addr.ip(), 0),
    }
}

/// Today's time; in the last hour of a month, an hour earlier.
fn clock() -> Clock {
    let clock = Clock::system();
    let now_ms = clock.now_ms();
    let left_ms = Month::of(now_ms).end_ms().saturating_sub(now_ms);
    let hour_ms = i64::try_from(WITHIN_A_MONTH.as_millis()).unwrap_or(0);
    if left_ms < hour_ms { Clock::starting_at(now_ms.saturating_sub(hour_ms)) } else { clock }
}

/// With keys of an organisation of its own: the demo's has no quota left.
async fn invitation(running: &Running) -> anyhow::Result<String> {
    let created = sign_up(running, "Yours", Plan::Production).await?;
    let (url, api_key) = (running.url_here(), created.api_key.expose_secret());
    Ok(format!(
        "\nThe server stays up at {url} until Ctrl-C; its folder goes with it. To try it, keys of a new organisation on the\n\
         Production plan:\n\n  API key        {api_key}\n  admin key      {}\n\n{}\n\n{}\n",
        created.admin_api_key.expose_secret(),
        banner::call(&url, api_key),
        banner::logs(&url, api_key),
    ))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_taken_port_is_left_to_who_has_it() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = taken.local_addr().unwrap();
        assert_eq!(free(addr).port(), 0);
        drop(taken);
        assert_eq!(free(addr), addr);
    }

    #[test]
    fn the_demo_touches_nothing_of_the_installation_it_runs_beside() {
        let settings = Settings {
            database_url: Some("sqlite:///precious.db".into()),
            master_key: Some("precious".into()),
            ..Settings::default()
        };
        let args = DemoArgs { exit: true, calls: 60, included_logs: Some(50) };
        let settings = demo_settings(settings, &args, Path::new("/throw-away"));
        assert!(settings.database_url.is_none() && settings.master_key.is_none());
        assert_eq!(settings.data_dir, Path::new("/throw-away/data"));
        assert_eq!(settings.plans[&Plan::Developer].included_logs, Some(50));
        assert!(workers::Schedule::new(&settings.jobs).is_ok());
    }
}
