#![expect(clippy::unwrap_used, reason = "tests")]

use entity::usage_hourly;
use plans::Overrides;
use sea_orm::{IntoActiveModel, PaginatorTrait};

use super::*;
use crate::testing::{DAY, World};

const MINUTE: Duration = Duration::from_mins(1);

async fn run(parts: &crate::Parts) -> Result<crate::Report, crate::Error> {
    crate::run_now(Job::Retention, parts).await
}

#[tokio::test]
async fn each_organisation_keeps_what_its_own_plan_shows_and_no_more() {
    let world = World::new().await;
    let developer = world.organisation("developer", Overrides::default()).await;
    let production = world.organisation("production", Overrides::default()).await;
    let enterprise = world.organisation("enterprise", Overrides::default()).await;
    let week = Overrides { log_retention_days: Some(7), ..Overrides::default() };
    let contract = world.organisation("enterprise", week).await;
    let all = [developer, production, enterprise, contract];
    for organisation in all {
        world.log(organisation, 4).await;
    }
    world.parts.clock.advance(DAY);
    for organisation in all {
        world.log(organisation, 3).await;
    }

    // PostgreSQL drops a day when all of it is past its retention: these logs are of a day's first seconds.
    let later = u64::from(scratch::on_postgres());
    let left =
        |days: u64, after: u64| if days < after { 4 } else { 0 } + if days < after + 1 { 3 } else { 0 };
    let (mut logs, mut log_days) = (0, 0);
    for days in [1, 3, 4, 5, 7, 8, 9, 30, 31, 32] {
        let at = crate::testing::START_MS + i64::try_from(days).unwrap() * 86_400_000 + 60_000;
        let by = u64::try_from(at - world.parts.clock.now_ms()).unwrap();
        world.parts.clock.advance(Duration::from_millis(by));
        let report = run(&world.parts).await.unwrap();
        logs += report.count("log").unwrap_or(0);
        log_days += report.count("log_days").unwrap_or(0);
        for (organisation, shown) in all.into_iter().zip([3, 30, u64::MAX / 2, 7]) {
            let (kept, claims) = (left(days, shown + later), left(days, shown));
            assert_eq!(world.kept(organisation).await, [kept, kept, claims], "day {days}, of {shown}");
        }
    }
    // All of three organisations: by two days of three classes, whatever is in them, or log by log.
    assert_eq!((logs, log_days), if scratch::on_postgres() { (0, 6) } else { (21, 0) });
}

#[tokio::test]
async fn a_log_is_kept_up_to_the_last_moment_at_which_it_is_shown() {
    let world = World::new().await;
    let organisation = world.organisation("developer", Overrides::default()).await;
    let before = world.parts.clock.now_ms();
    world.log(organisation, 1).await;
    world.parts.clock.advance(DAY * 2 + MINUTE * (24 * 60 - 1));
    assert!(world.parts.clock.now_ms() - before < 3 * 86_400_000);
    assert!(crate::run_now(Job::Retention, &world.parts).await.unwrap().is_idle());
    world.parts.clock.advance(MINUTE * 2);
    let report = run(&world.parts).await.unwrap();
    if scratch::on_postgres() {
        assert_eq!(world.kept(organisation).await, [1, 1, 0], "its day is not over");
        world.parts.clock.advance(DAY);
        assert_eq!(run(&world.parts).await.unwrap().count("log_days"), Some(1));
    } else {
        assert_eq!(report.count("log"), Some(1));
    }
    assert_eq!(world.kept(organisation).await, [0; 3]);
}

#[tokio::test]
async fn more_than_a_chunk_is_deleted_in_one_run_and_nothing_more_in_the_next() {
    let world = World::new().await;
    // In a class that is too long by now: what is deleted in chunks on PostgreSQL too.
    let organisation = world.organisation("production", Overrides::default()).await;
    world.log(organisation, 35).await;
    world.change_plan(organisation, plans::Plan::Developer).await;
    world.parts.clock.advance(DAY * 3 + MINUTE);
    let fresh = world.log(organisation, 5).await;

    // What the job is made of takes no more than it is told.
    let cutoff_ms = world.parts.clock.now_ms() - 3 * 86_400_000;
    let kept = Kept { cutoff_ms: Some(cutoff_ms), class: 3 };
    let first = logstore::retention::delete_expired(world.db(), organisation, kept, 10).await.unwrap();
    assert_eq!((first, world.kept(organisation).await), (10, [30, 30, 40]));
    let first = logstore::retention::delete_expired_claims(world.db(), organisation, cutoff_ms, 10);
    assert_eq!((first.await.unwrap(), world.kept(organisation).await), (10, [30, 30, 30]));

    let report = crate::run_now(Job::Retention, &world.parts).await.unwrap();
    assert_eq!((report.count("log"), report.count("log_external_id")), (Some(25), Some(25)));
    assert_eq!(world.kept(organisation).await, [5; 3]);
    assert!(crate::run_now(Job::Retention, &world.parts).await.unwrap().is_idle());
    let left = entity::log::Entity::find().all(world.db()).await.unwrap();
    assert!(left.iter().all(|log| fresh.contains(&log.id)));
}

