//! A database with organisations and logs, for the tests of jobs.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use clock::{Clock, Ids};
use entity::{log, organisation};
use logstore::append::Rules;
use logstore::exports::Exports;
use logstore::spending::Limited;
use logstore::{Appended, Batch, Entry};
use plans::{Overrides, Plan};
use sea_orm::prelude::*;
use sea_orm::{DatabaseConnection, IntoActiveModel, PaginatorTrait, QueryOrder};
use settings::JobsSettings;
use tempfile::TempDir;

use crate::Parts;

/// 2026-11-23T00:00:00Z.
pub const START_MS: i64 = 1_795_392_000_000;

pub const DAY: Duration = Duration::from_hours(24);

pub struct World {
    pub parts: Parts,
    pub ids: Ids,
    _folder: TempDir,
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = scratch::database(folder.path()).await;
        let clock = Clock::starting_at(START_MS);
        let ids = Ids::new(clock.clone());
        let parts = Parts {
            holder: ids.fresh(),
            clock,
            db,
            settings: JobsSettings { retention_chunk: 10, ..JobsSettings::default() },
            plan_overrides: tenancy::PlanOverrides::new(),
            metrics: telemetry::Metrics::default(),
            ids: ids.clone(),
            vault: vault::Vault::new(vault::MasterKey::generate().unwrap()),
            reach: egress::Reach::Loopback,
            smtp: settings::SmtpSettings::default(),
            payments: settings::PaymentsSettings::default(),
            text_index: true,
            redis_url: None,
        };
        Self { parts, ids, _folder: folder }
    }

    /// Another worker on the same database, with a clock of the same time that is moved by itself.
    pub fn another(&self) -> Parts {
        let clock = Clock::starting_at(self.parts.clock.now_ms());
        Parts { holder: self.ids.fresh(), clock, ..self.parts.clone() }
    }

    /// The runs of the retention job, oldest first.
    pub async fn runs(&self) -> Vec<entity::job_run::Model> {
        use entity::job_run::{Column, Entity};
        let runs = Entity::find().filter(Column::Job.eq(crate::Job::Retention.as_str()));
        runs.order_by_asc(Column::ScheduledAt).all(self.db()).await.unwrap()
    }

    pub fn db(&self) -> &DatabaseConnection {
        &self.parts.db
    }

    pub async fn organisation(&self, plan: &str, overrides: Overrides) -> Uuid {
        let row = organisation::Model {
            overrides: serde_json::to_value(overrides).unwrap(),
            created_at: self.parts.clock.now_ms(),
            ..scratch::organisation(self.ids.fresh(), plan)
        };
        let id = row.id;
        organisation::Entity::insert(row.into_active_model())
            .exec_without_returning(self.db())
            .await
            .unwrap();
        id
    }

    /// Puts an organisation on another plan.
    pub async fn change_plan(&self, organisation: Uuid, plan: Plan) {
        let now_ms = self.parts.clock.now_ms();
        tenancy::organisation::set_plan(self.db(), &self.ids, organisation, plan, now_ms).await.unwrap();
    }

    /// Appends `n` logs of now in the class of the organisation's plan, each with content and a client's own id, the way the shipper does.
    pub async fn log(&self, organisation: Uuid, n: usize) -> Vec<Uuid> {
        let row = organisation::Entity::find_by_id(organisation).one(self.db()).await.unwrap().unwrap();
        // Where terms cannot be read, those of the smallest plan hold.
        let now_ms = self.parts.clock.now_ms();
        let class = tenancy::terms(&row, &self.parts.plan_overrides, now_ms).map(|(_, terms)| terms);
        let class = class.map_or(3, |terms| plans::retention_class(&terms, now_ms));
        let entries: Vec<Entry> = (0..n).map(|_| self.entry(organisation, class)).collect();
        self.append(entries).await
    }

    /// Appends a log of which no content is kept.
    pub async fn without_content(&self, organisation: Uuid) {
        self.append(vec![Entry { payload: None, ..self.entry(organisation, 0) }]).await;
    }

    async fn append(&self, entries: Vec<Entry>) -> Vec<Uuid> {
        let ids = entries.iter().map(|entry| entry.log.id).collect();
        let organisations: Vec<Uuid> = entries.iter().map(|entry| entry.log.organisation_id).collect();
        let batch = Batch { segment: self.ids.fresh(), start: 0, end: 1, entries, late: Vec::new() };
        let unlimited = plans::terms(Plan::Enterprise, &Overrides::default());
        let exports = Exports::load(self.db(), organisations).await.unwrap();
        let rules = Rules {
            terms: &|_| Some(unlimited),
            limited: &Limited::default(),
            exports: &exports,
            searchable: true,
        };
        let appended = logstore::append(self.db(), batch, rules, &self.parts.clock).await.unwrap();
        assert!(matches!(appended, Appended::Now(_)));
        ids
    }

    fn entry(&self, organisation_id: Uuid, retention_class: i16) -> Entry {
        let id = self.ids.log_id();
        let log = log::Model {
            retention_class,
            source: "insert".to_owned(),
            external_id: Some(format!("own-{id}")),
            ..scratch::log(id, organisation_id)
        };
        Entry { log, payload: Some(vec![1]), opinions: Vec::new() }
    }

    /// Rows of an organisation in `log`, `log_payload` and `log_external_id`.
    pub async fn kept(&self, organisation: Uuid) -> [u64; 3] {
        use entity::{log_external_id, log_payload};
        [
            log::Entity::find()
                .filter(log::Column::OrganisationId.eq(organisation))
                .count(self.db())
                .await
                .unwrap(),
            log_payload::Entity::find()
                .filter(log_payload::Column::OrganisationId.eq(organisation))
                .count(self.db())
                .await
                .unwrap(),
            log_external_id::Entity::find()
                .filter(log_external_id::Column::OrganisationId.eq(organisation))
                .count(self.db())
                .await
                .unwrap(),
        ]
    }
}
