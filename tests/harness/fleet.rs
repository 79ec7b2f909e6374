//! Several gateways, each in a process of its own, on one database and one Redis.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use redis_server::RedisServer;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};
use serde_json::Value;
use tempfile::TempDir;

use super::load::{Addrs, Ask, Heard, ask};
use super::moved::{AHEAD_MS, Plane};
use super::{Binary, Chance, LINES, MASTER_KEY, Process, Proxy, number, until};

/// The servers, by number. Each has a data folder of its own.
pub struct Fleet {
    dir: TempDir,
    env: HashMap<String, String>,
    members: Vec<Option<Process>>,
    /// What each member is.
    binaries: Vec<Binary>,
    /// How far their clocks are ahead; none where they have the machine's.
    ahead: Option<Duration>,
    /// Where those listen that run, for callers who go on while servers come and go.
    pub addrs: Addrs,
}

/// An organisation, from outside.
#[derive(Clone)]
pub struct Tenant {
    pub id: String,
    pub key: String,
}

impl Fleet {
    /// `size` servers, with these settings besides.
    pub fn start(size: usize, redis: &RedisServer, env: &[(&str, &str)]) -> Self {
        let mut fleet = Self::new(redis, env);
        fleet.grow(size);
        fleet
    }

    /// The same with no servers so far: its database is there, and its settings can be changed.
    pub fn new(redis: &RedisServer, env: &[(&str, &str)]) -> Self {
        Self::new_in(TempDir::new().unwrap(), redis, env)
    }

    /// The same on a database that is there already.
    pub fn on(database_url: &str, redis: &RedisServer, env: &[(&str, &str)]) -> Self {
        let dir = TempDir::new().unwrap();
        scratch::remember(dir.path(), database_url);
        Self::new_in(dir, redis, env)
    }

