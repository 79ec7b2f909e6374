//! Turnpike, with every call logged: all in one process on SQLite, or the three services on PostgreSQL and Redis.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, bail};
use redis_server::RedisServer;
use scratch::SERVER;
use serde_json::Value;

use super::{Processes, Site, Store, Subject};
use crate::process::{self, Process};

const MISSING: &str =
    "build it: cargo build --profile dist -p turnpike, or with another profile and --binaries";

/// Services on one database share it; it protects nothing here.
const MASTER_KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// What Turnpike works on: a folder, its database and its Redis. They stay when its processes end.
pub struct Place {
    upstream: SocketAddr,
    binaries: PathBuf,
    folder: PathBuf,
    settings: Vec<(String, String)>,
    database: Database,
    /// None: the ledger is in the process.
    redis: Option<RedisServer>,
    /// Of the organisation that calls, once it is made.
    key: Option<String>,
    holds: bool,
}

/// Where the logs are.
#[derive(Clone)]
pub enum Database {
    /// SQLite's file.
    File(PathBuf),
    /// PostgreSQL's URL.
    Url(String),
}

impl Place {
    /// For `turnpike serve` with nothing set up.
    pub(super) fn on_sqlite(site: &Site<'_>) -> Self {
        Self {
            upstream: site.upstream,
            binaries: site.binaries.to_owned(),
            folder: site.folder.clone(),
            settings: [
                ("TURNPIKE_ADDR", "127.0.0.1:0".to_owned()),
                ("TURNPIKE_WORKERS", site.workers.to_string()),
                ("TURNPIKE_GATEWAY__ALLOW_PRIVATE_HOSTS", "loopback".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .chain(site.settings.iter().cloned())
            .collect(),
            database: Database::File(site.folder.join("data/turnpike.db")),
            redis: None,
            key: None,
            holds: false,
        }
    }

    /// For the gateway, the api and the workers; none without a PostgreSQL.
    pub(super) fn on_postgres(site: &Site<'_>) -> Option<Self> {
        let Some(url) = scratch::postgres_url(&site.folder) else {
            eprintln!(
                "bench: postgres is left out; for it, run this under deploy/dev/with-postgres --durable"
            );
            return None;
        };
        let redis = RedisServer::start();
        let mut place = Self::on_sqlite(site);
        place.settings.push(("TURNPIKE_DATABASE_URL".to_owned(), url.clone()));
        place.settings.push(("TURNPIKE_REDIS_URL".to_owned(), redis.url()));
        place.settings.push(("TURNPIKE_MASTER_KEY".to_owned(), MASTER_KEY.to_owned()));
        Some(Self { database: Database::Url(url), redis: Some(redis), ..place })
    }

    /// The binaries that serve on it, in the order of their start.
    pub fn binaries(&self) -> &'static [&'static str] {
        match self.database {
            Database::File(_) => &["turnpike"],
            Database::Url(_) => &["turnpike-gateway", "turnpike-api", "turnpike-workers"],
        }
    }

    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Whether what is started next leaves logs in its spool: after the first batch, which is not full, it waits a day for
    /// more of it.
    pub fn hold_logs(&mut self, holds: bool) {
        self.holds = holds;
    }

    /// Starts all of it, and signs up an organisation where there is none.
    pub fn start(mut self) -> anyhow::Result<Subject> {
        let mut processes = Processes::default();
        if let (Database::Url(_), Some(redis)) = (&self.database, &self.redis) {
            processes.postgres.push(postmaster()?);
            processes.redis.push(id_of(redis)?);
        }
        let mut started = Vec::new();
        for binary in self.binaries() {
            started.push(self.serve(binary)?);
        }
        let addr = started[0].1;
        let api_addr = started.get(1).map_or(addr, |(_, addr)| *addr);
        let key = match self.key.take() {
            Some(key) => key,
            None => self.organisation()?,
        };
        let headers = format!(
            "x-portkey-api-key: {key}\r\nx-portkey-provider: openai\r\nx-portkey-custom-host: http://{}/v1\r\n",
            self.upstream
        );
        let mut subject = Subject {
            name: if self.redis.is_some() { "postgres" } else { "sqlite" },
            addr,
            upstream: self.upstream,
            headers,
            processes,
            store: Some(Store::new(api_addr, key.clone())),
            running: Vec::new(),
            place: Some(Self { key: Some(key), ..self }),
        };
        for (process, _) in started {
            subject.keep_process(process);
        }
        Ok(subject)
    }

    /// Starts one of [`binaries`](Self::binaries), and where it serves.
    pub fn serve(&self, binary: &str) -> anyhow::Result<(Process, SocketAddr)> {
        Process::serve(&mut self.command(binary), &self.folder.join(format!("{binary}.txt")), MISSING)
    }

    /// What `turnpike reconcile` says of it, and whether nothing differs.
    pub fn reconcile(&self) -> anyhow::Result<(String, bool)> {
        let output = self.command("turnpike").arg("reconcile").output().context(MISSING)?;
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        Ok((said.trim_end().to_owned(), output.status.success()))
    }

    /// In a folder of its own, out of reach of a `turnpike.toml` and of settings that this shell has.
    fn command(&self, binary: &str) -> Command {
        let mut command = Command::new(self.binaries.join(binary));
        let ours = |name: &str| name.starts_with("TURNPIKE_") || name == "RUST_LOG";
        for (name, _) in std::env::vars().filter(|(name, _)| ours(name)) {
            command.env_remove(name);
        }
        command.current_dir(&self.folder).envs(self.settings.iter().map(|(name, value)| (name, value)));
        let data = if binary == "turnpike" { "data".to_owned() } else { format!("{binary}-data") };
        command.env("TURNPIKE_DATA_DIR", self.folder.join(data));
        if self.holds {
            command.env("TURNPIKE_SHIPPER__LINGER_MS", "86400000");
        }
        command
    }

    /// Signs up an organisation whose logs have no limit; its key.
    fn organisation(&self) -> anyhow::Result<String> {
        let arguments =
            ["org", "create", "--name", "Bench", "--plan", "enterprise", "--owner-email", "bench@localhost"];
        let output = self.command("turnpike").args(arguments).output().context(MISSING)?;
        if !output.status.success() {
            bail!("no organisation could be made: {}", String::from_utf8_lossy(&output.stderr));
        }
        let created: Value = serde_json::from_slice(&output.stdout)?;
        Ok(created["api_key"].as_str().context("org create gave no api_key")?.to_owned())
    }
}

/// The PostgreSQL behind `postgres://postgres@127.0.0.1:PORT/`, when it was started on this machine with that port.
fn postmaster() -> anyhow::Result<u32> {
    let url = std::env::var(SERVER).with_context(|| format!("{SERVER} is not set"))?;
    let port = url.trim_end_matches('/').rsplit(':').next().unwrap_or_default();
    process::with_arguments("postgres", &["-p", port])?
        .with_context(|| format!("no postgres runs with -p {port}"))
}

fn id_of(redis: &RedisServer) -> anyhow::Result<u32> {
    let about = redis.command("INFO server");
    let id = about.lines().find_map(|line| line.strip_prefix("process_id:")).context("no process_id")?;
    Ok(id.trim().parse()?)
}
