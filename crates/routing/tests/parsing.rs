//! Configs as texts: what is read of them, and what is told of their mistakes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::time::Duration;

use routing::{CacheMode, Config, Given, Kind, Strategy};
use secrecy::ExposeSecret as _;
use serde_json::json;

fn mistakes(config: &serde_json::Value) -> Vec<String> {
    match Config::from_value(config) {
        Ok(_) => Vec::new(),
        Err(invalid) => invalid.0.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn mistakes_are_told_by_where_they_are() {
    let leaf = json!({"provider": "openai"});
    let cases = [
        (json!([]), "config: must be an object"),
        (
            json!({}),
            "config: says nothing: name a provider or a virtual_key, or say how calls are to be made",
        ),
        (
            json!({"options": [], "provider": "openai"}),
            "options: is of an older shape that is not read: use strategy and targets",
        ),
        (
            json!({"strategy": {"mode": "loadbalance"}, "targets": [leaf, {"weight": 2, "colour": "red"}]}),
            "targets[1]: says nothing: name a provider or a virtual_key, or say how calls are to be made",
        ),
        (
            json!({"provider": "vertex-ai", "vertex_project_id": "p"}),
            "provider: vertex-ai needs vertex_region, and vertex_project_id or vertex_service_account_json",
        ),
        (
            json!({"provider": "bedrock", "aws_region": ["a"]}),
            "aws_region: must be a string of at most 16384 bytes",
        ),
        (
            json!({"provider": "openai", "name": "n".repeat(257)}),
            "name: must be a string of 1 to 256 characters",
        ),
        (json!({"request_timeout": 1.5}), "request_timeout: must be a whole number from 1 to 3600000"),
        (json!({"retry": {"attempts": "3"}}), "retry.attempts: must be a whole number from 0 to 5"),
        (
            json!({"retry": {"attempts": 1, "use_retry_after_header": 1}}),
            "retry.use_retry_after_header: must be true or false",
        ),
        (json!({"provider": 1}), "provider: must be a string of 1 to 256 characters"),
        (
            json!({"targets": [leaf]}),
            "strategy: must be given: targets need one, e.g. {\"mode\":\"fallback\"}",
        ),
        (
            json!({"strategy": {"mode": "fallback"}}),
            "targets: must be given: a strategy chooses among targets",
        ),
        (json!({"strategy": {"mode": "fallback"}, "targets": []}), "targets: must have at least one target"),
        (
            json!({"strategy": {"mode": "any"}, "targets": [leaf]}),
            "strategy.mode: must be single, fallback, loadbalance or conditional",
        ),
        (
            json!({"strategy": {"mode": "fallback", "on_status_codes": [429, 42]}, "targets": [leaf]}),
            "strategy.on_status_codes: must be an array of HTTP statuses, 100 to 599",
        ),
        (
            json!({"strategy": {"mode": "fallback"}, "targets": [leaf, {"retry": {"attempts": 6}}]}),
            "targets[1].retry.attempts: must be a whole number from 0 to 5",
        ),
        (
            json!({"strategy": {"mode": "loadbalance"}, "targets": [{"provider": "openai", "weight": -1}]}),
            "targets[0].weight: must be a number from 0 to 1000000000",
        ),
        (json!({"cache": "simple"}), "cache: must be an object"),
        (json!({"cache": {"mode": "exact"}}), "cache.mode: must be simple or semantic"),
        (
            json!({"cache": {"mode": "simple", "max_age": 30}}),
            "cache.max_age: must be a whole number from 60 to 7776000",
        ),
        (json!({"request_timeout": 0}), "request_timeout: must be a whole number from 1 to 3600000"),
        (json!({"override_params": []}), "override_params: must be an object of at most 200 parameters"),
        (json!({"forward_headers": ["a b"]}), "forward_headers: must be an array of names of headers"),
        (
            json!({"input_guardrails": [1]}),
            "input_guardrails[0]: must be an object of checks, or a saved guardrail's id",
        ),
    ];
    for (config, expected) in cases {
        assert_eq!(mistakes(&config), [expected], "{config}");
    }
    assert!(Config::parse("{").unwrap_err().to_string().starts_with("config: must be a JSON object"));
    assert!(Config::parse(&format!("{{\"a\":\"{}\"}}", "a".repeat(70_000))).is_err());
}

#[test]
fn mistakes_in_strategies_are_told_by_where_they_are() {
    let leaf = json!({"provider": "openai"});
    let cases = [
        (
            json!({"strategy": {"mode": "conditional", "conditions": [{"query": {"params.model": "a"}, "then": "x"}]}, "targets": [leaf]}),
            "strategy.conditions[0].then: must be the name of one of this strategy's targets",
        ),
        (
            json!({"strategy": {"mode": "conditional", "conditions": [{"query": {"params.a.b": "a"}, "then": "x"}]}, "targets": [{"provider": "openai", "name": "x"}]}),
            "strategy.conditions[0].query.params.a.b: must be metadata.<key>, params.<name> or url.pathname",
        ),
        (
            json!({"strategy": {"mode": "conditional", "conditions": [{"query": {"metadata.a": {"$like": "a"}}, "then": "x"}]}, "targets": [{"provider": "openai", "name": "x"}]}),
            "strategy.conditions[0].query.metadata.a.$like: must be $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin or $regex",
        ),
        (
            json!({"strategy": {"mode": "conditional", "default": "x", "conditions": []}, "targets": [{"provider": "openai", "name": "x"}, {"provider": "openai", "name": "x"}]}),
            "strategy.default: is the name of several targets",
        ),
        (
            json!({"strategy": {"mode": "loadbalance", "sticky": {"enabled": true}}, "targets": [leaf]}),
            "strategy.sticky.hash_fields: must be an array of fields such as metadata._user or params.user",
        ),
    ];
    for (config, expected) in cases {
        assert_eq!(mistakes(&config), [expected], "{config}");
    }
    let query = |query: serde_json::Value| {
        mistakes(
            &json!({"strategy": {"mode": "conditional", "conditions": [{"query": query, "then": "x"}]}, "targets": [{"provider": "openai", "name": "x"}]}),
        )
    };
    for (asked, expected) in [
        (json!("paid"), "must be an object"),
        (json!({"$and": {}}), "$and: must be an array of queries"),
        (
            json!({"$or": [{"model": "a"}]}),
            "$or[0].model: must be metadata.<key>, params.<name> or url.pathname",
        ),
        (json!({"metadata.a": {"$gt": "b"}}), "metadata.a.$gt: must be a number"),
        (json!({"metadata.a": {"$in": "b"}}), "metadata.a.$in: must be an array of at most 1000"),
    ] {
        let expected = if asked.is_object() { format!(".{expected}") } else { format!(": {expected}") };
        assert_eq!(query(asked), [format!("strategy.conditions[0].query{expected}")]);
    }
    let pattern = json!({"strategy": {"mode": "conditional", "conditions": [{"query": {"metadata.a": {"$regex": "(?=a)"}}, "then": "x"}]}, "targets": [{"provider": "openai", "name": "x"}]});
    assert!(mistakes(&pattern)[0].contains("$regex: must be a regular expression without look-around"));
}

#[test]
fn every_mistake_is_told_up_to_a_bound() {
    let config = json!({"strategy": {"mode": "fallback"}, "targets": [{"retry": {"attempts": 9}}, {"request_timeout": "1s"}]});
    assert_eq!(mistakes(&config).len(), 2);
    let many: Vec<_> = (0..50).map(|_| json!({"weight": "heavy"})).collect();
    assert_eq!(mistakes(&json!({"strategy": {"mode": "loadbalance"}, "targets": many})).len(), 20);
}

#[test]
fn targets_are_bounded_in_number_and_depth() {
    let leaves: Vec<_> = (0..60).map(|_| json!({"provider": "openai"})).collect();
    let group = json!({"strategy": {"mode": "single"}, "targets": leaves});
    let twice = json!({"strategy": {"mode": "single"}, "targets": [group, group]});
    assert!(mistakes(&twice).iter().all(|mistake| mistake.ends_with("a config has at most 100 targets")));
    let mut deep = json!({"provider": "openai"});
    for _ in 0..9 {
        deep = json!({"strategy": {"mode": "single"}, "targets": [deep]});
    }
    assert!(mistakes(&deep)[0].ends_with("targets may be nested 8 deep"));
}

#[test]
fn a_short_text_does_not_become_a_large_tree() {
    let own: Vec<_> = (0..100).map(|_| json!({"provider": "openai", "override_params": {"n": 1}})).collect();
    let config = |bytes| {
        let above = json!({"stop": "a".repeat(bytes)});
        json!({"strategy": {"mode": "fallback"}, "override_params": above, "targets": own})
    };
    assert_eq!(mistakes(&config(1_000)), [""; 0]);
    assert!(mistakes(&config(20_000))[0].ends_with("bytes of parameters from those above them, in all"));
    let patterns = |count: usize| {
        let tests: Vec<_> = (0..count).map(|_| json!({"params.model": {"$regex": "^gpt"}})).collect();
        let conditions = json!([{"query": {"$or": tests}, "then": "x"}]);
        json!({"strategy": {"mode": "conditional", "conditions": conditions}, "targets": [{"provider": "openai", "name": "x"}]})
    };
    assert_eq!(mistakes(&patterns(20)), [""; 0]);
    assert!(mistakes(&patterns(21))[0].ends_with(": a config has at most 20 regular expressions"));
}

#[test]
fn what_may_be_secret_is_not_shown() {
    let config = json!({
        "provider": "bedrock", "api_key": "hush-1", "aws_secret_access_key": "hush-2",
        "output_guardrails": [{"default.webhook": {"webhookURL": "https://a.example", "headers": {"authorization": "hush-3"}}}],
    });
    let shown = format!("{:?}", Config::from_value(&config).unwrap());
    assert!(shown.contains("aws-secret-access-key") && !shown.contains("hush"), "{shown}");
}

#[test]
fn what_clients_write_in_their_own_ways_is_read() {
    for config in [
        json!({"provider": "openai", "request_timeout": 600.0, "colour": "red"}),
        json!({"provider": "openai", "retry": null, "cache": {"maxAge": 60}}),
        json!({"strategy": {"mode": "single"}, "provider": "openai"}),
        json!({"provider": "bedrock", "aws_auth_type": "assumedRole"}),
        json!({"provider": "vertex-ai", "vertexRegion": "r", "vertex_service_account_json": {"type": "service_account"}}),
        json!({"strategy": {"mode": "fallback", "onStatusCodes": [429]}, "targets": [{"override_params": {"model": "a"}}]}),
    ] {
        assert_eq!(mistakes(&config), [""; 0], "{config}");
    }
}

#[test]
fn what_targets_inherit_is_in_the_leaves() {
    let config = json!({
        "strategy": {"mode": "fallback", "on_status_codes": [429, 446]},
        "retry": {"attempts": 2, "use_retry_after_headers": true}, "cache": {"mode": "simple", "max_age": 600},
        "request_timeout": 1000, "custom_host": "https://a.example", "forward_headers": ["X-Team"], "strict_open_ai_compliance": false,
        "override_params": {"temperature": 0, "model": "a"}, "input_guardrails": ["pg-1"],
        "targets": [
            {"provider": "openai", "apiKey": "k1", "openai_organization": "org"},
            {"virtual_key": "@vk", "name": "second", "weight": 0.5, "retry": {"attempts": 1, "onStatusCodes": [500]}, "cache": {"mode": "semantic"}, "requestTimeout": 5,
             "custom_host": "https://b.example", "override_params": {"model": "b"}, "input_guardrails": [{"default.contains": {"words": ["x"], "operator": "any"}}],
             "resource_name": "res"},
            {"strategy": {"mode": "loadbalance"}, "targets": [{"provider": "@other"}]},
        ],
    });
    let config = Config::from_value(&config).unwrap();
    assert_eq!(config.mode(), "fallback");
    let Kind::Group(Strategy::Fallback { on: Some(on) }, _) = &config.root.kind else { panic!("{config:?}") };
    assert_eq!(on, &[429, 446]);
    let leaves = config.leaves();
    let [first, second, third] = leaves.as_slice() else { panic!("{leaves:?}") };
    assert_eq!(
        [first, second, third].map(|leaf| leaf.path.as_str()),
        ["config.targets[0]", "config.targets[1]", "config.targets[2].targets[0]"]
    );
    assert_eq!((first.provider.as_deref(), first.virtual_key.as_deref()), (Some("openai"), None));
    assert_eq!(first.api_key.as_ref().unwrap().expose_secret(), "k1");
    assert!(!format!("{first:?}").contains("k1"));
    assert_eq!(first.extras["openai-organization"], "org");
    assert_eq!((first.policy.retry.attempts, first.policy.retry.use_retry_after), (2, true));
    assert_eq!(first.policy.cache.unwrap().max_age, Some(Duration::from_mins(10)));
    assert_eq!(first.policy.forward_headers.as_deref(), Some(&["x-team".to_owned()][..]));
    assert_eq!(first.policy.input_hooks[0].given, Given::Saved("pg-1".to_owned()));
    assert_eq!(second.virtual_key.as_deref(), Some("vk"));
    assert_eq!(second.name.as_deref(), Some("second"));
    assert_eq!((second.policy.retry.attempts, second.policy.retry.use_retry_after), (1, false));
    assert_eq!(second.policy.retry.on_status.as_deref(), Some(&[500][..]));
    assert_eq!(
        (second.policy.cache.unwrap().mode, second.policy.cache.unwrap().max_age),
        (CacheMode::Semantic, None)
    );
    assert_eq!(second.policy.request_timeout, Some(Duration::from_millis(5)));
    assert_eq!(second.policy.custom_host.as_deref(), Some("https://b.example"));
    assert_eq!(*second.policy.override_params, *json!({"temperature": 0, "model": "b"}).as_object().unwrap());
    assert_eq!(second.policy.input_hooks[0].path, "targets[1].input_guardrails[0]");
    assert!(matches!(second.policy.input_hooks[0].given, Given::Inline(_)));
    assert_eq!(second.extras["azure-resource-name"], "res");
    assert_eq!((third.provider.as_deref(), third.virtual_key.as_deref()), (None, Some("other")));
    assert_eq!(third.policy.strict, Some(false));
    assert_eq!(third.policy.retry.attempts, 2);
}
