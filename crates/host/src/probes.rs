//! `GET /healthz`: the process serves HTTP. `GET /readyz`: whether it should be sent requests, and the state of all it
//! stands on.
//!
//! What a process can do without makes it no less ready: a gateway answers known keys while the database is away, and
//! counts without Redis. To take it out of service then would make an outage of a part one of the whole.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use clock::Clock;
use quota::Ledger;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr, Statement};
use serde::Serialize;
use settings::WhenSpoolFull;
use spool::{Level, Spool};
use tokio::sync::Mutex;
use utoipa::ToSchema;

use crate::Base;

/// What does not answer within this is away.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// How long a finding is told again, so that who asks often asks nobody else.
const TOLD_FOR: Duration = Duration::from_millis(500);

/// A month, and a day of retention, must begin at the same time everywhere: clocks may differ by this.
const CLOCKS_DIFFER_MS: i64 = 2_000;

/// Mounts both probes.
pub(crate) fn configure(config: &mut ServiceConfig, readiness: Arc<Readiness>) {
    config
        .app_data(web::Data::from(readiness))
        .route("/healthz", web::get().to(healthz))
        .route("/readyz", web::get().to(readyz));
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Alive {
    /// Always `ok`.
    status: &'static str,
}

/// Whether the process serves HTTP.
#[utoipa::path(get, path = "/healthz", tag = "process", responses((status = 200, description = "It does.", body = Alive)))]
pub(crate) async fn healthz() -> web::Json<Alive> {
    web::Json(Alive { status: "ok" })
}

/// Whether the process should be sent requests, and the state of all it stands on.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "process",
    responses((status = 200, description = "It should.", body = Said), (status = 503, description = "It should not.", body = Said))
)]
pub(crate) async fn readyz(readiness: web::Data<Readiness>) -> HttpResponse {
    let findings = readiness.look().await;
    let status = if findings.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    HttpResponse::build(status)
        .json(Said { status: if findings.ready { "ready" } else { "not ready" }, checks: findings.checks })
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Said {
    /// `ready` or `not ready`.
    status: &'static str,
    #[schema(value_type = BTreeMap<String, String>)]
    checks: BTreeMap<&'static str, String>,
}

/// What was found of each part.
#[derive(Clone)]
struct Findings {
    ready: bool,
    checks: BTreeMap<&'static str, String>,
}

/// Whether this process should be sent requests.
pub(crate) struct Readiness {
    db: DatabaseConnection,
    clock: Clock,
    database_needed: bool,
    spool: Option<Spool>,
    /// None: it is in this process.
    redis: Option<Arc<dyn Ledger>>,
    refuses_when_full: bool,
    stopping: AtomicBool,
    last: Mutex<Option<(Instant, Findings)>>,
}

impl Readiness {
    pub(crate) fn of(base: &Base) -> Self {
        Self {
            db: base.db.clone(),
            clock: base.clock.clone(),
            database_needed: false,
            spool: None,
            redis: None,
            refuses_when_full: base.settings.gateway.when_spool_full == WhenSpoolFull::Refuse,
            stopping: AtomicBool::new(false),
            last: Mutex::new(None),
        }
    }

    pub(crate) fn needing_database(self) -> Self {
        Self { database_needed: true, ..self }
    }

    /// `redis`: the ledger, where it is not in this process.
    pub(crate) fn taking_in(self, spool: Spool, redis: Option<Arc<dyn Ledger>>) -> Self {
        Self { spool: Some(spool), redis, ..self }
    }

    /// From now on it is not ready.
    pub(crate) fn stopping(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    async fn look(&self) -> Findings {
        let mut last = self.last.lock().await;
        let mut findings = match &*last {
            Some((at, findings)) if at.elapsed() < TOLD_FOR => findings.clone(),
            _ => {
                let findings = self.find().await;
                *last = Some((Instant::now(), findings.clone()));
                findings
            }
        };
        if self.stopping.load(Ordering::Relaxed) {
            findings.ready = false;
            findings.checks.insert("process", "stopping".to_owned());
        }
        findings
    }

    async fn find(&self) -> Findings {
        let mut findings = Findings { ready: true, checks: BTreeMap::new() };
        let (time_ms, redis) = tokio::join!(in_time(database_time(&self.db)), self.ask_redis());
        match time_ms {
            Some(Ok(time_ms)) => {
                findings.note("database", true, "ok");
                self.compare_clocks(time_ms, &mut findings);
            }
            Some(Err(_)) => findings.note("database", !self.database_needed, "fails"),
            None => findings.note("database", !self.database_needed, "does not answer"),
        }
        if let Some(answers) = redis {
            findings.note("redis", true, if answers { "ok" } else { "does not answer" });
        }
        if let Some(spool) = &self.spool {
            match spool.level() {
                Level::Normal => findings.note("spool", true, "ok"),
                Level::Shed => findings.note("spool", true, "nearly full: contents are not kept"),
                Level::Full => findings.note("spool", !self.refuses_when_full, "full"),
            }
        }
        findings
    }

    async fn ask_redis(&self) -> Option<bool> {
        let redis = self.redis.as_ref()?;
        Some(matches!(in_time(redis.ping()).await, Some(Ok(()))))
    }

    /// `time_ms` is the database's; none: it is on this machine.
    fn compare_clocks(&self, time_ms: Option<i64>, findings: &mut Findings) {
        let Some(time_ms) = time_ms else { return };
        let off_ms = self.clock.now_ms().saturating_sub(time_ms);
        if off_ms.abs() <= CLOCKS_DIFFER_MS {
            findings.note("clock", true, "ok");
        } else {
            findings.note("clock", false, &format!("{off_ms} ms off the database's"));
        }
    }
}

impl Findings {
    fn note(&mut self, check: &'static str, ready: bool, found: &str) {
        self.ready &= ready;
        self.checks.insert(check, found.to_owned());
    }
}

async fn in_time<T>(asking: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(ANSWERS_WITHIN, asking).await.ok()
}

/// The time in Unix milliseconds at a database server; none where the database is a file.
async fn database_time(db: &DatabaseConnection) -> Result<Option<i64>, DbErr> {
    let backend = db.get_database_backend();
    if backend != DbBackend::Postgres {
        db.query_one_raw(Statement::from_string(backend, "SELECT 1")).await?;
        return Ok(None);
    }
    let sql = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) AS ms";
    let row = db.query_one_raw(Statement::from_string(backend, sql)).await?;
    row.map(|row| row.try_get("", "ms")).transpose()
}
