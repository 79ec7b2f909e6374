//! Configs of the right words in the wrong places: whatever is sent is told of, or is a config whose walks end.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use routing::{Config, Facts};
use serde_json::{Map, Value, json};

const WORDS: [&str; 34] = [
    "strategy",
    "mode",
    "targets",
    "conditions",
    "query",
    "then",
    "default",
    "sticky",
    "hash_fields",
    "ttl",
    "name",
    "provider",
    "api_key",
    "virtual_key",
    "weight",
    "override_params",
    "cache",
    "max_age",
    "retry",
    "attempts",
    "on_status_codes",
    "use_retry_after_header",
    "request_timeout",
    "custom_host",
    "forward_headers",
    "input_guardrails",
    "after_request_hooks",
    "aws_region",
    "metadata.a",
    "params.a",
    "$or",
    "$regex",
    "$gt",
    "enabled",
];
const TEXTS: [&str; 10] =
    ["fallback", "loadbalance", "conditional", "single", "simple", "openai", "a", "@a", "metadata.a", "(a"];

fn noise() -> impl Strategy<Value = Value> {
    let words = proptest::sample::select(&WORDS[..]).prop_map(str::to_owned);
    let scalar = prop_oneof![
        4 => proptest::sample::select(&TEXTS[..]).prop_map(|text| json!(text)),
        2 => proptest::sample::select(vec![json!(0), json!(1), json!(429), json!(1.5), json!(-1), json!(1e300), json!(u64::MAX)]),
        1 => Just(json!(true)),
        1 => Just(Value::Null),
    ];
    scalar.prop_recursive(6, 60, 6, move |inner| {
        let fields = vec((words.clone(), inner.clone()), 0..6);
        let object = fields.prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>()));
        let group = (proptest::sample::select(&TEXTS[..4]), vec(inner.clone(), 0..4), "[ab]");
        prop_oneof![
            object,
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            group.prop_map(
                |(mode, targets, name)| json!({"strategy": {"mode": mode}, "targets": targets, "name": name})
            ),
            (inner, "[ab]").prop_map(
                |(noise, name)| json!({"provider": "openai", "name": name, "weight": 1, "retry": noise})
            ),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]
    #[test]
    fn whatever_is_sent_is_told_of_or_can_be_walked(noise in noise(), draw in 0.0..1.0_f64, status in 100..600_u16) {
        match Config::parse(&noise.to_string()) {
            Err(invalid) => prop_assert!((1..=20).contains(&invalid.0.len())),
            Ok(config) => {
                let metadata = BTreeMap::from([("a".to_owned(), "a".to_owned())]);
                let facts = Facts { metadata: &metadata, params: Some(&noise), url_path: "/", now_s: 0 };
                let mut walk = config.walk(facts);
                let mut asked = Vec::new();
                while let Ok(Some(leaf)) = walk.next(&mut || draw) {
                    prop_assert!(!asked.contains(&leaf.path), "{} is asked twice", leaf.path);
                    asked.push(leaf.path.clone());
                    walk.answered(status, false);
                }
                prop_assert!(asked.len() <= config.leaves().len());
                prop_assert!(walk.next(&mut || draw).is_ok_and(|leaf| leaf.is_none()), "an ended walk goes on");
            }
        }
    }
}
