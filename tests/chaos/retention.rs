//! Workers are killed in the middle of retention: another finishes, and nothing that is to live is gone.

use std::collections::BTreeSet;
use std::time::Duration;

use clock::Clock;
use entity::log;
use plans::Plan;
use sea_orm::{
    ColumnTrait as _, DatabaseConnection, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QuerySelect as _,
};
use tempfile::TempDir;
use tenancy::organisation::set_plan;
use uuid::Uuid;

use super::{Chaos, signed, size};
use crate::harness::{Binary, MASTER_KEY, NEVER, Org, Process, TestApp, chat, until};

const DAY_MS: i64 = 86_400_000;

/// For how many days there were calls.
const DAYS: usize = 40;

/// What the plans keep that delete.
const DEVELOPER_DAYS: i64 = 3;
const PRODUCTION_DAYS: i64 = 30;
const FOR_EVER_DAYS: i64 = 10_000;

/// Days of calls, the last of them half a day ago, of organisations whose logs are kept for so many days; none: for ever.
async fn forty_days() -> (TempDir, Vec<(Uuid, Option<i64>)>) {
    let dir = TempDir::new().unwrap();
    let mut settings = TestApp::settings(dir.path());
    NEVER.clone_into(&mut settings.jobs.retention_cron);
    let begun_ms = Clock::system().now_ms() - signed(DAYS) * DAY_MS + DAY_MS / 2;
    let app = TestApp::start_at(Clock::starting_at(begun_ms), dir, settings).await;
    let orgs = [
        (app.org(Plan::Developer).await, Some(DEVELOPER_DAYS)),
        (app.org(Plan::Production).await, Some(PRODUCTION_DAYS)),
        // Its logs lie where they would be kept for longer.
        (app.org(Plan::Production).await, Some(DEVELOPER_DAYS)),
        (app.org(Plan::Enterprise).await, None),
    ];
    let calls = size(3, 60);
    for day in 1..=DAYS {
        for (org, _) in &orgs {
            for _ in 0..calls {
                call(org).await;
            }
        }
        let made = signed(day * calls * orgs.len());
        until("the day is logged", || async {
            (app.count("SELECT count(*) FROM log").await == made).then_some(())
        })
        .await;
        if day < DAYS {
            app.clock.advance(Duration::from_hours(24));
        }
    }
    let (running, now_ms) = (&app.running, app.clock.now_ms());
    set_plan(&running.db, &running.ids, orgs[2].0.id, Plan::Developer, now_ms).await.unwrap();
    let kept = orgs.iter().map(|(org, days)| (org.id, *days)).collect();
    (app.stop().await, kept)
}

async fn call(org: &Org<'_>) {
    let response = org.echo("/v1/chat/completions").json(&chat("hi")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap();
}

/// The organisation's logs from before so many days ago, or from then on.
async fn ids(db: &DatabaseConnection, org: Uuid, days: i64, before: bool) -> BTreeSet<Uuid> {
    let then = clock::floor(Clock::system().now_ms() - days * DAY_MS);
    let of = if before { log::Column::Id.lt(then) } else { log::Column::Id.gte(then) };
    let rows = log::Entity::find().select_only().column(log::Column::Id);
    let rows = rows.filter(log::Column::OrganisationId.eq(org)).filter(of);
    rows.into_tuple::<Uuid>().all(db).await.unwrap().into_iter().collect()
}

/// All logs that are to live, and how many are to go. A day that is being dropped may take one more to be over.
async fn living_and_doomed(db: &DatabaseConnection, orgs: &[(Uuid, Option<i64>)]) -> (BTreeSet<Uuid>, usize) {
    let (mut living, mut doomed) = (BTreeSet::new(), 0);
    for (org, days) in orgs {
        let days = days.unwrap_or(FOR_EVER_DAYS);
        living.extend(ids(db, *org, days, false).await);
        doomed += ids(db, *org, days + 1, true).await.len();
    }
    (living, doomed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_killed_in_the_middle_of_retention_is_replaced_by_one_that_finishes() {
    let mut chaos = Chaos::begin("retention");
    let (dir, orgs) = forty_days().await;
    let db = Process::database(dir.path()).await;
    let all = log::Entity::find().count(&db).await.unwrap();
    let (living, doomed) = living_and_doomed(&db, &orgs).await;
    chaos.tell(format_args!(
        "{all} logs of {DAYS} days, of which {doomed} are to go and {} to live",
        living.len()
    ));
    let chunk = size(1, 5).to_string();
    let env = [
        ("TURNPIKE_JOBS__RETENTION_CRON", "* * * * * *"),
        ("TURNPIKE_JOBS__RETENTION_CHUNK", chunk.as_str()),
        ("TURNPIKE_JOBS__LEASE_MS", "300"),
        ("TURNPIKE_MASTER_KEY", MASTER_KEY),
    ];
    let start = || Process::start(Binary::Workers, dir.path(), &env, &[]);
    let mut killed = 0;
    for _ in 0..size(1, 5) {
        // Somewhere in what is left.
        let (_, left) = living_and_doomed(&db, &orgs).await;
        let at = left - chaos.up_to(left / 2);
        let worker = start();
        until("it is in the middle", || async {
            (living_and_doomed(&db, &orgs).await.1 <= at).then_some(())
        })
        .await;
        worker.kill();
        let (_, now) = living_and_doomed(&db, &orgs).await;
        killed += usize::from(now > 0);
        chaos.tell(format_args!("a worker is killed with {now} of {left} left to go"));
        if now < 4 {
            break;
        }
    }
    let last = start();
    until("all that is past is gone", || async {
        (living_and_doomed(&db, &orgs).await.1 == 0).then_some(())
    })
    .await;
    assert!(last.terminate().success());
    let (lived, _) = living_and_doomed(&db, &orgs).await;
    db.close().await.unwrap();
    assert_eq!(lived, living);
    let summary = Process::reconcile(dir.path(), &[]);
    chaos.tell(format_args!(
        "over: {killed} workers killed in the middle, {doomed} logs gone, {} live; usage {}, logs {}",
        lived.len(),
        summary["used"],
        summary["logs"]
    ));
    assert!(killed > 0, "no worker was killed in the middle");
}
