#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use alerts::{Alert, Kind, make_secret, seal_secret};
use entity::{alert, alert_delivery, webhook_endpoint};
use sea_orm::prelude::*;
use sea_orm::{ActiveValue::Set, IntoActiveModel, QueryOrder};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::run::{Begun, begin};
use crate::testing::{START_MS, World};
use crate::{Error, Job, Parts, lease, run_now};

/// A world with an organisation, an endpoint of its and an alert; who listens there.
async fn world() -> (World, Uuid, TcpListener) {
    let world = World::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let organisation_id = world.organisation("developer", plans::Overrides::default()).await;
    let id = world.ids.fresh();
    let secret = make_secret(&world.ids).unwrap();
    let row = webhook_endpoint::Model {
        id,
        organisation_id,
        url: format!("http://{}/hook", listener.local_addr().unwrap()),
        events: json!([]),
        secret: seal_secret(&world.parts.vault, &secret, organisation_id, id).unwrap(),
        former_secret: None,
        former_until: None,
        status: "active".to_owned(),
        created_at: START_MS,
        last_updated_at: START_MS,
    };
    let row = row.into_active_model();
    webhook_endpoint::Entity::insert(row).exec_without_returning(world.db()).await.unwrap();
    lease::register(&world.parts, Job::AlertDeliveries).await.unwrap();
    (world, organisation_id, listener)
}

async fn raise(world: &World, organisation_id: Uuid, threshold: i32) {
    let alert = Alert {
        organisation_id,
        kind: Kind::Block,
        subject: String::new(),
        period: "2026-11".to_owned(),
        threshold,
        data: json!({}),
    };
    let now_ms = world.parts.clock.now_ms();
    assert!(alerts::raise(world.db(), &world.ids, now_ms, alert).await.unwrap());
}

async fn deliveries(world: &World) -> Vec<alert_delivery::Model> {
    let rows = alert_delivery::Entity::find().order_by_asc(alert_delivery::Column::CreatedAt);
    rows.all(world.db()).await.unwrap()
}

/// A request that came, not answered yet.
async fn asked(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"}}") {
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "the request ends early");
    }
    stream
}

async fn answer(mut stream: TcpStream, status: u16) {
    let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
}

#[tokio::test]
async fn an_alert_that_comes_to_be_announced_again_makes_no_second_delivery() {
    let (world, organisation, _listener) = world().await;
    raise(&world, organisation, 1).await;
    let announce = async || {
        let announced = alerts::delivery::announce(world.db(), &world.ids, START_MS, true, 10).await;
        (announced.unwrap(), deliveries(&world).await.len())
    };
    assert_eq!((announce().await, announce().await), ((1, 1), (0, 1)));
    // As if that had not been written down.
    let forgotten = alert::ActiveModel { announced_at: Set(None), ..Default::default() };
    alert::Entity::update_many().set(forgotten).exec(world.db()).await.unwrap();
    assert_eq!(announce().await, (1, 1));
}

#[tokio::test]
async fn a_worker_that_was_paused_for_longer_than_its_lease_writes_nothing_of_what_it_sent() {
    let (world, organisation, listener) = world().await;
    raise(&world, organisation, 1).await;
    let (paused, standby) = (world.another(), world.another());
    let Begun::Ours(run) = begin(&paused, Job::AlertDeliveries, START_MS).await.unwrap() else {
        unreachable!("the job is free")
    };
    let take_over = async {
        let first = asked(&listener).await;
        standby.clock.advance(Duration::from_mins(1));
        let (report, ()) = tokio::join!(send(&standby), async { answer(asked(&listener).await, 500).await });
        assert_eq!((report.count("announced"), report.count("failed")), (Some(0), Some(1)));
        answer(first, 204).await;
    };
    let (outcome, ()) = tokio::join!(super::run(&paused, &run.lease), take_over);
    assert!(matches!(outcome, Err(Error::Replaced { .. })), "{outcome:?}");
    let seen = deliveries(&world).await;
    assert_eq!((seen.len(), seen[0].state.as_str(), seen[0].attempts), (1, "pending", 1));
    assert_eq!(seen[0].last_status, Some(500), "what the other was answered");
}

async fn send(parts: &Parts) -> crate::Report {
    run_now(Job::AlertDeliveries, parts).await.unwrap()
}

#[tokio::test]
async fn of_many_that_go_to_one_that_does_not_take_them_one_is_tried_a_time() {
    let (world, organisation, listener) = world().await;
    for threshold in 1..=5 {
        raise(&world, organisation, threshold).await;
    }
    let (report, ()) = tokio::join!(send(&world.parts), async { answer(asked(&listener).await, 500).await });
    assert_eq!((report.count("announced"), report.count("failed")), (Some(5), Some(1)));
    let seen = deliveries(&world).await;
    assert_eq!(seen.iter().map(|it| it.attempts).sum::<i32>(), 1);
    assert!(seen.iter().all(|it| it.next_attempt_at == seen[0].next_attempt_at), "{seen:?}");
    world.parts.clock.advance(Duration::from_secs(6));
    let taking = async {
        for _ in 0..5 {
            answer(asked(&listener).await, 200).await;
        }
    };
    let (report, ()) = tokio::join!(send(&world.parts), taking);
    assert_eq!((report.count("delivered"), report.count("failed")), (Some(5), Some(0)));
    assert!(deliveries(&world).await.iter().all(|it| it.state == "delivered"));
}
