//! The server in this process.

use std::path::Path;
use std::time::Duration;

use clock::Clock;
use host::Running;
use plans::Plan;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use settings::Settings;
use telemetry::Telemetry;
use tempfile::TempDir;

use super::{Org, Process};

/// The instant at which every test begins, in Unix milliseconds: the middle of a month and of a day in UTC.
pub const START_MS: i64 = 1_794_744_000_000; // 2026-11-15T12:00:00Z

/// A server with a folder, a port and a clock of its own; all gone when it is dropped.
pub struct TestApp {
    pub running: Running,
    pub clock: Clock,
    pub http: reqwest::Client,
    dir: TempDir,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// With settings changed by `change`.
    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let dir = TempDir::new().unwrap();
        let mut settings = Self::settings(dir.path());
        change(&mut settings);
        Self::start_in(dir, settings).await
    }

    /// On a folder that may have been used before.
    pub async fn start_in(dir: TempDir, settings: Settings) -> Self {
        Self::start_at(Clock::starting_at(START_MS), dir, settings).await
    }

    /// The same by another clock.
    pub async fn start_at(clock: Clock, dir: TempDir, settings: Settings) -> Self {
        // Kilobytes that would be moved with the future of every test.
        let starting = Box::pin(turnpike::start(settings, clock.clone(), Telemetry::unexported("turnpike")));
        let running = starting.await.unwrap();
        Self { running, clock, http: reqwest::Client::new(), dir }
    }

    /// What a test runs with unless it says otherwise.
    pub fn settings(dir: &Path) -> Settings {
        let mut settings = Settings {
            addr: "127.0.0.1:0".parse().unwrap(),
            data_dir: dir.join("data"),
            database_url: scratch::postgres_url(dir).map(Into::into),
            workers: Some(2),
            ..Settings::default()
        };
        settings.stop_within = Duration::from_secs(5);
        settings.shipper.linger = Duration::from_millis(1);
        settings
    }

    /// A new organisation, with its keys.
    pub async fn org(&self, plan: Plan) -> Org<'_> {
        let new = tenancy::organisation::NewOrganisation {
            name: "Acme".to_owned(),
            plan,
            owner_email: format!("{}@example.com", self.running.ids.fresh().simple()),
        };
        let created = tenancy::organisation::create(&self.running.db, &self.running.ids, &self.clock, new)
            .await
            .unwrap();
        Org::new(self, created)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.addr)
    }

    /// `turnpike reconcile` finds that all agrees, while the server runs; its summary.
    pub fn reconcile(&self) -> serde_json::Value {
        Process::reconcile(self.dir.path(), &[])
    }

    pub fn data_dir(&self) -> std::path::PathBuf {
        self.dir.path().join("data")
    }

    /// The one number that a query gives.
    pub async fn count(&self, sql: &str) -> i64 {
        number(&self.running.db, sql).await
    }

    /// SQL for: the column has this id.
    pub fn is(&self, column: &str, id: uuid::Uuid) -> String {
        match self.running.db.get_database_backend() {
            DbBackend::Postgres => format!("{column} = '{id}'"),
            _ => format!("hex({column}) = upper('{}')", id.simple()),
        }
    }

    pub async fn execute(&self, sql: &str) {
        self.running.db.execute_unprepared(sql).await.unwrap();
    }

    /// Lets the store fail every batch until [`TestApp::mend_store`]; all else goes on.
    pub async fn break_store(&self) {
        scratch::refuse(&self.running.db, "broken", "UPDATE ON spool_mark", "TRUE").await;
    }

    pub async fn mend_store(&self) {
        scratch::allow(&self.running.db, "broken").await;
    }

    /// Stops the server and gives its folder, to start again on.
    pub async fn stop(self) -> TempDir {
        self.running.stop().await;
        self.dir
    }
}

/// The one number that a query gives.
pub async fn number(db: &DatabaseConnection, sql: &str) -> i64 {
    // A sum of whole numbers is a decimal on PostgreSQL.
    let sql = format!("SELECT CAST(({sql}) AS bigint)");
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    row.unwrap().try_get_by_index(0).unwrap()
}