    fn new_in(dir: TempDir, redis: &RedisServer, env: &[(&str, &str)]) -> Self {
        // Also where the commands without a data folder of their own look.
        let database = Process::database_url(dir.path());
        let (redis, key) = (redis.url(), MASTER_KEY.to_owned());
        let mut all: HashMap<String, String> = [
            ("TURNPIKE_DATABASE_URL", database),
            ("TURNPIKE_REDIS_URL", redis),
            ("TURNPIKE_MASTER_KEY", key),
            ("TURNPIKE_SHIPPER__LINGER_MS", "1".to_owned()),
            // A busy machine is no outage: what the ledger has missed it lacks until the next batch, which may not come.
            ("TURNPIKE_REDIS__TIMEOUT_MS", "500".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        all.extend(env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let fleet = Self {
            dir,
            env: all,
            members: Vec::new(),
            binaries: Vec::new(),
            ahead: None,
            addrs: Addrs::default(),
        };
        std::fs::create_dir_all(fleet.dir.path().join("data")).unwrap();
        assert!(Process::run(fleet.dir.path(), &[], &["migrate"]).status.success());
        fleet
    }

    /// Changes a setting of the servers and commands to come.
    pub fn set(&mut self, name: &str, value: &str) {
        self.env.insert(name.to_owned(), value.to_owned());
    }

    /// The servers and commands to come reach PostgreSQL through a connection that can be cut.
    pub async fn behind_proxy(&mut self) -> Proxy {
        let mut url = reqwest::Url::parse(&self.env["TURNPIKE_DATABASE_URL"]).unwrap();
        let proxy = Proxy::to(format!("{}:{}", url.host_str().unwrap(), url.port().unwrap())).await;
        url.set_port(Some(proxy.addr.port())).unwrap();
        self.set("TURNPIKE_DATABASE_URL", url.as_str());
        proxy
    }

    /// Starts as many more.
    pub fn grow(&mut self, more: usize) {
        let binary = if self.ahead.is_some() { Binary::Moved(Plane::Gateway) } else { Binary::Gateway };
        self.grow_by(binary, more);
    }

    /// Starts as many more of another kind: those are not among [`Self::addrs`].
    pub fn grow_by(&mut self, binary: Binary, more: usize) {
        for _ in 0..more {
            self.binaries.push(binary);
            self.members.push(Some(self.serve(self.members.len())));
        }
        self.note_addrs();
    }

    /// Moves the clock of all, and of those to come, so far ahead of the machine's.
    pub fn move_ahead(&mut self, ahead: Duration) {
        let ms = ahead.as_millis().to_string();
        self.members.iter().flatten().for_each(|member| member.tell(&ms));
        self.set(AHEAD_MS, &ms);
        self.ahead = Some(ahead);
    }

    /// Its data folder.
    pub fn folder(&self, member: usize) -> PathBuf {
        self.dir.path().join(format!("member-{member}"))
    }

    fn serve(&self, member: usize) -> Process {
        let folder = self.folder(member).display().to_string();
        let mut env = self.env();
        env.push(("TURNPIKE_DATA_DIR", &folder));
        Process::start(self.binaries[member], self.dir.path(), &env, &[])
    }

    fn env(&self) -> Vec<(&str, &str)> {
        self.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// A new organisation.
    pub fn org(&self, plan: &str) -> Tenant {
        let email = format!("{plan}@example.com");
        let args = ["org", "create", "--name", "Acme", "--plan", plan, "--owner-email", &email];
        let made = Process::cli(self.dir.path(), &args);
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Tenant { id: text("organisation_id"), key: text("api_key") }
    }

    /// Where those listen that run.
    pub fn addrs(&self) -> Vec<SocketAddr> {
        self.gateways().into_iter().map(|member| self.process(member).addr).collect()
    }

    fn note_addrs(&self) {
        self.addrs.set(self.addrs());
    }

    /// The gateways that run.
    fn gateways(&self) -> Vec<usize> {
        let is_gateway = |member: &usize| {
            let binary = self.binaries[*member];
            self.members[*member].is_some()
                && matches!(binary, Binary::Gateway | Binary::Moved(Plane::Gateway))
        };
        (0..self.members.len()).filter(is_gateway).collect()
    }

    /// One of the gateways that run.
    pub fn any(&self, chance: &mut Chance) -> usize {
        let running = self.gateways();
        running[chance.below(running.len())]
    }

    pub fn process(&self, member: usize) -> &Process {
        self.members[member].as_ref().unwrap()
    }

    /// The one that was started last.
    pub fn last(&self) -> &Process {
        self.process(self.members.len() - 1)
    }

    /// No last words.
    pub fn kill(&mut self, member: usize) {
        self.members[member].take().unwrap().kill();
        self.note_addrs();
    }

    /// SIGTERM, and how it ended. Callers are sent elsewhere before, as those behind a load balancer are.
    pub async fn terminate(&mut self, member: usize) -> ExitStatus {
        self.addrs.set(self.addrs().into_iter().filter(|addr| *addr != self.process(member).addr).collect());
        self.process(member).ask_to_stop();
        self.ended(member).await
    }

    /// Waits for the end of one that was asked to stop, and gives how it ended.
    pub async fn ended(&mut self, member: usize) -> ExitStatus {
        let process = self.members[member].take().unwrap();
        self.note_addrs();
        tokio::task::spawn_blocking(|| process.ended()).await.unwrap()
    }

    /// Starts one that has ended, on its folder.
    pub fn restart(&mut self, member: usize) {
        self.members[member] = Some(self.serve(member));
        self.note_addrs();
    }

    /// Lets the gateways stop, which ships what they have, and starts them again.
    pub fn restart_gateways(&mut self) {
        for member in self.gateways() {
            assert!(self.members[member].take().unwrap().terminate().success());
            self.restart(member);
        }
    }

    /// The one number that a query gives.
    pub async fn number(&self, sql: &str) -> i64 {
        let db = self.database().await;
        let number = number(&db, sql).await;
        db.close().await.unwrap();
        number
    }

    /// A command with the settings of the servers, however it ends.
    pub fn run(&self, args: &[&str]) -> Output {
        Process::run(self.dir.path(), &self.env(), args)
    }

    pub async fn database(&self) -> DatabaseConnection {
        Process::database(self.dir.path()).await
    }

    /// Ships what one that was killed left.
    pub fn drain(&self, member: usize) -> Value {
        let spool = self.folder(member).join("spool");
        let output = self.run(&["spool", "drain", spool.to_str().unwrap()]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Calls each server until it knows from Redis that the month stands at `quota`; gives how many calls that took.
    pub async fn settle(&self, tenant: &Tenant, quota: &str) -> usize {
        let http = reqwest::Client::new();
        let calls = AtomicUsize::new(0);
        for addr in self.addrs() {
            until(&format!("{addr} knows where the month stands"), || async {
                let heard = ask(&http, addr, &tenant.key, &Ask::Echo("hi".to_owned())).await;
                calls.fetch_add(1, Ordering::SeqCst);
                let Heard::Whole { quota: known, .. } = heard else { panic!("{addr} is gone") };
                (known.as_deref() == Some(quota)).then_some(())
            })
            .await;
        }
        calls.into_inner()
    }

    /// Waits until so many calls of the organisation are in the database, logged or counted.
    pub async fn caught_up(&self, tenant: &Tenant, calls: usize) {
        let wanted = i64::try_from(calls).unwrap();
        until(&format!("{calls} calls are in the database"), || async {
            (self.counts(tenant).await.iter().sum::<i64>() >= wanted).then_some(())
        })
        .await;
    }

    /// What `/readyz` says of a part.
    pub async fn check(&self, member: usize, part: &str) -> Value {
        let url = format!("http://{}/readyz", self.process(member).addr);
        let said: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        said["checks"][part].clone()
    }

    /// Stops all; what is in their spools is shipped then.
    pub fn stop(&mut self) {
        for member in self.members.iter_mut().filter_map(Option::take) {
            assert!(member.terminate().success());
        }
        self.note_addrs();
    }

    /// What the gateways said was wrong, those that have ended too.
    pub fn complaints(&self) -> String {
        let lines = std::fs::read_to_string(self.dir.path().join(LINES)).unwrap();
        let is_wrong = |line: &&str| ["WARN", "ERROR", "panicked"].iter().any(|word| line.contains(word));
        let wrong = lines.lines().filter(is_wrong);
        wrong.collect::<Vec<_>>().join("\n")
    }

    /// `turnpike reconcile` finds that all agrees; its summary.
    pub fn reconcile(&self) -> Value {
        Process::reconcile(self.dir.path(), &self.env())
    }

    /// Logs, dropped and unrecorded calls of the organisation, as the database has them.
    pub async fn counts(&self, tenant: &Tenant) -> [i64; 3] {
        let db = self.database().await;
        let is = match db.get_database_backend() {
            sea_orm::DbBackend::Postgres => format!("organisation_id = '{}'", tenant.id),
            _ => format!("hex(organisation_id) = upper('{}')", tenant.id.replace('-', "")),
        };
        let mut counts = [0; 3];
        for (count, sql) in counts.iter_mut().zip([
            format!("SELECT count(*) FROM log WHERE {is}"),
            format!("SELECT CAST(coalesce(sum(dropped), 0) AS bigint) FROM usage WHERE {is}"),
            format!("SELECT CAST(coalesce(sum(unrecorded), 0) AS bigint) FROM usage WHERE {is}"),
        ]) {
            let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
            *count = row.unwrap().try_get_by_index(0).unwrap();
        }
        db.close().await.unwrap();
        counts
    }

    /// The ids of all logs, in their order.
    pub async fn logs(&self) -> Vec<String> {
        let db = self.database().await;
        let sql = "SELECT id FROM log ORDER BY id";
        let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
        let ids = rows.iter().map(|row| row.try_get_by_index::<uuid::Uuid>(0).unwrap().to_string()).collect();
        db.close().await.unwrap();
        ids
    }
}
