//! What runs by the clock, and how it went.

use std::str::FromStr as _;

use actix_web::web;
use chrono::DateTime;
use entity::{job_lease, job_run};
use sea_orm::prelude::{Json, Uuid};
use serde::Serialize;
use utoipa::ToSchema;

use super::operator::Operator;
use crate::query::Query;
use crate::{Api, Error, db, instant};

/// Runs told of each job.
const RUNS: u64 = 20;

#[derive(Serialize, ToSchema)]
pub(crate) struct Jobs {
    /// Always `list`.
    object: &'static str,
    data: Vec<Job>,
}

#[derive(Serialize, ToSchema)]
struct Job {
    #[serde(rename = "job")]
    name: String,
    /// A cron expression with seconds, UTC.
    schedule: String,
    /// Null: never.
    #[schema(format = DateTime)]
    next_run_at: Option<String>,
    lease: Lease,
    /// Newest first.
    runs: Vec<Run>,
}

#[derive(Serialize, ToSchema)]
struct Lease {
    /// The process that has the job, or had it last.
    holder: Option<Uuid>,
    fencing: i64,
    /// Null: it was given back.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct Run {
    #[schema(format = DateTime)]
    scheduled_at: String,
    #[schema(format = DateTime)]
    started_at: String,
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// `running`, `interrupted` (whoever takes the lease next goes on with it), `done`, `failed` or `abandoned`.
    outcome: String,
    /// What it did, in numbers.
    #[schema(value_type = Option<std::collections::HashMap<String, Value>>)]
    counts: Option<Json>,
    holder: Uuid,
    fencing: i64,
}

/// Each job that a worker has registered, with its lease and its last runs.
#[utoipa::path(get, path = "/v1/admin/jobs", operation_id = "jobs", responses((status = 200, body = Jobs)))]
pub(crate) async fn list(_: Operator, api: web::Data<Api>, query: Query) -> Result<web::Json<Jobs>, Error> {
    query.none()?;
    let now_ms = api.clock.now_ms();
    let mut data = Vec::new();
    for lease in db::job::leases(&api.db).await? {
        let runs = db::job::runs(&api.db, &lease.job, RUNS).await?;
        data.push(Job::of(lease, runs, now_ms));
    }
    Ok(web::Json(Jobs { object: "list", data }))
}

impl Job {
    fn of(lease: job_lease::Model, runs: Vec<job_run::Model>, now_ms: i64) -> Self {
        Self {
            next_run_at: next(&lease.schedule, now_ms).map(instant::iso),
            runs: runs.into_iter().map(|run| Run::of(run, &lease, now_ms)).collect(),
            name: lease.job,
            schedule: lease.schedule,
            lease: Lease {
                holder: lease.holder,
                fencing: lease.fencing,
                expires_at: (lease.expires_at > 0).then(|| instant::iso(lease.expires_at)),
            },
        }
    }
}

impl Run {
    fn of(run: job_run::Model, lease: &job_lease::Model, now_ms: i64) -> Self {
        let held = lease.fencing == run.fencing && lease.expires_at > now_ms;
        let open = if held { "running" } else { "interrupted" };
        Self {
            scheduled_at: instant::iso(run.scheduled_at),
            started_at: instant::iso(run.started_at),
            ended_at: run.ended_at.map(instant::iso),
            outcome: run.outcome.unwrap_or_else(|| open.to_owned()),
            counts: run.counts,
            holder: run.holder,
            fencing: run.fencing,
        }
    }
}

/// The first time after `now_ms`, in unix milliseconds.
fn next(schedule: &str, now_ms: i64) -> Option<i64> {
    let schedule = cron::Schedule::from_str(schedule).ok()?;
    Some(schedule.after(&DateTime::from_timestamp_millis(now_ms)?).next()?.timestamp_millis())
}
