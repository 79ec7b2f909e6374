//! PostgreSQL is away for a minute, crashes and comes back, and has no connection left: calls go on, and all are logged.
//! SQLite has none of this.

use std::time::Duration;

use redis_server::RedisServer;
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection};

use super::{Chaos, size};
use crate::harness::{Ask, Fleet, Postgres, Progress, load_of, until};

const AWAY: Duration = Duration::from_mins(1);

/// How many the role has that is to have none left.
const CONNECTIONS: usize = 40;

/// Makes calls at two gateways while `fail` does what it does, and looks what came of them.
async fn calls_go_on(chaos: &mut Chaos, mut fleet: Fleet, fail: impl AsyncFnOnce(&mut Chaos, &mut Progress)) {
    let tenant = fleet.org("enterprise");
    fleet.grow(2);
    let asks = vec![Ask::Echo("hi".to_owned())];
    let (mut progress, answering) = load_of(&fleet.addrs, &tenant, usize::MAX, asks);
    // Both know who calls.
    progress.more(40 + chaos.chance.below(40)).await;
    fail(&mut *chaos, &mut progress).await;
    progress.more(40).await;
    progress.finish();
    let answered = answering.await;
    assert_eq!((answered.cut, answered.refused), (0, 0));
    chaos.tell(format_args!("{} calls are answered; waiting for their logs", answered.ids.len()));
    fleet.caught_up(&tenant, answered.ids.len()).await;
    fleet.stop();
    let logs = chaos.prove(&fleet, &answered).await;
    assert_eq!(logs, answered.ids.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_go_on_while_postgresql_is_away() {
    if !scratch::on_postgres() {
        return;
    }
    let mut chaos = Chaos::begin("away");
    let redis = RedisServer::start();
    let mut fleet = Fleet::new(&redis, &[]);
    let proxy = fleet.behind_proxy().await;
    calls_go_on(&mut chaos, fleet, async |chaos, progress| {
        proxy.cut();
        chaos.endure(progress, AWAY, 80).await;
        proxy.restore();
        chaos.tell(format_args!("PostgreSQL was away until call {}", progress.more(0).await));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_go_on_while_postgresql_crashes_and_comes_back() {
    if !scratch::on_postgres() {
        return;
    }
    let mut chaos = Chaos::begin("restart");
    let (redis, postgres) = (RedisServer::start(), Postgres::start().await);
    let fleet = Fleet::on(&postgres.url, &redis, &[]);
    calls_go_on(&mut chaos, fleet, async |chaos, progress| {
        for crash in 1..=size(1, 5) {
            let calls = progress.more(chaos.up_to(size(40, 400))).await;
            postgres.crash();
            chaos.tell(format_args!(
                "crash {crash}: PostgreSQL ends at once after {calls} calls, and starts again"
            ));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_go_on_while_postgresql_has_no_connection_left() {
    let Ok(server) = std::env::var(scratch::SERVER) else { return };
    let mut chaos = Chaos::begin("exhausted");
    let redis = RedisServer::start();
    let admin = Database::connect(format!("{server}postgres")).await.unwrap();
    // A limit does not hold for who may everything.
    let role = format!("exhausted_{}", std::process::id());
    for sql in [
        format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT {CONNECTIONS}"),
        format!("CREATE DATABASE {role} OWNER {role} TEMPLATE template0"),
    ] {
        admin.execute_unprepared(&sql).await.unwrap();
    }
    let url = format!("{server}{role}").replace("postgres@", &format!("{role}@"));
    let fleet = Fleet::on(&url, &redis, &[]);
    calls_go_on(&mut chaos, fleet, async |chaos, progress| {
        let held = hold_all(&admin, &role, &url).await;
        let calls = progress.more(0).await;
        chaos.endure(progress, Duration::from_secs(10), 80).await;
        for connection in held {
            connection.close().await.unwrap();
        }
        let later = progress.more(0).await;
        chaos.tell(format_args!(
            "no connection is left after {calls} calls, and all are given back after {later}"
        ));
    })
    .await;
}

/// Takes all connections that the role may have, those of others away from them.
async fn hold_all(admin: &DatabaseConnection, role: &str, url: &str) -> Vec<DatabaseConnection> {
    let mut options = ConnectOptions::new(format!("{url}?application_name=held"));
    options.max_connections(1).acquire_timeout(Duration::from_millis(200)).sqlx_logging(false);
    let mut held = Vec::new();
    let end_others = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}' AND application_name <> 'held'"
    );
    while held.len() < CONNECTIONS {
        admin.execute_unprepared(&end_others).await.unwrap();
        if let Ok(connection) = Database::connect(options.clone()).await {
            held.push(connection);
        }
    }
    until("nobody else has a connection", || async {
        admin.execute_unprepared(&end_others).await.unwrap();
        Database::connect(options.clone()).await.is_err().then_some(())
    })
    .await;
    held
}
