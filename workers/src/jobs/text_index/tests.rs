#![expect(clippy::unwrap_used, reason = "tests")]

use entity::{log, log_payload, log_text, text_outbox};
use logstore::{Content, Packer};
use plans::{Overrides, Plan};
use sea_orm::Statement;
use sea_orm::prelude::*;

use crate::testing::{DAY, World};
use crate::{Job, run_now};

fn packed(question: &str) -> Vec<u8> {
    let side = |body: String| Content { body: body.into(), ..Content::default() };
    let request = side(serde_json::json!({"messages": [{"content": question}]}).to_string());
    let response = side(serde_json::json!({"choices": [{"message": {"content": "An answer"}}]}).to_string());
    Packer::new().unwrap().pack(&request, &response).unwrap()
}

/// Logs of now that ask this.
async fn log(world: &World, organisation: Uuid, n: usize, question: &str) -> Vec<Uuid> {
    let ids = world.log(organisation, n).await;
    let content = packed(question);
    log_payload::Entity::update_many()
        .col_expr(log_payload::Column::Content, Expr::value(content))
        .filter(log_payload::Column::Id.is_in(ids.iter().copied()))
        .exec(world.db())
        .await
        .unwrap();
    ids
}

async fn index(world: &World) -> Option<u64> {
    run_now(Job::TextIndex, &world.parts).await.unwrap().count("log_text")
}

/// Logs in the outbox's rows, logs with words, and those that a word is found in.
async fn state(world: &World, asked: &str) -> [u64; 3] {
    let db = world.db();
    let rows = text_outbox::Entity::find().all(db).await.unwrap();
    let waiting = rows.iter().map(|row| u64::try_from(row.n).unwrap()).sum();
    let sql = if scratch::on_postgres() {
        format!("SELECT count(*) AS n FROM log_text WHERE words @@ '{asked}'::tsquery")
    } else {
        format!("SELECT count(*) AS n FROM log_text_fts WHERE log_text_fts MATCH '\"{asked}\"'")
    };
    let found = Statement::from_string(db.get_database_backend(), sql);
    let found: i64 = db.query_one_raw(found).await.unwrap().unwrap().try_get("", "n").unwrap();
    [waiting, log_text::Entity::find().count(db).await.unwrap(), found.unsigned_abs()]
}

#[tokio::test]
async fn all_that_waits_is_written_once_however_often_it_is_told() {
    let world = World::new().await;
    let organisation = world.organisation("developer", Overrides::default()).await;
    let other = world.organisation("enterprise", Overrides::default()).await;
    log(&world, organisation, 600, "One question").await;
    log(&world, other, 3, "One more").await;
    assert_eq!(state(&world, "one").await, [603, 0, 0]);
    let waiting = text_outbox::Entity::find().all(world.db()).await.unwrap();
    assert_eq!(index(&world).await, Some(603));
    assert_eq!(state(&world, "one").await, [0, 603, 603]);
    assert_eq!(state(&world, "question").await, [0, 603, 600]);
    assert_eq!(index(&world).await, Some(0));

    // As after a worker that wrote the words, if it could without ending their row.
    text_outbox::Entity::insert_many(waiting.into_iter().map(sea_orm::IntoActiveModel::into_active_model))
        .exec_without_returning(world.db())
        .await
        .unwrap();
    assert_eq!(index(&world).await, Some(0));
    assert_eq!(state(&world, "one").await, [0, 603, 603]);
}

#[tokio::test]
async fn a_transaction_that_does_not_end_writes_nothing_and_another_does_all_of_it() {
    let world = World::new().await;
    let organisation = world.organisation("developer", Overrides::default()).await;
    log(&world, organisation, 3, "One question").await;
    scratch::refuse(world.db(), "no", "INSERT ON log_text", "TRUE").await;
    run_now(Job::TextIndex, &world.parts).await.unwrap_err();
    assert_eq!(state(&world, "one").await, [3, 0, 0]);
    scratch::allow(world.db(), "no").await;
    assert_eq!(index(&world).await, Some(3));
    assert_eq!(state(&world, "one").await, [0, 3, 3]);
}

#[tokio::test]
async fn what_cannot_be_read_what_says_nothing_and_what_is_gone_hold_nobody_up() {
    let world = World::new().await;
    let organisation = world.organisation("enterprise", Overrides::default()).await;
    // Not what a packer makes.
    world.log(organisation, 1).await;
    log(&world, organisation, 1, "One question").await;
    let gone = log(&world, organisation, 1, "One more").await;
    for (table, column) in [("log", "id"), ("log_payload", "id")] {
        let is = if scratch::on_postgres() {
            format!("'{}'", gone[0])
        } else {
            format!("x'{}'", gone[0].simple())
        };
        world.db().execute_unprepared(&format!("DELETE FROM {table} WHERE {column} = {is}")).await.unwrap();
    }
    assert_eq!(index(&world).await, Some(1));
    assert_eq!(state(&world, "one").await, [0, 1, 1]);
}

#[tokio::test]
async fn a_log_without_content_waits_for_nothing_and_where_it_is_not_wanted_nothing_is_written() {
    let mut world = World::new().await;
    let organisation = world.organisation("enterprise", Overrides::default()).await;
    world.without_content(organisation).await;
    assert_eq!(state(&world, "one").await, [0, 0, 0]);
    log(&world, organisation, 2, "One question").await;
    world.parts.text_index = false;
    assert_eq!(index(&world).await, Some(0));
    assert_eq!(state(&world, "one").await, [0, 0, 0]);
}

#[tokio::test]
async fn words_go_with_their_log() {
    let world = World::new().await;
    let developer = world.organisation("developer", Overrides::default()).await;
    let upgraded = world.organisation("developer", Overrides::default()).await;
    // In a class that is too long by now: what is deleted in chunks on PostgreSQL too.
    let downgraded = world.organisation("production", Overrides::default()).await;
    for organisation in [developer, upgraded, downgraded] {
        log(&world, organisation, 15, "One question").await;
    }
    assert_eq!(index(&world).await, Some(45));
    world.change_plan(upgraded, Plan::Production).await;
    world.change_plan(downgraded, Plan::Developer).await;
    world.parts.clock.advance(DAY * 5);
    run_now(Job::Retention, &world.parts).await.unwrap();
    assert_eq!(state(&world, "one").await, [0, 15, 15]);
    let left = log_text::Entity::find().all(world.db()).await.unwrap();
    assert!(left.iter().all(|row| row.organisation_id == upgraded));
    if scratch::on_postgres() {
        let sql = "SELECT count(*) AS n FROM log_text JOIN log USING (id, created_at, retention_class)";
        let row = Statement::from_string(world.db().get_database_backend(), sql);
        let together: i64 = world.db().query_one_raw(row).await.unwrap().unwrap().try_get("", "n").unwrap();
        assert_eq!(together, 15);
    }

    world.parts.clock.advance(DAY * 27);
    run_now(Job::Retention, &world.parts).await.unwrap();
    assert_eq!(state(&world, "one").await, [0, 0, 0]);
    assert_eq!(log::Entity::find().count(world.db()).await.unwrap(), 0);
}
