//! A month of a Production organisation, moved by the clock, over four gateways and two workers that are killed in between: what is
//! recorded, metered and billed is the same number.

use std::time::Duration;

use clock::Clock;
use plans::Month;
use redis_server::RedisServer;
use serde_json::Value;

use super::{Chaos, signed, size};
use crate::harness::{Ask, Binary, Fleet, Plane, Tenant, load, load_of, until};

const DAY: Duration = Duration::from_hours(24);

/// Logs past the included ones go into this many blocks.
const BLOCKS: i64 = 3;

/// A call that a kill cuts may be a log or not: what is missing at the end is made up for.
const SPARE: usize = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_is_recorded_metered_and_billed_exactly_whatever_is_killed_between() {
    let mut chaos = Chaos::begin("month");
    let (included, logs) = (size(1_000, 100_000), size(3_100, 310_000));
    let mut redis = RedisServer::start();
    let number = included.to_string();
    let mut fleet = Fleet::new(
        &redis,
        &[
            ("TURNPIKE_PLANS__PRODUCTION__INCLUDED_LOGS", &number),
            ("TURNPIKE_PLANS__PRODUCTION__BLOCK_LOGS", &number),
            // Nothing is past its retention, whenever it is looked at.
            ("TURNPIKE_PLANS__PRODUCTION__LOG_RETENTION_DAYS", "30000"),
            ("TURNPIKE_PLANS__PRODUCTION__ANALYTICS_RETENTION_DAYS", "30000"),
        ],
    );
    let tenant = fleet.org("production");
    let now_ms = Clock::system().now_ms();
    let month = Month::of(now_ms).next();
    let between = |from: i64, to: i64| Duration::from_millis((to - from).unsigned_abs());
    let mut ahead = between(now_ms, month.start_ms()) + Duration::from_mins(1);
    fleet.move_ahead(ahead);
    fleet.grow(4);
    fleet.grow_by(Binary::Moved(Plane::Workers), 2);
    let mut workers = [4, 5];

    let days = usize::try_from(between(month.start_ms(), month.end_ms()).as_secs() / DAY.as_secs()).unwrap();
    let most = logs - SPARE;
    let (mut progress, answering) = load_of(&fleet.addrs, &tenant, most, vec![Ask::Echo("hi".to_owned())]);
    progress.let_in(0);
    for day in 1..=days {
        progress.let_in(day * most / days);
        if day % 4 == 0 {
            progress.more(chaos.up_to(most / days)).await;
            strike(&mut chaos, &mut fleet, &mut redis, &mut workers, day);
        }
        progress.reached(day * most / days).await;
        if day < days {
            ahead += DAY;
            fleet.move_ahead(ahead);
        }
    }
    progress.let_in(usize::MAX);
    let answered = answering.await;
    let used = settled(&mut fleet, &tenant).await;
    chaos
        .tell(format_args!("{most} calls are answered, {} cut, {used} logs; now up to {logs}", answered.cut));
    let addrs = fleet.addrs();
    load(&addrs, &tenant, logs - used).1.await;
    assert_eq!(settled(&mut fleet, &tenant).await, logs);
    assert_eq!(fleet.counts(&tenant).await, [signed(logs), 0, 0]);

    // The month ends, and a day later what is owed for it is final.
    ahead +=
        between(month.start_ms() + signed(days - 1) * 86_400_000, month.end_ms()) + Duration::from_hours(1);
    fleet.move_ahead(ahead);
    let invoices = |status: &str| {
        format!("SELECT count(*) FROM invoice WHERE status = '{status}' AND total_cents = 7600")
    };
    until_number(&fleet, &invoices("draft"), 1).await;
    fleet.move_ahead(ahead + DAY);
    until_number(&fleet, &invoices("final"), 1).await;

    let summary = fleet.reconcile();
    // The days before the month, on which it was signed up, have one of their own.
    let finals = fleet.number("SELECT count(*) FROM invoice WHERE status = 'final'").await;
    assert_eq!(summary["invoices"], finals);
    assert_eq!((&summary["used"], &summary["logs"]), (&logs.into(), &logs.into()));
    let blocks = "SELECT count(*) FROM overage_block";
    assert_eq!(fleet.number(blocks).await, BLOCKS);
    assert_eq!(fleet.number("SELECT sum(price_cents) FROM overage_block").await, BLOCKS * 900);

    fleet.grow_by(Binary::Moved(Plane::Api), 1);
    let usage = get(&fleet, &tenant, &format!("/v1/usage?month={month}&by=day")).await;
    assert_eq!((&usage["used"], &usage["overage_cents"]), (&logs.into(), &(BLOCKS * 900).into()));
    let by_day = usage["breakdown"].as_array().unwrap();
    assert_eq!(by_day.len(), days);
    assert_eq!(by_day.iter().map(|day| day["logs"].as_i64().unwrap()).sum::<i64>(), signed(logs));
    fleet.stop();
    chaos.tell(format_args!("over: {logs} logs, {BLOCKS} blocks, 27 USD; the invoice comes to 76 USD"));
}

async fn until_number(fleet: &Fleet, sql: &str, expected: i64) {
    until(sql, || async { (fleet.number(sql).await == expected).then_some(()) }).await;
}

/// What the control plane, which started last, answers the organisation.
async fn get(fleet: &Fleet, tenant: &Tenant, path: &str) -> Value {
    let url = format!("http://{}{path}", fleet.last().addr);
    let response =
        reqwest::Client::new().get(url).header("x-portkey-api-key", &tenant.key).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

/// Kills a gateway, a worker or Redis.
fn strike(
    chaos: &mut Chaos,
    fleet: &mut Fleet,
    redis: &mut RedisServer,
    workers: &mut [usize; 2],
    day: usize,
) {
    let told = match chaos.chance.below(4) {
        0 => {
            let member = fleet.any(&mut chaos.chance);
            fleet.kill(member);
            fleet.restart(member);
            format!("gateway {member} is killed and starts again")
        }
        1 => {
            let member = fleet.any(&mut chaos.chance);
            fleet.kill(member);
            fleet.grow(1);
            let drained = fleet.drain(member);
            format!(
                "gateway {member} is killed and replaced; {} logs that it left are recorded",
                drained["recorded"]
            )
        }
        2 => {
            let member = workers[chaos.chance.below(2)];
            fleet.kill(member);
            fleet.restart(member);
            format!("worker {member} is killed and starts again")
        }
        _ => {
            redis.kill();
            redis.restart();
            "Redis is killed and comes back empty".to_owned()
        }
    };
    chaos.tell(format_args!("day {day}: {told}"));
}

/// Restarts the gateways, so that all they had is in the database; how many logs there are.
async fn settled(fleet: &mut Fleet, tenant: &Tenant) -> usize {
    fleet.restart_gateways();
    usize::try_from(fleet.counts(tenant).await[0]).unwrap()
}
