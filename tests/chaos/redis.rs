//! Redis is away for ten seconds, and hangs for as long.

use std::time::Duration;

use redis_server::RedisServer;

use super::Chaos;
use crate::harness::{Ask, Fleet, load_of};

const AWAY: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_go_on_and_are_counted_exactly_while_redis_is_away_and_while_it_hangs() {
    let mut chaos = Chaos::begin("redis");
    let mut redis = RedisServer::start();
    let mut fleet = Fleet::start(2, &redis, &[]);
    let tenant = fleet.org("enterprise");
    let asks = vec![Ask::Echo("hi".to_owned())];
    let (mut progress, answering) = load_of(&fleet.addrs, &tenant, usize::MAX, asks);
    for hangs in [false, true] {
        let calls = progress.more(chaos.up_to(40)).await;
        if hangs {
            redis.hang();
        } else {
            redis.kill();
        }
        chaos.endure(&mut progress, AWAY, 40).await;
        if hangs {
            redis.go_on();
        } else {
            redis.restart();
        }
        let later = progress.more(0).await;
        let what = if hangs { "hangs" } else { "is killed" };
        chaos.tell(format_args!("Redis {what} after {calls} calls, and is back after {later}"));
    }
    progress.more(40).await;
    progress.finish();
    let answered = answering.await;
    fleet.caught_up(&tenant, answered.ids.len()).await;
    fleet.stop();
    assert_eq!((answered.cut, answered.refused), (0, 0));
    let logs = chaos.prove(&fleet, &answered).await;
    assert_eq!(logs, answered.ids.len());
}
