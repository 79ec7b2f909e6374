//! What is measured. A peer is a file beside `nginx.rs` that starts it and gives a [`Subject`], and a line in [`NAMES`] and in
//! [`start`].

use std::cell::Cell;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::process::Process;
use crate::wire::Connection;

mod nginx;
mod turnpike;

pub use turnpike::{Database, Place};

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
    /// Turnpike's settings besides those that it is measured with.
    pub settings: &'a [(String, String)],
    /// For this subject alone.
    pub folder: PathBuf,
}

impl Site<'_> {
    /// The same with a new folder in its own.
    ///
    /// # Errors
    /// When there is one of this name, or none can be made.
    pub fn room(&self, name: &str) -> anyhow::Result<Self> {
        let folder = self.folder.join(name);
        std::fs::create_dir(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        Ok(Self { folder, ..*self })
    }
}

/// Something that answers calls, running.
pub struct Subject {
    pub name: &'static str,
    pub addr: SocketAddr,
    /// Who it asks.
    pub upstream: SocketAddr,
    /// Headers of a call that only this subject needs, a line each.
    pub headers: String,
    pub processes: Processes,
    /// None: it keeps no logs.
    pub store: Option<Store>,
    /// What ends with it, in this order.
    running: Vec<Process>,
    /// What it is started on, again if need be; Turnpike alone has one.
    place: Option<Place>,
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

/// What the store says of this month's calls.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Counted {
    pub used: u64,
    pub dropped: u64,
    pub unrecorded: u64,
}

/// Starts the subject of this name. None, with the reason on standard error, when this run has no place for it.
///
/// # Errors
/// Says what is missing and what to do.
pub async fn start(name: &str, site: &Site<'_>) -> anyhow::Result<Option<Subject>> {
    match name {
        "direct" => Ok(Some(direct(site))),
        "nginx" => nginx::start(site).await.map(Some),
        "sqlite" | "postgres" => place(name, site).map(Place::start).transpose(),
        _ => bail!("no subject is called {name:?}; expected one of {}", NAMES.join(", ")),
    }
}

/// What Turnpike is started on under this name. None for another name, and, with the reason on standard error, when this run
/// has no place for it.
pub fn place(name: &str, site: &Site<'_>) -> Option<Place> {
    match name {
        "sqlite" => Some(Place::on_sqlite(site)),
        "postgres" => Place::on_postgres(site),
        _ => None,
    }
}

/// The upstream itself.
fn direct(site: &Site<'_>) -> Subject {
    Subject {
        name: "direct",
        addr: site.upstream,
        upstream: site.upstream,
        headers: String::new(),
        processes: Processes { own: vec![site.upstream_process], ..Processes::default() },
        store: None,
        running: Vec::new(),
        place: None,
    }
}

impl Subject {
    /// Has it end with the subject, before what was given earlier.
    fn keep_process(&mut self, process: Process) {
        self.processes.own.push(process.id());
        self.running.insert(0, process);
    }

    /// What Turnpike runs on.
    ///
    /// # Errors
    /// For any other subject.
    pub fn place(&self) -> anyhow::Result<&Place> {
        self.place.as_ref().with_context(|| format!("{} is not Turnpike", self.name))
    }

    /// Where the logs of its calls arrive.
    ///
    /// # Errors
    /// When it keeps none.
    pub fn store(&self) -> anyhow::Result<&Store> {
        self.store.as_ref().with_context(|| format!("{} keeps no logs", self.name))
    }

    /// Ends its processes as an operator does, and leaves what Turnpike ran on.
    ///
    /// # Errors
    /// For any other subject.
    pub fn stop(self) -> anyhow::Result<Place> {
        let Self { name, running, place, .. } = self;
        drop(running);
        place.with_context(|| format!("{name} is not Turnpike"))
    }

    /// The same by SIGKILL.
    ///
    /// # Errors
    /// For any other subject.
    pub fn kill(mut self) -> anyhow::Result<Place> {
        for process in &mut self.running {
            process.kill()?;
        }
        self.stop()
    }
}

impl Store {
    fn new(addr: SocketAddr, key: String) -> Self {
        Self { addr, key, made: Cell::new(0) }
    }

    /// How many calls it was told of.
    pub fn made(&self) -> u64 {
        self.made.get()
    }

    /// To be told of every call.
    pub fn expect(&self, calls: u64) {
        self.made.set(self.made.get() + calls);
    }

    /// Calls of which nothing is known in the store yet.
    ///
    /// # Errors
    /// When the API does not tell.
    pub async fn missing(&self) -> anyhow::Result<u64> {
        let counted = self.count(&mut Connection::open(self.addr).await?).await?;
        Ok(self.made().saturating_sub(counted.all()))
    }

    /// Waits until all of them are logs in the store.
    ///
    /// # Errors
    /// As [`accounted`](Self::accounted), and when a call has no log.
    pub async fn settled(&self) -> anyhow::Result<()> {
        let counted = self.accounted().await?;
        // A log that is not kept must not pass for one that is.
        if counted.used < counted.all() {
            bail!("not every call was logged: {counted:?}");
        }
        Ok(())
    }

    /// Waits until it is known what became of every call.
    ///
    /// # Errors
    /// When nothing is heard of any for a minute, or of more than were made.
    pub async fn accounted(&self) -> anyhow::Result<Counted> {
        let mut connection = Connection::open(self.addr).await?;
        let mut counted = self.count(&mut connection).await?;
        let mut waited = Duration::ZERO;
        while counted.all() < self.made() {
            tokio::time::sleep(ASK_EVERY).await;
            let before = counted.all();
            counted = self.count(&mut connection).await?;
            waited = if counted.all() > before { Duration::ZERO } else { waited + ASK_EVERY };
            if waited > PATIENCE {
                bail!("logs do not arrive in the store: of {} calls it knows {counted:?}", self.made());
            }
        }
        if counted.all() > self.made() {
            bail!("more logs than calls: {counted:?} of {}", self.made());
        }
        Ok(counted)
    }

    async fn count(&self, connection: &mut Connection) -> anyhow::Result<Counted> {
        let Self { addr, key, .. } = self;
        let request = format!("GET /v1/usage HTTP/1.1\r\nhost: {addr}\r\nx-portkey-api-key: {key}\r\n\r\n");
        connection.call(request.as_bytes()).await.context("the API does not tell how many logs there are")?;
        serde_json::from_slice(connection.body()).context("the API does not tell how many logs there are")
    }
}

impl Counted {
    fn all(self) -> u64 {
        self.used + self.dropped + self.unrecorded
    }
}
