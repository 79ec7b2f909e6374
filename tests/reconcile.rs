//! `turnpike reconcile`: it agrees with what servers left, and finds whatever is made wrong by hand.

use redis_server::RedisServer;
use sea_orm::{ConnectionTrait as _, DatabaseConnection};
use serde_json::Value;

use crate::harness::{Fleet, Tenant, load};

const CALLS: usize = 6;

/// A database on which a server has recorded some calls, and that server is gone.
struct Books {
    fleet: Fleet,
    redis: RedisServer,
    tenant: Tenant,
    db: DatabaseConnection,
}

impl Books {
    async fn kept(plan: &str) -> Self {
        let redis = RedisServer::start();
        let mut fleet = Fleet::start(1, &redis, &[]);
        let tenant = fleet.org(plan);
        load(&fleet.addrs(), &tenant, CALLS).1.await;
        fleet.stop();
        let db = fleet.database().await;
        Self { fleet, redis, tenant, db }
    }

    async fn execute(&self, sql: &str) {
        self.db.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The kinds of differences, each once found and of our organisation, with the exit code that goes with them.
    fn found(&self) -> Vec<String> {
        let output = self.fleet.run(&["reconcile", "--json"]);
        let lines: Vec<Value> = output
            .stdout
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect();
        let (summary, differences) = lines.split_last().unwrap_or_else(|| panic!("{output:?}"));
        assert_eq!(summary["differences"], differences.len(), "{output:?}");
        assert_eq!(output.status.code(), Some(i32::from(!differences.is_empty())), "{output:?}");
        for line in differences {
            assert_eq!(line["organisation_id"], self.tenant.id, "{line}");
        }
        differences.iter().map(|line| line["difference"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn what_is_made_wrong_in_the_database_is_found_and_named() {
    let books = Books::kept("enterprise").await;
    assert_eq!(books.found(), [""; 0]);
    let one = "(SELECT id FROM log ORDER BY id LIMIT 1)";
    let (lose_content, lose_log) =
        (format!("DELETE FROM log_payload WHERE id = {one}"), format!("DELETE FROM log WHERE id = {one}"));
    let claim = format!(
        "INSERT INTO log_external_id (organisation_id, external_id, log_id)
         SELECT organisation_id, 'mine', id FROM log WHERE id = {one}"
    );
    let past =
        "INSERT INTO usage SELECT organisation_id, 202001 AS month, used, dropped, unrecorded, expired,
                overage_blocks, updated_at FROM usage";
    // Each goes on from where the one before has left it.
    for (wrong, found) in [
        ("UPDATE usage SET used = used + 1", &["fewer_logs", "hours", "ledger"][..]),
        ("UPDATE usage SET used = used - 2", &["more_logs", "hours", "ledger"]),
        ("UPDATE usage SET used = used + 1", &[]),
        ("UPDATE usage SET overage_blocks = 1", &["blocks"]),
        ("UPDATE usage SET overage_blocks = 0", &[]),
        ("UPDATE usage_hourly SET logs = logs + 1", &["hours"]),
        ("UPDATE usage_hourly SET logs = logs - 1", &[]),
        (past, &["fewer_logs", "hours"]),
        ("DELETE FROM usage WHERE month = 202001", &[]),
        (&claim, &[]),
        (&lose_content, &["logs_without_content"]),
        // With the log that it was missing from.
        (&lose_log, &["fewer_logs", "claims"]),
        ("UPDATE usage SET dropped = 1", &["fewer_logs"]),
        (&lose_log, &["fewer_logs", "content_without_logs"]),
        ("DELETE FROM usage", &["no_usage", "claims", "hours", "ledger", "content_without_logs"]),
    ] {
        books.execute(wrong).await;
        assert_eq!(books.found(), found, "{wrong}");
    }
}

#[tokio::test]
async fn a_month_that_retention_reaches_into_may_have_fewer_logs_and_never_more() {
    let books = Books::kept("developer").await;
    let past =
        "INSERT INTO usage SELECT organisation_id, 202001 AS month, 50 AS used, dropped, unrecorded, expired,
                overage_blocks, updated_at FROM usage";
    books.execute(past).await;
    assert_eq!(books.found(), [""; 0]);
    let output = books.fleet.run(&["reconcile"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("Past retention at least in part, so that fewer logs may be there: 2 of the months, with logs 6 of 56."), "{said}");
    books.execute("UPDATE usage SET used = 1 WHERE month <> 202001").await;
    assert_eq!(books.found(), ["more_logs", "hours", "ledger"]);
}

#[tokio::test]
async fn a_ledger_that_differs_is_found_and_one_that_knows_nothing_or_explains_it_is_right() {
    let books = Books::kept("enterprise").await;
    let keys = books.redis.command(&format!("KEYS turnpike:{{{}}}:logs:??????", books.tenant.id));
    let counter = keys.lines().find(|line| line.starts_with("turnpike:")).unwrap().to_owned();
    for row in [CALLS - 1, CALLS + 1] {
        let answer = books.redis.command(&format!("HSET {counter} row {row}"));
        assert!(answer.starts_with(":0"), "{answer}");
        assert_eq!(books.found(), ["ledger"], "{row}");
        let output = books.fleet.run(&["reconcile"]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains(&format!("the ledger in Redis has {row} logs")), "{said}");
    }
    assert!(books.redis.command("FLUSHALL").starts_with("+OK"));
    assert_eq!(books.found(), [""; 0]);
    assert_eq!(books.fleet.reconcile()["ledger_unknown"], 1);
}
