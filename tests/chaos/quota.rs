//! More calls than the plan has logs, over four gateways, while each part goes away: the plan's logs are recorded exactly.

use redis_server::RedisServer;

use super::{Chaos, signed, size};
use crate::harness::{Ask, Fleet, Progress, Proxy, load_of};

/// What happens to a part.
#[derive(Clone, Copy)]
enum Blow {
    GatewayRestarts,
    GatewayIsReplaced,
    RedisLosesAll,
    RedisGoesBack,
    RedisHangs,
    DatabaseIsCut,
}

const BLOWS: [Blow; 6] = [
    Blow::GatewayRestarts,
    Blow::GatewayIsReplaced,
    Blow::RedisLosesAll,
    Blow::RedisGoesBack,
    Blow::RedisHangs,
    Blow::DatabaseIsCut,
];

/// All that may be struck.
struct Parts {
    fleet: Fleet,
    redis: RedisServer,
    /// Before PostgreSQL; none on SQLite, which cannot be cut.
    proxy: Option<Proxy>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_plans_logs_are_recorded_exactly_whatever_is_killed_between() {
    let mut chaos = Chaos::begin("quota");
    let (quota, calls) = (size(1_000, 10_000), size(1_200, 12_000));
    let included = quota.to_string();
    let redis = RedisServer::start();
    let mut fleet = Fleet::new(&redis, &[("TURNPIKE_PLANS__DEVELOPER__INCLUDED_LOGS", &included)]);
    let tenant = fleet.org("developer");
    let proxy = if scratch::on_postgres() { Some(fleet.behind_proxy().await) } else { None };
    fleet.grow(4);
    let mut parts = Parts { fleet, redis, proxy };
    let asks = vec![Ask::Echo("hi".to_owned())];
    let (mut progress, answering) = load_of(&parts.fleet.addrs, &tenant, calls, asks);
    let rounds = size(1, 3);
    let blows = shuffled(&mut chaos, BLOWS.len() * rounds);
    // A blow falls in the first half of its share of the calls, and is over within it, however fast those are.
    let share = calls / blows.len();
    for (n, blow) in blows.iter().enumerate() {
        progress.let_in((n + 1) * share);
        progress.reached(n * share + chaos.chance.below(share / 2)).await;
        let away = chaos.up_to(share / 3);
        parts.strike(*blow, away, &mut progress, &mut chaos).await;
    }
    progress.let_in(usize::MAX);
    let answered = answering.await;
    let fleet = &mut parts.fleet;
    let more = fleet.settle(&tenant, &format!("{quota}/{quota}")).await;
    fleet.stop();

    let [used, dropped, unrecorded] = fleet.counts(&tenant).await;
    chaos.tell(format_args!(
        "over: {calls} calls answered, {} cut, {used} logs of {quota}, {dropped} dropped, {unrecorded} unrecorded",
        answered.cut
    ));
    assert_eq!((used, unrecorded), (signed(quota), 0));
    // A call that a kill cut may have been counted, or never have begun.
    let past = calls + more - quota;
    assert!((signed(past)..=signed(past + answered.cut)).contains(&dropped), "{dropped} of {past}");
    assert_eq!(fleet.logs().await.len(), quota);
    let summary = fleet.reconcile();
    assert_eq!((&summary["used"], &summary["logs"]), (&quota.into(), &quota.into()));
    assert_eq!(summary["ledger_agrees"], 1, "{summary}");
}

/// Each blow as often as the others, in any order.
fn shuffled(chaos: &mut Chaos, count: usize) -> Vec<Blow> {
    let mut blows: Vec<Blow> = BLOWS.into_iter().cycle().take(count).collect();
    for last in (1..count).rev() {
        blows.swap(last, chaos.chance.below(last + 1));
    }
    blows
}

impl Parts {
    /// Strikes; what is away comes back after `away` calls.
    async fn strike(&mut self, blow: Blow, away: usize, progress: &mut Progress, chaos: &mut Chaos) {
        let Self { fleet, redis, proxy } = self;
        let calls = progress.more(0).await;
        let told = match blow {
            Blow::GatewayRestarts | Blow::GatewayIsReplaced => {
                let member = fleet.any(&mut chaos.chance);
                fleet.kill(member);
                if matches!(blow, Blow::GatewayRestarts) {
                    fleet.restart(member);
                    format!("gateway {member} is killed and starts again")
                } else {
                    fleet.grow(1);
                    let drained = fleet.drain(member);
                    format!(
                        "gateway {member} is killed; another starts, and of what it left {} logs are recorded, {} dropped",
                        drained["recorded"], drained["dropped"]
                    )
                }
            }
            Blow::RedisLosesAll => {
                redis.kill();
                progress.more(away).await;
                redis.restart();
                format!("Redis is killed and comes back empty {away} calls later")
            }
            Blow::RedisGoesBack => {
                redis.save();
                progress.more(away).await;
                redis.restart_as_saved();
                format!("Redis is killed and comes back as it was {away} calls before")
            }
            Blow::RedisHangs => {
                redis.hang();
                progress.more(away).await;
                redis.go_on();
                format!("Redis does not answer for {away} calls")
            }
            Blow::DatabaseIsCut => match proxy {
                Some(proxy) => {
                    proxy.cut();
                    progress.more(away).await;
                    proxy.restore();
                    format!("PostgreSQL is cut off for {away} calls")
                }
                None => "nothing, for SQLite cannot be cut off".to_owned(),
            },
        };
        chaos.tell(format_args!("after {calls} calls: {told}"));
    }
}
