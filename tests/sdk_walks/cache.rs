//! Every state of the cache.

use super::*;

#[tokio::test]
async fn each_state_of_the_cache_is_in_the_log_and_a_kept_answer_is_as_the_first() {
    let steps = |provider: &Provider, org: &Org<'_>| {
        let plain = provider.target(org, "plain", "200", json!({}));
        let kept = || provider.target(org, "kept", "200", json!({"cache": {"mode": "simple"}}));
        let streamed = || json!({"is_streamed": true});
        let asked = |step: Step| step.attempts(ASKED);
        let again = |step: Step| step.attempts(UNASKED).labels(&[("cache", "Cache Hit")]);
        vec![
            asked(Step::of("disabled", plain, 200, "from plain 1")),
            asked(Step::of("miss", kept(), 200, "from kept 1")).labels(&[("cache", "Cache Miss")]),
            again(Step::of("hit", kept(), 200, "from kept 1")),
            asked(Step::of("refresh", kept(), 200, "from kept 2"))
                .call(json!({"cache_force_refresh": true}))
                .labels(&[("cache", "Cache Refreshed")]),
            again(Step::of("hit again", kept(), 200, "from kept 2")),
            asked(Step::of("streamed miss", kept(), 200, "from kept 3"))
                .call(streamed())
                .labels(&[("cache", "Cache Miss")]),
            again(Step::of("streamed hit", kept(), 200, "from kept 3")).call(streamed()),
        ]
    };
    walk(steps, async |_, outcomes| {
        for (first, again) in [(1, 2), (3, 4), (5, 6)] {
            assert_eq!(outcomes[first].answer, outcomes[again].answer, "{:?}", outcomes[first].sdk);
        }
        for at in [2, 4, 6] {
            assert_eq!(outcomes[at].log["metrics"]["cost"], 0.0, "{}", outcomes[at].log);
        }
    })
    .await;
}
