//! Several gateways, each in a process of its own, on one database and one Redis.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use redis_server::RedisServer;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Binary, MASTER_KEY, Process, chat, until};

/// Callers at the same time.
const CALLERS: usize = 16;

/// The servers, by number. Each has a data folder of its own.
pub struct Fleet {
    dir: TempDir,
    env: HashMap<String, String>,
    members: Vec<Option<Process>>,
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
        let dir = TempDir::new().unwrap();
        // Also where the commands without a data folder of their own look.
        let in_folder = || format!("sqlite://{}", dir.path().join("data/turnpike.db").display());
        let database = scratch::postgres_url(dir.path()).unwrap_or_else(in_folder);
        let (redis, key) = (redis.url(), MASTER_KEY.to_owned());
        let mut all: HashMap<String, String> = [
            ("TURNPIKE_DATABASE_URL", database),
            ("TURNPIKE_REDIS_URL", redis),
            ("TURNPIKE_MASTER_KEY", key),
            ("TURNPIKE_SHIPPER__LINGER_MS", "1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        all.extend(env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let fleet = Self { dir, env: all, members: Vec::new() };
        std::fs::create_dir_all(fleet.dir.path().join("data")).unwrap();
        assert!(Process::run(fleet.dir.path(), &[], &["migrate"]).status.success());
        fleet
    }

    /// Changes a setting of the servers and commands to come.
    pub fn set(&mut self, name: &str, value: &str) {
        self.env.insert(name.to_owned(), value.to_owned());
    }

    pub fn database_url(&self) -> &str {
        &self.env["TURNPIKE_DATABASE_URL"]
    }

    /// Starts as many more.
    pub fn grow(&mut self, more: usize) {
        for _ in 0..more {
            self.members.push(Some(self.serve(self.members.len())));
        }
    }

    /// Its data folder.
    fn folder(&self, member: usize) -> PathBuf {
        self.dir.path().join(format!("member-{member}"))
    }

    fn serve(&self, member: usize) -> Process {
        let folder = self.folder(member).display().to_string();
        let mut env = self.env();
        env.push(("TURNPIKE_DATA_DIR", &folder));
        Process::start(Binary::Gateway, self.dir.path(), &env, &[])
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
        self.members.iter().flatten().map(|member| member.addr).collect()
    }

    /// No last words.
    pub fn kill(&mut self, member: usize) {
        self.members[member].take().unwrap().kill();
    }

    /// Starts one that was killed, on its folder.
    pub fn restart(&mut self, member: usize) {
        self.members[member] = Some(self.serve(member));
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
                let answered = call(&http, addr, &tenant.key).await.unwrap();
                calls.fetch_add(1, Ordering::SeqCst);
                (answered.quota.as_deref() == Some(quota)).then_some(())
            })
            .await;
        }
        calls.into_inner()
    }

    /// Stops all; what is in their spools is shipped then.
    pub fn stop(&mut self) {
        for member in self.members.iter_mut().filter_map(Option::take) {
            assert!(member.terminate().success());
        }
    }

    /// `turnpike reconcile` finds that all agrees; its summary.
    pub fn reconcile(&self) -> Value {
        let output = self.run(&["reconcile", "--json"]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&said).unwrap()
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
            format!("SELECT CAST(sum(dropped) AS bigint) FROM usage WHERE {is}"),
            format!("SELECT CAST(sum(unrecorded) AS bigint) FROM usage WHERE {is}"),
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

/// Calls under way: how far they are.
pub struct Progress(watch::Receiver<usize>);

impl Progress {
    /// Waits until so many calls are answered.
    pub async fn reached(&mut self, calls: usize) {
        super::soon(self.0.wait_for(|done| *done >= calls), "calls go on").await.unwrap();
    }
}

/// What came of calls.
#[derive(Default)]
pub struct Answered {
    /// The ids of the logs of those that were answered whole.
    pub ids: Vec<String>,
    /// How many were cut, as their server was killed.
    pub cut: usize,
}

/// Makes calls at the servers in turn, many at the same time, until `calls` of them are answered. They begin at once.
pub fn load(
    addrs: &[SocketAddr],
    tenant: &Tenant,
    calls: usize,
) -> (Progress, impl Future<Output = Answered> + use<>) {
    let (done, progress) = watch::channel(0);
    let work = Arc::new(Work {
        addrs: addrs.to_owned(),
        key: tenant.key.clone(),
        calls,
        next: AtomicUsize::new(0),
        done,
    });
    let callers: JoinSet<Answered> = (0..CALLERS).map(|_| caller(Arc::clone(&work))).collect();
    let all = async {
        callers.join_all().await.into_iter().fold(Answered::default(), |mut all, answered| {
            all.ids.extend(answered.ids);
            all.cut += answered.cut;
            all
        })
    };
    (Progress(progress), all)
}

/// What callers share.
struct Work {
    addrs: Vec<SocketAddr>,
    key: String,
    calls: usize,
    next: AtomicUsize,
    done: watch::Sender<usize>,
}

async fn caller(work: Arc<Work>) -> Answered {
    let http = reqwest::Client::new();
    let mut answered = Answered::default();
    loop {
        let mut turn = work.next.fetch_add(1, Ordering::SeqCst);
        if turn >= work.calls {
            return answered;
        }
        // Where one is gone, another is asked.
        let id = loop {
            match call(&http, work.addrs[turn % work.addrs.len()], &work.key).await {
                Some(Call { id, .. }) => break id,
                None => answered.cut += 1,
            }
            turn += 1;
        };
        answered.ids.push(id);
        work.done.send_modify(|done| *done += 1);
    }
}

struct Call {
    id: String,
    quota: Option<String>,
}

/// None when the server is gone before all of the answer is there.
async fn call(http: &reqwest::Client, addr: SocketAddr, key: &str) -> Option<Call> {
    let request = http.post(format!("http://{addr}/v1/chat/completions")).json(&chat("hi"));
    let request = request.header("x-portkey-api-key", key).header("x-portkey-provider", "echo");
    let response = request.send().await.ok()?;
    assert_eq!(response.status(), 200);
    let id = super::log_id(&response);
    let quota = response.headers().get("x-turnpike-log-quota");
    let quota = quota.map(|quota| quota.to_str().unwrap().to_owned());
    response.bytes().await.ok()?;
    Some(Call { id, quota })
}
