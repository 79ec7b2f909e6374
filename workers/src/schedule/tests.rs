#![expect(clippy::unwrap_used, reason = "tests")]

use plans::Overrides;
use sea_orm::ConnectionTrait as _;

use super::*;
use crate::testing::{DAY, START_MS, World};

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn the_next_run_is_the_next_time_of_the_expression() {
    // cron expression, milliseconds after midnight of a Monday, the next run after it
    for (cron, at, next) in [
        ("0 * * * * *", 0, Some(60_000)),
        ("0 * * * * *", 59_999, Some(60_000)),
        ("30 5 * * * *", 0, Some(330_000)),
        ("0 0 4 * * *", 4 * 3_600_000, Some(28 * 3_600_000)),
        ("0 0 0 1 1 * 2020", 0, None),
    ] {
        let cron = cron::Schedule::from_str(cron).unwrap();
        let entry = Entry { job: Job::Retention, cron, settled_ms: None };
        let planned = entry.next_after(START_MS + at);
        assert_eq!(planned.map(|next| next - START_MS), next, "{} at {at}", entry.cron);
    }
}

#[test]
fn the_run_that_is_due_is_the_last_time_of_the_expression() {
    for (cron, at, last) in [
        ("0 * * * * *", 0, Some(0)),
        ("0 * * * * *", 59_999, Some(0)),
        ("0 * * * * *", 60_000, Some(60_000)),
        ("30 5 * * * *", 0, Some(-3_600_000 + 330_000)),
        ("30 5 * * * *", 330_500, Some(330_000)),
        ("0 0 4 * * *", 3_600_000, Some(-20 * 3_600_000)),
        ("0 0 0 1 1 * 2099", 0, None),
    ] {
        let cron = cron::Schedule::from_str(cron).unwrap();
        let entry = Entry { job: Job::Retention, cron, settled_ms: None };
        let due = entry.last_until(START_MS + at);
        assert_eq!(due.map(|last| last - START_MS), last, "{} at {at}", entry.cron);
    }
}

#[test]
fn a_malformed_expression_is_named() {
    let settings = JobsSettings { retention_cron: "often".to_owned(), ..JobsSettings::default() };
    let error = Schedule::new(&settings).unwrap_err();
    assert_eq!(error.to_string(), "\"often\" is no schedule for the retention job");
}

/// Runs the scheduler beside `until`, for as long as that takes.
async fn beside<T>(world: &World, until: impl Future<Output = T>) -> T {
    let stop = CancellationToken::new();
    let schedule = Schedule::new(&world.parts.settings).unwrap();
    let running = tokio::spawn(super::run(schedule, world.parts.clone(), stop.clone()));
    let outcome = tokio::time::timeout(PATIENCE, until).await;
    stop.cancel();
    tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap();
    outcome.unwrap()
}

#[tokio::test]
async fn a_clock_that_is_moved_past_a_time_makes_the_job_run() {
    let mut world = World::new().await;
    "0 0 4 * * *".clone_into(&mut world.parts.settings.retention_cron);
    let organisation = world.organisation("developer", Overrides::default()).await;
    world.log(organisation, 2).await;
    beside(&world, async {
        // Let the scheduler plan from before the move.
        tokio::task::yield_now().await;
        world.parts.clock.advance(DAY * 4);
        while world.kept(organisation).await != [0; 3] {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_job_that_failed_is_tried_again_at_its_next_time() {
    let mut world = World::new().await;
    "* * * * * *".clone_into(&mut world.parts.settings.retention_cron);
    let organisation = world.organisation("developer", Overrides::default()).await;
    world.log(organisation, 2).await;
    world.parts.clock.advance(DAY * 4);
    world.db().execute_unprepared("ALTER TABLE log RENAME TO away").await.unwrap();
    assert!(run::run_now(Job::Retention, &world.parts).await.is_err());
    beside(&world, async {
        // A second and more of runs that fail.
        let failing = world.parts.clock.now_ms() + 1_500;
        while world.parts.clock.now_ms() < failing {
            tokio::task::yield_now().await;
        }
        world.db().execute_unprepared("ALTER TABLE away RENAME TO log").await.unwrap();
        while world.kept(organisation).await != [0; 3] {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_missed_run_is_caught_up_once_and_only_the_latest() {
    let mut world = World::new().await;
    "0 0 4 * * *".clone_into(&mut world.parts.settings.retention_cron);
    let ran = async |n: usize| {
        beside(&world, async {
            while world.runs().await.iter().filter(|run| run.ended_at.is_some()).count() < n {
                tokio::task::yield_now().await;
            }
        })
        .await;
    };
    // A first start has missed nothing, and does what comes due from then on.
    beside(&world, async {
        tokio::task::yield_now().await;
        world.parts.clock.advance(DAY);
        while world.runs().await.iter().all(|run| run.ended_at.is_none()) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(world.runs().await.len(), 1);

    // Three days without a worker are one run, whoever starts then and however often.
    world.parts.clock.advance(DAY * 3);
    for _ in 0..3 {
        ran(2).await;
        let begun = run::begin(&world.another(), Job::Retention, START_MS + 76 * 3_600_000).await.unwrap();
        assert!(matches!(begun, Begun::Ended));
    }
    let scheduled: Vec<i64> = world.runs().await.iter().map(|run| run.scheduled_at - START_MS).collect();
    assert_eq!(scheduled, [4 * 3_600_000, 76 * 3_600_000]);
}

#[tokio::test]
async fn a_stopped_worker_gives_its_job_back_at_once() {
    let world = World::new().await;
    lease::register(&world.parts, Job::Retention).await.unwrap();
    let Begun::Ours(ours) = run::begin(&world.parts, Job::Retention, START_MS).await.unwrap() else {
        unreachable!("nobody else is there")
    };
    let stop = CancellationToken::new();
    stop.cancel();
    // Either end of the race is right: the run is done, or the next worker may have it.
    let done = ours.carry_out(&world.parts, &stop).await;
    match run::begin(&world.another(), Job::Retention, START_MS).await.unwrap() {
        Begun::Ours(_) => assert!(!done),
        Begun::Ended => assert!(done),
        Begun::Held => unreachable!("a worker that has stopped holds its job"),
    }
}
