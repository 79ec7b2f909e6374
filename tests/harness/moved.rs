//! A plane in a process of its own, to be killed, by a clock that its parent moves: this test binary, started anew for a test that
//! serves.

use std::process::Command;
use std::time::Duration;

use clock::Clock;
use host::{Running, Signals};
use settings::Settings;
use telemetry::Telemetry;

/// The variables that say what is to be served, and how far its clock is ahead at its start: milliseconds.
const PLANE: &str = "MOVED_PLANE";
pub const AHEAD_MS: &str = "MOVED_AHEAD_MS";

/// What is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    Gateway,
    Api,
    Workers,
}

impl Plane {
    fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Api => "api",
            Self::Workers => "workers",
        }
    }

    /// The command that serves it. A line on its standard input says how far its clock is to be ahead from now on, no less than
    /// before.
    pub fn command(self) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "harness::moved::serve", "--ignored", "--nocapture"]);
        command.env(PLANE, self.name());
        command
    }
}

#[test]
#[ignore = "serves, for another test"]
fn serve() {
    let plane = std::env::var(PLANE).unwrap_or_default();
    if plane.is_empty() {
        return;
    }
    host::runtime().unwrap().block_on(async {
        let telemetry = telemetry::init("moved", settings::LogFormat::Pretty, "info").unwrap();
        let running = Box::pin(start(&plane, settings::load().unwrap(), telemetry)).await;
        println!("serves at {}", running.url_here());
        host::until_signal(running, Signals::new().unwrap()).await.unwrap();
    });
}

async fn start(plane: &str, settings: Settings, telemetry: Telemetry) -> Running {
    let clock = Clock::system();
    let mut ahead = ahead(&std::env::var(AHEAD_MS).unwrap());
    clock.advance(ahead);
    let moved = clock.clone();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            let further = self::ahead(&line.unwrap());
            moved.advance(further.saturating_sub(ahead));
            ahead = further;
        }
    });
    match plane {
        "gateway" => gateway::start(settings, clock, telemetry).await.unwrap(),
        "api" => Box::pin(api::start(settings, clock, telemetry)).await.unwrap(),
        _ => workers::start(settings, clock, telemetry).await.unwrap(),
    }
}

fn ahead(ms: &str) -> Duration {
    Duration::from_millis(ms.trim().parse().unwrap())
}
