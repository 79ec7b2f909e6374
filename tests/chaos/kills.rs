//! Gateways are killed again and again, while streams and whole answers pass through them.

use std::time::Duration;

use redis_server::RedisServer;

use super::{Chaos, size};
use crate::harness::{Ask, DONE, Exchange, Fleet, Upstream, answer, delta, load_of, usage_chunk};

/// Between two events of a stream.
const PACE: Duration = Duration::from_millis(2);

/// As a model does: whole, or event by event.
pub async fn answer_as_asked(mut exchange: Exchange) {
    if exchange.json_body()["stream"] != true {
        return exchange.json(200, &answer("whole")).await;
    }
    exchange.event_stream().await;
    let mut pace = tokio::time::interval(PACE);
    for word in ["one ", "two ", "three ", "four ", "five "] {
        pace.tick().await;
        exchange.send(delta(word)).await;
    }
    exchange.send(usage_chunk()).await;
    exchange.send(DONE).await;
    exchange.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_killed_at_random_moments_lose_and_repeat_no_log() {
    let mut chaos = Chaos::begin("kills");
    let redis = RedisServer::start();
    let mut fleet = Fleet::start(3, &redis, &[]);
    let tenant = fleet.org("enterprise");
    let provider = Upstream::start().await;
    let url = provider.url();
    let asked = provider.answer_each(answer_as_asked);
    let asks = vec![Ask::Echo("hi".to_owned()), Ask::Json(url.clone()), Ask::Stream(url)];
    let (mut progress, calls) = load_of(&fleet.addrs, &tenant, usize::MAX, asks);
    let kills = size(4, 20);
    for kill in 1..=kills {
        let after = chaos.up_to(size(40, 400));
        let calls = progress.more(after).await;
        let member = fleet.any(&mut chaos.chance);
        fleet.kill(member);
        if chaos.chance.below(2) == 0 {
            chaos.tell(format_args!("kill {kill}: gateway {member} after {calls} calls; it starts again"));
            fleet.restart(member);
        } else {
            fleet.grow(1);
            let drained = fleet.drain(member);
            assert_eq!(drained["damaged"], 0, "{drained}");
            chaos.tell(format_args!(
                "kill {kill}: gateway {member} after {calls} calls; another starts, and {} logs that it left are shipped",
                drained["recorded"]
            ));
        }
    }
    progress.more(size(20, 200)).await;
    progress.finish();
    let answered = calls.await;
    fleet.stop();
    let logs = chaos.prove(&fleet, &answered).await;
    assert!(logs <= answered.ids.len() + answered.cut, "{logs} logs of {}", answered.ids.len());
    let of_provider = asked.load(std::sync::atomic::Ordering::SeqCst);
    chaos.tell(format_args!("{kills} kills; the provider was asked {of_provider} times"));
}
