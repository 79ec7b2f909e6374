//! What is measured. A peer is a file beside `nginx.rs` that starts it and gives a [`Subject`], and a line in [`NAMES`] and in
//! [`start`].

use std::any::Any;
use std::cell::Cell;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::process::Process;
use crate::wire::Connection;

mod nginx;
mod turnpike;

/// Every subject there is, in the order of the table. The first two are what the others are compared with.
pub const NAMES: [&str; 4] = ["direct", "nginx", "sqlite", "postgres"];

/// How long a store may take in no log before we give up on it.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often a store is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// What a subject is started with.
pub struct Site<'a> {
    pub upstream: SocketAddr,
    pub upstream_process: u32,
    /// Threads or processes that serve HTTP, the same for each subject.
    pub workers: usize,
    /// Where `turnpike` and its fellows were built to.
    pub binaries: &'a Path,
    /// For this subject alone.
    pub folder: PathBuf,
}

/// Something that answers calls, running.
pub struct Subject {
    pub name: &'static str,
    pub addr: SocketAddr,
    /// Headers of a call that only this subject needs, a line each.
    pub headers: String,
    pub processes: Processes,
    /// None: it keeps no logs.
    pub store: Option<Store>,
    /// What ends with it, in this order.
    running: Vec<Box<dyn Any>>,
}

/// Whose CPU time is whose; descendants are counted with them.
#[derive(Default)]
pub struct Processes {
    pub own: Vec<u32>,
    pub postgres: Vec<u32>,
    pub redis: Vec<u32>,
}

/// Where the calls' logs arrive.
pub struct Store {
    addr: SocketAddr,
    key: String,
    /// Calls made so far, by us alone.
    made: Cell<u64>,
}

/// Starts the subject of this name. None, with the reason on standard error, when this run has no place for it.
///
/// # Errors
/// Says what is missing and what to do.
pub async fn start(name: &str, site: &Site<'_>) -> anyhow::Result<Option<Subject>> {
    match name {
        "direct" => Ok(Some(direct(site))),
        "nginx" => nginx::start(site).await.map(Some),
        "sqlite" => turnpike::on_sqlite(site).map(Some),
        "postgres" => turnpike::on_postgres(site),
        _ => bail!("no subject is called {name:?}; expected one of {}", NAMES.join(", ")),
    }
}

/// The upstream itself.
fn direct(site: &Site<'_>) -> Subject {
    Subject {
        name: "direct",
        addr: site.upstream,
        headers: String::new(),
        processes: Processes { own: vec![site.upstream_process], ..Processes::default() },
        store: None,
        running: Vec::new(),
    }
}

impl Subject {
    /// Has it end with the subject, before what was given earlier.
    fn keep(&mut self, running: impl Any) {
        self.running.insert(0, Box::new(running));
    }

    fn keep_process(&mut self, process: Process) {
        self.processes.own.push(process.id());
        self.keep(process);
    }
}

impl Store {
    fn new(addr: SocketAddr, key: String) -> Self {
        Self { addr, key, made: Cell::new(0) }
    }

    /// To be told of every call.
    pub fn expect(&self, calls: u64) {
        self.made.set(self.made.get() + calls);
    }

    /// Logs that were made but are not in the store yet.
    ///
    /// # Errors
    /// When the API does not tell.
    pub async fn missing(&self) -> anyhow::Result<u64> {
        let mut connection = Connection::open(self.addr).await?;
        self.ask(&mut connection).await
    }

    /// Waits until all of them are.
    ///
    /// # Errors
    /// When none arrives for a minute, or more do than calls were made.
    pub async fn settled(&self) -> anyhow::Result<()> {
        let mut connection = Connection::open(self.addr).await?;
        let mut missing = self.ask(&mut connection).await?;
        let mut waited = Duration::ZERO;
        while missing > 0 {
            tokio::time::sleep(ASK_EVERY).await;
            let before = missing;
            missing = self.ask(&mut connection).await?;
            waited = if missing < before { Duration::ZERO } else { waited + ASK_EVERY };
            if waited > PATIENCE {
                bail!("{missing} logs do not arrive in the store");
            }
        }
        Ok(())
    }

    async fn ask(&self, connection: &mut Connection) -> anyhow::Result<u64> {
        let Self { addr, key, made } = self;
        let request = format!("GET /v1/usage HTTP/1.1\r\nhost: {addr}\r\nx-portkey-api-key: {key}\r\n\r\n");
        connection.call(request.as_bytes()).await.context("the API does not tell how many logs there are")?;
        let usage: Value = serde_json::from_slice(connection.body())?;
        let count = |field: &str| usage[field].as_u64().with_context(|| format!("no {field} in {usage}"));
        // A log that is not kept must not pass for one that is.
        if count("dropped")? + count("unrecorded")? > 0 {
            bail!("not every call was logged: {usage}");
        }
        made.get().checked_sub(count("used")?).with_context(|| format!("more logs than calls: {usage}"))
    }
}
