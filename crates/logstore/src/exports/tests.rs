#![expect(clippy::unwrap_used, reason = "tests")]

use clock::{Clock, Ids};
use serde_json::json;

use super::*;

fn a_log() -> log::Model {
    let id = Ids::new(Clock::system()).log_id();
    log::Model {
        model: Some("gpt-4o-2024-11-20".to_owned()),
        virtual_key: Some("prod-1".to_owned()),
        api_key_id: Some(Uuid::from_u128(7)),
        metadata: Some(json!({"team": "search", "env": "live"})),
        ..scratch::log(id, Uuid::from_u128(1))
    }
}

#[test]
fn a_log_passes_filters_that_say_what_it_is() {
    for (filters, passes) in [
        (json!({}), true),
        (json!({"providers": ["anthropic", "openai"]}), true),
        (json!({"providers": ["anthropic"]}), false),
        (json!({"models": ["gpt-4o"]}), true),
        (json!({"models": ["gpt-4o-2024-11-20"]}), true),
        (json!({"models": ["gpt-4"]}), false),
        (json!({"virtual_keys": ["prod-1"]}), true),
        (json!({"virtual_keys": ["prod-2"]}), false),
        (json!({"api_keys": [Uuid::from_u128(7)]}), true),
        (json!({"api_keys": [Uuid::from_u128(8)]}), false),
        (json!({"endpoints": ["embed", "chatComplete"]}), true),
        (json!({"endpoints": ["embed"]}), false),
        (json!({"failed_only": true}), false),
        (json!({"metadata": {"team": "search", "env": "live"}}), true),
        (json!({"metadata": {"team": "search", "env": "test"}}), false),
        (json!({"metadata": {"tier": "gold"}}), false),
        (json!({"models": ["gpt-4o"], "providers": ["anthropic"]}), false),
    ] {
        let read: Filters = serde_json::from_value(filters.clone()).unwrap();
        assert_eq!(read.pass(&a_log()), passes, "{filters}");
    }
    let failed = Filters { failed_only: true, ..Filters::default() };
    for (status_code, outcome) in [(500, "answered"), (200, "upstream_cut"), (429, "refused")] {
        let log = log::Model { status_code, outcome: outcome.to_owned(), ..a_log() };
        assert!(failed.pass(&log), "{status_code} {outcome}");
    }
}

#[test]
fn a_part_of_all_traces_is_sampled_and_a_larger_part_has_the_smaller() {
    let ids = Ids::new(Clock::system());
    let traces: Vec<String> = (0..4_000).map(|n| format!("{n}-{}", ids.fresh())).collect();
    let sampled =
        |part: f64| -> Vec<&String> { traces.iter().filter(|trace| is_sampled(trace, part)).collect() };
    assert_eq!((sampled(0.0).len(), sampled(1.0).len()), (0, 4_000));
    let (tenth, half) = (sampled(0.1), sampled(0.5));
    assert!((300..500).contains(&tenth.len()), "{}", tenth.len());
    assert!((1_800..2_200).contains(&half.len()), "{}", half.len());
    assert!(tenth.iter().all(|trace| half.contains(trace)));
    assert!(tenth.iter().all(|trace| is_sampled(&trace.to_ascii_uppercase(), 0.1)));
}
