#![expect(clippy::unwrap_used, reason = "tests")]

use entity::{log, log_export, log_export_part};
use logstore::Filter;
use plans::{Overrides, Plan};
use sea_orm::prelude::*;
use sea_orm::{ActiveValue::Set, IntoActiveModel as _, QueryOrder as _, TransactionTrait as _};
use serde_json::json;

use super::choose;
use crate::testing::{DAY, World};
use crate::{Error, Job, Report, lease, run_now};

/// An export of the logs of `organisation`'s workspace that was just started.
async fn started(
    world: &World,
    organisation: Uuid,
    workspace_id: Uuid,
    change: impl FnOnce(&mut log_export::Model),
) -> Uuid {
    let now_ms = world.parts.clock.now_ms();
    let mut row = log_export::Model {
        id: world.ids.fresh(),
        organisation_id: organisation,
        workspace_id,
        description: None,
        filters: json!({}),
        filter: json!(Filter::default()),
        page_size: 50_000,
        current_page: 0,
        requested_data: json!(["id"]),
        status: "in_progress".to_owned(),
        starts: 1,
        total_records: 0,
        created_by: None,
        user_id: None,
        created_at: now_ms,
        last_updated_at: now_ms,
    };
    change(&mut row);
    let id = row.id;
    log_export::Entity::insert(row.into_active_model()).exec_without_returning(world.db()).await.unwrap();
    id
}

/// How it stands, and the logs that were chosen.
async fn stands(world: &World, export: Uuid) -> (String, Vec<Uuid>) {
    let row = log_export::Entity::find_by_id(export).one(world.db()).await.unwrap().unwrap();
    let parts = log_export_part::Entity::find().filter(log_export_part::Column::ExportId.eq(export));
    let parts = parts.order_by_asc(log_export_part::Column::Position).all(world.db()).await.unwrap();
    let ids: Vec<Uuid> = parts.iter().flat_map(|part| clock::unpack(&part.log_ids)).collect();
    assert_eq!(row.total_records, i64::try_from(ids.len()).unwrap());
    (row.status, ids)
}

/// Logs of now, in the order of their ids, which in one millisecond is any.
async fn logs(world: &World, organisation: Uuid, n: usize) -> Vec<Uuid> {
    let mut ids = world.log(organisation, n).await;
    ids.sort_unstable();
    ids
}

async fn workspace_of(world: &World, log: Uuid) -> Uuid {
    log::Entity::find_by_id(log).one(world.db()).await.unwrap().unwrap().workspace_id
}

#[tokio::test]
async fn an_export_has_its_page_of_its_own_workspaces_logs_the_oldest_first() {
    let world = World::new().await;
    let organisation = world.organisation("developer", Overrides::default()).await;
    let other = world.organisation("developer", Overrides::default()).await;
    let ids = logs(&world, organisation, 8).await;
    world.log(other, 4).await;
    let workspace = workspace_of(&world, ids[0]).await;
    let of = |page_size, current_page| {
        started(&world, organisation, workspace, move |row| {
            (row.page_size, row.current_page) = (page_size, current_page);
        })
    };
    let all = of(50_000, 0).await;
    let pages = [of(4, 0).await, of(4, 1).await, of(4, 2).await, of(6, 1).await];
    let elsewhere = started(&world, organisation, world.ids.fresh(), |_| {}).await;
    let nothing = Filter { models: vec!["nobody's".to_owned()], ..Filter::default() };
    let none = started(&world, organisation, workspace, |row| row.filter = json!(nothing)).await;

    let report = run_now(Job::LogExports, &world.parts).await.unwrap();
    assert_eq!((report.count("log"), report.count("log_export")), (Some(18), Some(7)));
    let success = |ids: &[Uuid]| ("success".to_owned(), ids.to_vec());
    assert_eq!(stands(&world, all).await, success(&ids));
    for (page, ids) in pages.into_iter().zip([&ids[..4], &ids[4..], &[], &ids[6..]]) {
        assert_eq!(stands(&world, page).await, success(ids));
    }
    for nobodys in [elsewhere, none] {
        assert_eq!(stands(&world, nobodys).await, success(&[]));
    }
    assert!(run_now(Job::LogExports, &world.parts).await.unwrap().is_idle());
}

#[tokio::test]
async fn what_is_past_its_retention_is_not_chosen_though_it_is_there() {
    let world = World::new().await;
    let organisation = world.organisation("production", Overrides::default()).await;
    let old = logs(&world, organisation, 2).await;
    world.parts.clock.advance(DAY * 4);
    let new = logs(&world, organisation, 2).await;
    let workspace = workspace_of(&world, old[0]).await;
    let before = started(&world, organisation, workspace, |_| {}).await;
    run_now(Job::LogExports, &world.parts).await.unwrap();
    assert_eq!(stands(&world, before).await.1, [old, new.clone()].concat());

    let row = entity::organisation::ActiveModel {
        id: Set(organisation),
        plan: Set(Plan::Developer.as_str().to_owned()),
        ..Default::default()
    };
    row.update(world.db()).await.unwrap();
    let after = started(&world, organisation, workspace, |_| {}).await;
    run_now(Job::LogExports, &world.parts).await.unwrap();
    assert_eq!(stands(&world, after).await.1, new);
}

