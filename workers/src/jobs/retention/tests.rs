#![expect(clippy::unwrap_used, reason = "tests")]

use plans::Overrides;
use sea_orm::{IntoActiveModel, PaginatorTrait};

use super::*;
use crate::testing::{DAY, World};

const MINUTE: Duration = Duration::from_mins(1);

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

    let mut report = Report::default();
    // days since the first logs, and what is kept then of 4 and 3 a day later
    for (days, kept) in
        [(1, [7, 7, 7, 7]), (3, [3, 7, 7, 7]), (4, [0, 7, 7, 7]), (7, [0, 7, 7, 3]), (31, [0, 0, 7, 0])]
    {
        let at = crate::testing::START_MS + i64::from(days) * 86_400_000 + 60_000;
        let by = u64::try_from(at - world.parts.clock.now_ms()).unwrap();
        world.parts.clock.advance(Duration::from_millis(by));
        report = run(&world.parts).await.unwrap();
        for (organisation, kept) in all.into_iter().zip(kept) {
            assert_eq!(world.kept(organisation).await, [kept; 3], "day {days}");
        }
    }
    assert_eq!(report.count("log"), Some(7 + 3), "production's all, and the last of the contract's");
}

#[tokio::test]
async fn a_log_is_kept_up_to_the_last_moment_at_which_it_is_shown() {
    let world = World::new().await;
    let organisation = world.organisation("developer", Overrides::default()).await;
    let before = world.parts.clock.now_ms();
    world.log(organisation, 1).await;
    world.parts.clock.advance(DAY * 2 + MINUTE * (24 * 60 - 1));
    assert!(world.parts.clock.now_ms() - before < 3 * 86_400_000);
    assert!(run(&world.parts).await.unwrap().is_idle());
    world.parts.clock.advance(MINUTE * 2);
    assert_eq!(run(&world.parts).await.unwrap().count("log"), Some(1));
}

#[tokio::test]
async fn more_than_a_chunk_is_deleted_in_one_run_and_nothing_more_in_the_next() {
    let world = World::new().await;
    let organisation = world.organisation("developer", Overrides::default()).await;
    world.log(organisation, 35).await;
    world.parts.clock.advance(DAY * 3 + MINUTE);
    let fresh = world.log(organisation, 5).await;

    // What the job is made of takes no more than it is told.
    let cutoff_ms = world.parts.clock.now_ms() - 3 * 86_400_000;
    let first = logstore::retention::delete_expired(world.db(), organisation, cutoff_ms, 10).await.unwrap();
    assert_eq!((first, world.kept(organisation).await), (10, [30, 30, 40]));
    let first = logstore::retention::delete_expired_claims(world.db(), organisation, cutoff_ms, 10);
    assert_eq!((first.await.unwrap(), world.kept(organisation).await), (10, [30, 30, 30]));

    let report = run(&world.parts).await.unwrap();
    assert_eq!((report.count("log"), report.count("log_external_id")), (Some(25), Some(25)));
    assert_eq!(world.kept(organisation).await, [5; 3]);
    assert!(run(&world.parts).await.unwrap().is_idle());
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
    assert_eq!(run(&world.parts).await.unwrap().count("log"), Some(2));
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
    assert!(run(&world.parts).await.unwrap().is_idle());
    assert_eq!(rows().await, (1, 1));

    world.parts.clock.advance(DAY * 2);
    assert_eq!(run(&world.parts).await.unwrap().count("spool_mark"), Some(1));
    assert_eq!(rows().await, (0, 1));

    world.parts.clock.advance(DAY * 366 * 8);
    assert_eq!(run(&world.parts).await.unwrap().count("usage"), Some(1));
    assert_eq!(rows().await, (0, 0));
    assert_eq!(world.kept(organisation).await, [1; 3], "an enterprise's logs have no age");
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
        let report = run(&world.parts).await.unwrap();
        let gone = ["session", "signing_key", "sign_in_attempt"].map(|table| report.count(table));
        assert_eq!(gone, [sessions, keys, attempts].map(Some), "day {days}");
    }
}
