#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use plans::Overrides;

use super::*;
use crate::Report;
use crate::run::{Begun, Run, begin};
use crate::testing::{DAY, START_MS, World};

/// Begins the run of `at_ms`, which must be free.
async fn ours(parts: &Parts, at_ms: i64) -> Run {
    match begin(parts, Job::Retention, at_ms).await.unwrap() {
        Begun::Ours(run) => run,
        Begun::Held => unreachable!("the job is held"),
        Begun::Ended => unreachable!("the run has ended"),
    }
}

async fn world() -> World {
    let world = World::new().await;
    register(&world.parts, Job::Retention).await.unwrap();
    world
}

#[tokio::test]
async fn of_many_workers_one_makes_the_run() {
    let world = world().await;
    let barrier = Arc::new(tokio::sync::Barrier::new(16));
    let racing: Vec<_> = (0..16)
        .map(|_| {
            let (parts, barrier) = (world.another(), Arc::clone(&barrier));
            tokio::spawn(async move {
                barrier.wait().await;
                begin(&parts, Job::Retention, START_MS).await.unwrap()
            })
        })
        .collect();
    let (mut began, mut held) = (Vec::new(), 0);
    for racer in racing {
        match racer.await.unwrap() {
            Begun::Ours(run) => began.push(run),
            Begun::Held => held += 1,
            Begun::Ended => unreachable!("nobody ended it"),
        }
    }
    assert_eq!((began.len(), held), (1, 15));
    began[0].end(&world.parts, &Ok(Report::default())).await.unwrap();
    let again = begin(&world.another(), Job::Retention, START_MS).await.unwrap();
    assert!(matches!(again, Begun::Ended));
    let runs = world.runs().await;
    assert_eq!((runs.len(), runs[0].fencing, runs[0].outcome.as_deref()), (1, 1, Some("done")));
}

#[tokio::test]
async fn a_killed_leader_is_replaced_when_its_lease_expires() {
    let world = world().await;
    let (killed, standby) = (world.another(), world.another());
    let run = ours(&killed, START_MS).await;
    // It is gone without a word.
    drop(run);
    let early = world.parts.settings.lease.checked_sub(Duration::from_secs(10)).unwrap();
    standby.clock.advance(early);
    assert!(matches!(begin(&standby, Job::Retention, START_MS).await.unwrap(), Begun::Held));
    standby.clock.advance(Duration::from_secs(10));
    let run = ours(&standby, START_MS).await;
    run.end(&standby, &Ok(Report::default())).await.unwrap();
    let runs = world.runs().await;
    assert_eq!((runs.len(), runs[0].holder, runs[0].fencing), (1, standby.holder, 2));
    assert!(runs[0].ended_at.is_some());
}

#[tokio::test]
async fn a_later_run_closes_what_a_killed_leader_left() {
    let world = world().await;
    drop(ours(&world.another(), START_MS).await);
    let standby = world.another();
    standby.clock.advance(DAY);
    let run = ours(&standby, START_MS + 86_400_000).await;
    run.end(&standby, &Ok(Report::default())).await.unwrap();
    let outcomes: Vec<_> = world.runs().await.into_iter().map(|run| run.outcome.unwrap()).collect();
    assert_eq!(outcomes, ["abandoned", "done"]);
}

#[tokio::test]
async fn a_paused_leader_that_was_replaced_writes_nothing_more() {
    let world = world().await;
    let organisation = world.organisation("developer", Overrides::default()).await;
    world.log(organisation, 2).await;
    let (paused, standby) = (world.another(), world.another());
    paused.clock.advance(DAY * 4);
    standby.clock.advance(DAY * 4 + world.parts.settings.lease);
    let late = ours(&paused, START_MS).await;
    let run = ours(&standby, START_MS).await;

    // All that it could write: a transaction of its own, the job as a whole, a renewal, the end of the run.
    let replaced = |error: &Error| matches!(error, Error::Replaced { job: "retention" });
    assert!(replaced(&late.lease.begin().await.err().unwrap()));
    assert!(replaced(&Job::Retention.run(&paused, &late.lease).await.unwrap_err()));
    assert!(replaced(&late.lease.release().await.unwrap_err()));
    assert!(replaced(&late.end(&paused, &Ok(Report::default())).await.unwrap_err()));
    assert_eq!(world.kept(organisation).await, [2; 3]);
    assert!(world.runs().await[0].ended_at.is_none());

    // The one in its place goes on.
    let report = Job::Retention.run(&standby, &run.lease).await.unwrap();
    // PostgreSQL drops their day, whatever is in it.
    let (what, n) = if scratch::on_postgres() { ("log_days", 1) } else { ("log", 2) };
    assert_eq!(report.count(what), Some(n));
    run.end(&standby, &Ok(report)).await.unwrap();
    assert_eq!(world.runs().await[0].counts.as_ref().unwrap()[what], n);
}

#[tokio::test]
async fn a_lease_is_renewed_by_what_the_run_writes_and_beside_it() {
    let mut world = world().await;
    world.parts.settings.lease = Duration::from_mins(1);
    let standby = world.another();
    let run = ours(&world.parts, START_MS).await;
    world.parts.clock.advance(Duration::from_secs(50));
    run.lease.begin().await.unwrap().commit().await.unwrap();
    standby.clock.advance(Duration::from_secs(100));
    assert!(matches!(begin(&standby, Job::Retention, START_MS).await.unwrap(), Begun::Held));

    let mut brief = world.another();
    brief.settings.lease = Duration::from_millis(30);
    run.end(&world.parts, &Ok(Report::default())).await.unwrap();
    let run = ours(&brief, START_MS + 60_000).await;
    let expires = async || Entity::find_by_id("retention").one(world.db()).await.unwrap().unwrap().expires_at;
    let first = expires().await;
    let kept = async {
        while expires().await == first {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        lost = run.lease.keep() => unreachable!("{lost}"),
        () = kept => {}
    }
}