#[tokio::test]
async fn terms_that_cannot_be_read_keep_everything_and_hold_up_no_other_organisation() {
    let world = World::new().await;
    let broken = world.organisation("gold", Overrides::default()).await;
    let developer = world.organisation("developer", Overrides::default()).await;
    for organisation in [broken, developer] {
        world.log(organisation, 2).await;
    }
    world.parts.clock.advance(DAY * 40);
    let report = run(&world.parts).await.unwrap();
    let gone = (report.count("log"), report.count("log_days"));
    assert_eq!(gone, if scratch::on_postgres() { (Some(0), Some(1)) } else { (Some(2), Some(0)) });
    assert_eq!((world.kept(broken).await, world.kept(developer).await), ([2; 3], [0; 3]));
}

#[tokio::test]
async fn marks_and_counts_go_by_their_own_age() {
    let world = World::new().await;
    let organisation = world.organisation("enterprise", Overrides::default()).await;
    world.log(organisation, 1).await;
    let rows = async || {
        let marks = spool_mark::Entity::find().count(world.db()).await.unwrap();
        (marks, usage::Entity::find().count(world.db()).await.unwrap())
    };
    world.parts.clock.advance(DAY * 399);
    assert!(crate::run_now(Job::Retention, &world.parts).await.unwrap().is_idle());
    assert_eq!(rows().await, (1, 1));

    world.parts.clock.advance(DAY * 2);
    assert_eq!(crate::run_now(Job::Retention, &world.parts).await.unwrap().count("spool_mark"), Some(1));
    assert_eq!(rows().await, (0, 1));

    world.parts.clock.advance(DAY * 366 * 8);
    assert_eq!(crate::run_now(Job::Retention, &world.parts).await.unwrap().count("usage"), Some(1));
    assert_eq!(rows().await, (0, 0));
    assert_eq!(world.kept(organisation).await, [1; 3], "an enterprise's logs have no age");
}

#[tokio::test]
async fn statistics_and_feedback_outlive_the_logs_and_go_by_the_plan_too() {
    let world = World::new().await;
    let developer = world.organisation("developer", Overrides::default()).await;
    let enterprise = world.organisation("enterprise", Overrides::default()).await;
    for organisation_id in [developer, enterprise] {
        world.log(organisation_id, 1).await;
        let now_ms = world.parts.clock.now_ms();
        let row = feedback::Model {
            id: world.ids.fresh(),
            organisation_id,
            workspace_id: organisation_id,
            trace_id: "t".to_owned(),
            value: 1,
            weight: 1.0,
            metadata: None,
            created_at: now_ms,
            last_updated_at: now_ms,
        };
        row.into_active_model().insert(world.db()).await.unwrap();
    }
    let rows = async || {
        let hours = usage_hourly::Entity::find().count(world.db()).await.unwrap();
        (hours, feedback::Entity::find().count(world.db()).await.unwrap())
    };
    for (days, left) in [(29, 2), (2, 1), (4_000, 1)] {
        world.parts.clock.advance(DAY * days);
        run(&world.parts).await.unwrap();
        assert_eq!(rows().await, (left, left));
    }
}