#[tokio::test]
async fn a_run_that_was_killed_is_gone_on_with_and_no_log_is_chosen_twice() {
    let world = World::new().await;
    let organisation = world.organisation("developer", Overrides::default()).await;
    let ids = logs(&world, organisation, 8).await;
    let workspace = workspace_of(&world, ids[0]).await;
    let export = started(&world, organisation, workspace, |_| {}).await;
    scratch::refuse(world.db(), "no", "INSERT ON log_export_part", "NEW.position = 1").await;
    let error = run_now(Job::LogExports, &world.parts).await.unwrap_err();
    assert!(matches!(error, Error::Database(_)), "{error}");
    assert_eq!(stands(&world, export).await, ("in_progress".to_owned(), ids[..3].to_vec()));

    scratch::allow(world.db(), "no").await;
    run_now(Job::LogExports, &world.parts).await.unwrap();
    assert_eq!(stands(&world, export).await, ("success".to_owned(), ids));
}

#[tokio::test]
async fn what_cannot_be_chosen_fails_and_keeps_nobody_waiting() {
    let world = World::new().await;
    let organisation = world.organisation("developer", Overrides::default()).await;
    let ids = logs(&world, organisation, 2).await;
    let workspace = workspace_of(&world, ids[0]).await;
    let unknown = json!({"of_a_newer_version": true});
    let bad = started(&world, organisation, workspace, |row| row.filter = unknown).await;
    world.parts.clock.advance(std::time::Duration::from_secs(1));
    let good = started(&world, organisation, workspace, |_| {}).await;
    run_now(Job::LogExports, &world.parts).await.unwrap();
    assert_eq!(stands(&world, bad).await, ("failed".to_owned(), Vec::new()));
    assert_eq!(stands(&world, good).await, ("success".to_owned(), ids));
}

#[tokio::test]
async fn of_one_that_is_stopped_or_started_again_meanwhile_nothing_more_is_written() {
    let world = World::new().await;
    let organisation = world.organisation("developer", Overrides::default()).await;
    let ids = logs(&world, organisation, 2).await;
    let workspace = workspace_of(&world, ids[0]).await;
    lease::register(&world.parts, Job::LogExports).await.unwrap();
    let txn = world.db().begin().await.unwrap();
    let lease = lease::take(&txn, &world.parts, Job::LogExports).await.unwrap().unwrap();
    txn.commit().await.unwrap();
    for meanwhile in [
        log_export::ActiveModel { status: Set("stopped".to_owned()), ..Default::default() },
        log_export::ActiveModel { starts: Set(2), ..Default::default() },
        log_export::ActiveModel { total_records: Set(3), ..Default::default() },
    ] {
        let id = started(&world, organisation, workspace, |_| {}).await;
        let read = log_export::Entity::find_by_id(id).one(world.db()).await.unwrap().unwrap();
        let changed = log_export::ActiveModel { id: Set(id), ..meanwhile }.update(world.db()).await.unwrap();
        let mut report = Report::default();
        choose(&world.parts, &lease, read, &mut report).await.unwrap();
        assert_eq!(log_export::Entity::find_by_id(id).one(world.db()).await.unwrap(), Some(changed));
        assert_eq!(log_export_part::Entity::find().count(world.db()).await.unwrap(), 0);
        assert!(report.is_idle(), "{report}");
    }
}

#[tokio::test]
async fn an_export_ends_after_thirty_days_and_its_parts_with_it() {
    let world = World::new().await;
    let organisation = world.organisation("enterprise", Overrides::default()).await;
    let ids = logs(&world, organisation, 2).await;
    let workspace = workspace_of(&world, ids[0]).await;
    let old = started(&world, organisation, workspace, |_| {}).await;
    run_now(Job::LogExports, &world.parts).await.unwrap();
    world.parts.clock.advance(DAY * 29);
    let new = started(&world, organisation, workspace, |_| {}).await;
    run_now(Job::LogExports, &world.parts).await.unwrap();
    run_now(Job::Retention, &world.parts).await.unwrap();
    assert_eq!(stands(&world, old).await.1, ids);

    world.parts.clock.advance(DAY * 2);
    run_now(Job::Retention, &world.parts).await.unwrap();
    let left = log_export::Entity::find().all(world.db()).await.unwrap();
    assert_eq!(left.iter().map(|row| row.id).collect::<Vec<_>>(), [new]);
    assert_eq!(log_export_part::Entity::find().count(world.db()).await.unwrap(), 1);
    assert_eq!(stands(&world, new).await.1, ids);
}
