//! Turnpike, with every call logged: all in one process on SQLite, or the three services on PostgreSQL and Redis.

use std::process::Command;

use anyhow::{Context as _, bail};
use redis_server::RedisServer;
use serde_json::Value;

use super::{Processes, Site, Store, Subject};
use crate::process::{self, Process};

/// What names the run's PostgreSQL, up to a database; `deploy/dev/with-postgres` sets it.
const POSTGRES: &str = "SUITE_POSTGRES";

const MISSING: &str =
    "build it: cargo build --profile dist -p turnpike, or with another profile and --binaries";

/// Services on one database share it; it protects nothing here.
const MASTER_KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// `turnpike serve` with nothing set up.
pub(super) fn on_sqlite(site: &Site<'_>) -> anyhow::Result<Subject> {
    let settings = settings(site);
    let (process, addr) = serve(site, "turnpike", &settings)?;
    let key = organisation(site, &settings)?;
    let mut subject = Subject {
        name: "sqlite",
        addr,
        headers: headers(site, &key),
        processes: Processes::default(),
        store: Some(Store::new(addr, key)),
        running: Vec::new(),
    };
    subject.keep_process(process);
    Ok(subject)
}

/// The gateway, the api and the workers; none without a PostgreSQL.
pub(super) fn on_postgres(site: &Site<'_>) -> anyhow::Result<Option<Subject>> {
    let Ok(server) = std::env::var(POSTGRES) else {
        eprintln!("bench: postgres is left out; for it, run this under deploy/dev/with-postgres --durable");
        return Ok(None);
    };
    let redis = RedisServer::start();
    let processes =
        Processes { own: Vec::new(), postgres: vec![postmaster(&server)?], redis: vec![id_of(&redis)?] };
    let mut settings = settings(site);
    settings.push(("TURNPIKE_DATABASE_URL", format!("{server}postgres")));
    settings.push(("TURNPIKE_REDIS_URL", redis.url()));
    settings.push(("TURNPIKE_MASTER_KEY", MASTER_KEY.to_owned()));
    let (gateway, addr) = serve(site, "turnpike-gateway", &settings)?;
    let (api, api_addr) = serve(site, "turnpike-api", &settings)?;
    let (workers, _) = serve(site, "turnpike-workers", &settings)?;
    let key = organisation(site, &settings)?;
    let mut subject = Subject {
        name: "postgres",
        addr,
        headers: headers(site, &key),
        processes,
        store: Some(Store::new(api_addr, key)),
        running: Vec::new(),
    };
    subject.keep(redis);
    for process in [workers, api, gateway] {
        subject.keep_process(process);
    }
    Ok(Some(subject))
}

type Settings = Vec<(&'static str, String)>;

fn settings(site: &Site<'_>) -> Settings {
    vec![
        ("TURNPIKE_ADDR", "127.0.0.1:0".to_owned()),
        ("TURNPIKE_WORKERS", site.workers.to_string()),
        ("TURNPIKE_GATEWAY__ALLOW_PRIVATE_HOSTS", "loopback".to_owned()),
    ]
}

fn serve(
    site: &Site<'_>,
    binary: &str,
    settings: &Settings,
) -> anyhow::Result<(Process, std::net::SocketAddr)> {
    let mut command = command(site, binary, settings);
    Process::serve(&mut command, &site.folder.join(format!("{binary}.txt")), MISSING)
}

/// In a folder of its own, out of reach of a `turnpike.toml` and of settings that this shell has.
fn command(site: &Site<'_>, binary: &str, settings: &Settings) -> Command {
    let mut command = Command::new(site.binaries.join(binary));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TURNPIKE_") || name == "RUST_LOG")
    {
        command.env_remove(name);
    }
    command.current_dir(&site.folder).envs(settings.iter().map(|(name, value)| (name, value)));
    let data = if binary == "turnpike" { "data".to_owned() } else { format!("{binary}-data") };
    command.env("TURNPIKE_DATA_DIR", site.folder.join(data));
    command
}

/// Signs up an organisation whose logs have no limit; its key.
fn organisation(site: &Site<'_>, settings: &Settings) -> anyhow::Result<String> {
    let arguments =
        ["org", "create", "--name", "Bench", "--plan", "enterprise", "--owner-email", "bench@localhost"];
    let output = command(site, "turnpike", settings).args(arguments).output().context(MISSING)?;
    if !output.status.success() {
        bail!("no organisation could be made: {}", String::from_utf8_lossy(&output.stderr));
    }
    let created: Value = serde_json::from_slice(&output.stdout)?;
    Ok(created["api_key"].as_str().context("org create gave no api_key")?.to_owned())
}

fn headers(site: &Site<'_>, key: &str) -> String {
    format!(
        "x-portkey-api-key: {key}\r\nx-portkey-provider: openai\r\nx-portkey-custom-host: http://{}/v1\r\n",
        site.upstream
    )
}

/// The PostgreSQL behind `postgres://postgres@127.0.0.1:PORT/`, when it was started on this machine with that port.
fn postmaster(url: &str) -> anyhow::Result<u32> {
    let port = url.trim_end_matches('/').rsplit(':').next().unwrap_or_default();
    process::with_arguments("postgres", &["-p", port])?
        .with_context(|| format!("no postgres runs with -p {port}"))
}

fn id_of(redis: &RedisServer) -> anyhow::Result<u32> {
    let about = redis.command("INFO server");
    let id = about.lines().find_map(|line| line.strip_prefix("process_id:")).context("no process_id")?;
    Ok(id.trim().parse()?)
}