#[tokio::test]
async fn sessions_go_a_quarter_after_their_end_and_what_else_sign_ins_leave_after_a_day() {
    let world = World::new().await;
    let now_ms = world.parts.clock.now_ms();
    let id = world.ids.fresh();
    let session = session::Model {
        id,
        user_id: id,
        organisation_id: id,
        family_hash: vec![1; 32],
        refresh_hash: vec![2; 32],
        created_at: now_ms,
        last_used_at: now_ms,
        expires_at: now_ms + 30 * 86_400_000,
        revoked_at: Some(now_ms),
        user_agent: None,
        address: None,
    };
    session::Entity::insert(session.into_active_model()).exec_without_returning(world.db()).await.unwrap();
    let key = signing_key::Model {
        kid: "k".to_owned(),
        public_key: vec![1; 32],
        private_key: vec![2],
        created_at: now_ms,
        retires_at: now_ms + 30 * 86_400_000,
    };
    signing_key::Entity::insert(key.into_active_model()).exec_without_returning(world.db()).await.unwrap();
    let attempt = sign_in_attempt::Model { account: vec![1; 32], failures: 5, next_at: now_ms + 1000 };
    let attempt = sign_in_attempt::Entity::insert(attempt.into_active_model());
    attempt.exec_without_returning(world.db()).await.unwrap();

    // days since the start, and what goes then
    for (days, [sessions, keys, attempts]) in
        [(0, [0; 3]), (1, [0, 0, 1]), (30, [0; 3]), (31, [0, 1, 0]), (119, [0; 3]), (120, [1, 0, 0])]
    {
        let at = crate::testing::START_MS + days * 86_400_000 + 60_000;
        let by = u64::try_from(at - world.parts.clock.now_ms()).unwrap();
        world.parts.clock.advance(Duration::from_millis(by));
        let report = crate::run_now(Job::Retention, &world.parts).await.unwrap();
        let gone = ["session", "signing_key", "sign_in_attempt"].map(|table| report.count(table));
        assert_eq!(gone, [sessions, keys, attempts].map(Some), "day {days}");
    }
}

#[tokio::test]
async fn a_longer_plan_keeps_what_was_logged_under_a_shorter_one() {
    let world = World::new().await;
    let upgraded = world.organisation("developer", Overrides::default()).await;
    let developer = world.organisation("developer", Overrides::default()).await;
    for organisation in [upgraded, developer] {
        world.log(organisation, 3).await;
    }
    world.change_plan(upgraded, plans::Plan::Production).await;
    world.parts.clock.advance(DAY * 5);
    run(&world.parts).await.unwrap();
    assert_eq!((world.kept(upgraded).await, world.kept(developer).await), ([3; 3], [0; 3]));
    assert!(run(&world.parts).await.unwrap().is_idle());

    world.parts.clock.advance(DAY * 24);
    assert!(run(&world.parts).await.unwrap().is_idle(), "thirty days are not over");
    assert_eq!(world.kept(upgraded).await, [3; 3]);
    world.parts.clock.advance(DAY * 3);
    run(&world.parts).await.unwrap();
    assert_eq!(world.kept(upgraded).await, [0; 3]);
}

#[tokio::test]
async fn what_a_log_of_an_upgraded_organisation_holds_moves_with_it_and_an_old_one_does_not() {
    let world = World::new().await;
    let organisation = world.organisation("developer", Overrides::default()).await;
    let ids = world.log(organisation, 2).await;
    world.parts.clock.advance(DAY * 2);
    let young = world.log(organisation, 1).await;
    // Five days are shown, and six after the first logs only the young one is.
    let five = Overrides { log_retention_days: Some(5), ..Overrides::default() };
    let new = tenancy::organisation::NewPlan { overrides: Some(five), ..plans::Plan::Developer.into() };
    tenancy::organisation::set_plan(world.db(), &world.ids, organisation, new, world.parts.clock.now_ms())
        .await
        .unwrap();
    world.parts.clock.advance(DAY * 4 + MINUTE);
    run(&world.parts).await.unwrap();
    let logs = entity::log::Entity::find().all(world.db()).await.unwrap();
    let contents = entity::log_payload::Entity::find().all(world.db()).await.unwrap();
    assert_eq!(logs.iter().map(|log| log.id).collect::<Vec<_>>(), young);
    assert!(!ids.contains(&contents[0].id));
    let class = if scratch::on_postgres() { 5 } else { 3 };
    let of = |at: i64| (young[0], class, at);
    assert_eq!((logs[0].id, logs[0].retention_class, logs[0].created_at), of(logs[0].created_at));
    let content = &contents[0];
    assert_eq!((content.id, content.retention_class, content.created_at), of(logs[0].created_at));
    assert_eq!((contents.len(), &content.content), (1, &vec![1]));
}

#[tokio::test]
async fn runs_are_kept_for_thirty_days_and_the_newest_for_ever() {
    let world = World::new().await;
    let run = async || crate::run_now(Job::Retention, &world.parts).await.unwrap().count("job_run");
    assert_eq!(run().await, Some(0));
    world.parts.clock.advance(DAY * 29);
    assert_eq!(run().await, Some(0));
    world.parts.clock.advance(DAY * 2);
    assert_eq!((run().await, world.runs().await.len()), (Some(1), 2));
    // The run that deletes is the newest itself.
    world.parts.clock.advance(DAY * 400);
    assert_eq!((run().await, world.runs().await.len()), (Some(2), 1));
}
