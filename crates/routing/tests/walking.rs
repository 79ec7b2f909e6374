//! Walks through random configs, beside a reference that recurses over the JSON.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use routing::{Config, Facts, NoRoute};
use serde_json::{Value, json};

fn facts<'a>(metadata: &'a BTreeMap<String, String>, params: Option<&'a Value>) -> Facts<'a> {
    Facts { metadata, params, url_path: "/v1/chat/completions", now_s: 1_800_000_000 }
}

/// The leaves that are asked where each answers with its status, the draws being those given, and how the walk ended.
fn walked(
    config: &Config,
    facts: Facts<'_>,
    answers: &BTreeMap<String, u16>,
    draws: &[f64],
) -> (Vec<String>, Option<NoRoute>) {
    let mut draws = draws.iter().copied().cycle();
    let mut draw = || draws.next().unwrap_or_default();
    let (mut walk, mut asked) = (config.walk(facts), Vec::new());
    loop {
        match walk.next(&mut draw) {
            Ok(Some(leaf)) => {
                asked.push(leaf.path.clone());
                walk.answered(answers[&leaf.path], false);
            }
            Ok(None) => return (asked, None),
            Err(nowhere) => return (asked, Some(nowhere)),
        }
    }
}

/// What a node answers, after it has asked its leaves; none where there is nowhere to go. The call's tier is its metadata.
fn reference(
    node: &Value,
    path: &str,
    tier: &str,
    answers: &BTreeMap<String, u16>,
    draw: &mut dyn FnMut() -> f64,
    asked: &mut Vec<String>,
) -> Option<u16> {
    let Some(targets) = node["targets"].as_array() else {
        asked.push(path.to_owned());
        return Some(answers[path]);
    };
    let below = |at: usize| format!("{path}.targets[{at}]");
    match node["strategy"]["mode"].as_str().unwrap() {
        "single" => reference(&targets[0], &below(0), tier, answers, draw, asked),
        "fallback" => {
            let mut status = 0;
            for (at, target) in targets.iter().enumerate() {
                status = reference(target, &below(at), tier, answers, draw, asked)?;
                let failed = match node["strategy"]["on_status_codes"].as_array() {
                    Some(on) => on.contains(&json!(status)),
                    None => status / 100 != 2,
                };
                if !failed {
                    break;
                }
            }
            Some(status)
        }
        "conditional" => {
            let conditions = node["strategy"]["conditions"].as_array().unwrap();
            let holds = conditions.iter().find(|condition| condition["query"]["metadata.tier"] == tier);
            let name = holds.map_or(&node["strategy"]["default"], |condition| &condition["then"]);
            let at = targets.iter().position(|target| target["name"] == *name && !name.is_null())?;
            reference(&targets[at], &below(at), tier, answers, draw, asked)
        }
        _ => {
            let weights: Vec<f64> = targets.iter().map(|target| target["weight"].as_f64().unwrap()).collect();
            let mut left = draw() * weights.iter().sum::<f64>();
            let at = weights.iter().position(|weight| {
                left -= weight;
                left < 0.0
            });
            reference(&targets[at?], &below(at?), tier, answers, draw, asked)
        }
    }
}

fn trees() -> impl Strategy<Value = Value> {
    let weight = || (0..4_u32).prop_map(|weight| json!(weight));
    let leaf = weight().prop_map(|weight| json!({"provider": "openai", "weight": weight}));
    leaf.prop_recursive(4, 40, 4, move |inner| {
        let strategy = prop_oneof![
            Just(json!({"mode": "single"})),
            Just(json!({"mode": "loadbalance"})),
            Just(json!({"mode": "fallback"})),
            vec(prop_oneof![Just(200), Just(429), Just(500), Just(246)], 0..3)
                .prop_map(|on| json!({"mode": "fallback", "on_status_codes": on})),
            (vec(("[ab]", 0..4_u32), 0..3), proptest::option::of(0..4_u32)).prop_map(conditional),
        ];
        (strategy, vec(inner, 4), weight()).prop_map(|(strategy, mut targets, weight)| {
            for (at, target) in targets.iter_mut().enumerate() {
                target["name"] = json!(format!("t{at}"));
            }
            json!({"strategy": strategy, "targets": targets, "weight": weight})
        })
    })
}

fn conditional((conditions, default): (Vec<(String, u32)>, Option<u32>)) -> Value {
    let conditions: Vec<_> = conditions
        .iter()
        .map(|(tier, then)| json!({"query": {"metadata.tier": tier}, "then": format!("t{then}")}))
        .collect();
    json!({"mode": "conditional", "conditions": conditions, "default": default.map(|at| format!("t{at}"))})
}

proptest! {
    #[test]
    fn a_walk_asks_what_the_reference_asks(
        tree in trees(),
        statuses in vec(prop_oneof![Just(200_u16), Just(246), Just(400), Just(429), Just(500)], 1..20),
        draws in vec(0.0..1.0_f64, 1..8),
        tier in "[abc]",
    ) {
        let config = Config::from_value(&tree).unwrap();
        let leaves = config.leaves();
        let answers: BTreeMap<_, _> =
            leaves.iter().zip(statuses.iter().cycle()).map(|(leaf, status)| (leaf.path.clone(), *status)).collect();
        let mut expected = Vec::new();
        let mut given = draws.iter().copied().cycle();
        let last = reference(&tree, "config", &tier, &answers, &mut || given.next().unwrap(), &mut expected);
        let metadata = BTreeMap::from([("tier".to_owned(), tier)]);
        let (asked, nowhere) = walked(&config, facts(&metadata, None), &answers, &draws);
        prop_assert_eq!(asked, expected);
        prop_assert_eq!(nowhere.is_some(), last.is_none());
    }

    #[test]
    fn weights_are_shares(weights in vec(0..6_u32, 1..6)) {
        let targets: Vec<_> = weights.iter().map(|weight| json!({"provider": "openai", "weight": weight})).collect();
        let config = Config::from_value(&json!({"strategy": {"mode": "loadbalance"}, "targets": targets})).unwrap();
        let answers: BTreeMap<_, _> = config.leaves().iter().map(|leaf| (leaf.path.clone(), 200)).collect();
        let none = BTreeMap::new();
        let whole: u32 = weights.iter().sum();
        let mut hits = vec![0; weights.len()];
        // One draw in the middle of each unit of weight.
        for unit in 0..whole {
            let draw = (f64::from(unit) + 0.5) / f64::from(whole);
            let (asked, _) = walked(&config, facts(&none, None), &answers, &[draw]);
            let at = config.leaves().iter().position(|leaf| leaf.path == asked[0]).unwrap();
            hits[at] += 1;
        }
        prop_assert_eq!(hits, weights);
        if whole == 0 {
            let (_, nowhere) = walked(&config, facts(&none, None), &answers, &[0.5]);
            prop_assert_eq!(nowhere, Some(NoRoute::NoWeight { path: "config".to_owned() }));
        }
    }

    #[test]
    fn merged_parameters_are_those_of_a_merge_of_trees(
        body in proptest::collection::btree_map("[a-c\"é]{1,2}", 0..9_i64, 0..5),
        params in proptest::collection::btree_map("[a-c\"é]{1,2}", 0..9_i64, 0..5),
    ) {
        let (body, params) = (json!(body), json!(params));
        let params = params.as_object().unwrap();
        let merged = routing::with_params(&serde_json::to_vec(&body).unwrap(), params).unwrap();
        let mut expected = body.as_object().unwrap().clone();
        expected.extend(params.clone());
        prop_assert_eq!(serde_json::from_slice::<Value>(&merged).unwrap(), Value::Object(expected));
    }
}

#[test]
fn what_is_not_replaced_keeps_its_bytes() {
    let params = json!({"model": "b", "n": [1]});
    let body =
        br#"{ "model":"a", "big" : 123456789012345678901234567890.10 , "t":{ "x" : 1e2 }, "model":"c"}"#;
    let merged = routing::with_params(body, params.as_object().unwrap()).unwrap();
    let expected = r#"{"model":"b","big":123456789012345678901234567890.10,"t":{ "x" : 1e2 },"n":[1]}"#;
    assert_eq!(String::from_utf8(merged).unwrap(), expected);
    assert!(routing::with_params(b"[1]", params.as_object().unwrap()).is_err());
    assert!(routing::with_params(b"{} {}", params.as_object().unwrap()).is_err());
}

#[test]
fn the_last_word_ends_a_walk() {
    let leaf = json!({"provider": "openai"});
    let config = json!({"strategy": {"mode": "fallback"}, "targets": [{"strategy": {"mode": "fallback"}, "targets": [leaf, leaf]}, leaf]});
    let config = Config::from_value(&config).unwrap();
    let none = BTreeMap::new();
    let mut walk = config.walk(facts(&none, None));
    let draw: &mut dyn FnMut() -> f64 = &mut || 0.0;
    assert_eq!(walk.next(draw).unwrap().unwrap().path, "config.targets[0].targets[0]");
    walk.answered(500, true);
    assert!(walk.next(draw).unwrap().is_none());
}

#[test]
fn without_a_condition_that_holds_or_a_default_there_is_no_route() {
    let config = json!({
        "strategy": {"mode": "conditional", "conditions": [{"query": {"params.n": 1}, "then": "a"}]},
        "targets": [{"provider": "openai", "name": "a"}],
    });
    let config = Config::from_value(&config).unwrap();
    assert!(config.reads_params);
    let none = BTreeMap::new();
    let nowhere = config.walk(facts(&none, None)).next(&mut || 0.0);
    assert_eq!(nowhere.unwrap_err(), NoRoute::NoCondition { path: "config".to_owned() });
}

#[test]
fn a_sticky_draw_is_a_users_for_a_time() {
    let targets: Vec<_> = (0..8).map(|_| json!({"provider": "openai"})).collect();
    let config = json!({
        "strategy": {"mode": "loadbalance", "sticky": {"enabled": true, "hash_fields": ["metadata._user", "params.user"], "ttl": 60}},
        "targets": targets,
    });
    let config = Config::from_value(&config).unwrap();
    let asked = |user: Option<&str>, now_s, draw: f64| {
        let metadata: BTreeMap<_, _> =
            user.iter().map(|user| ("_user".to_owned(), (*user).to_owned())).collect();
        let facts = Facts { metadata: &metadata, params: None, url_path: "/", now_s };
        config.walk(facts).next(&mut || draw).unwrap().unwrap().path.clone()
    };
    for user in ["a", "b", "c"] {
        assert_eq!(asked(Some(user), 120, 0.0), asked(Some(user), 179, 0.99));
    }
    let of = |now_s: i64| (0..40).map(move |user| (user, now_s));
    let spread: std::collections::BTreeSet<_> =
        of(120).map(|(user, now_s)| asked(Some(&format!("u{user}")), now_s, 0.0)).collect();
    assert!(spread.len() > 4, "{spread:?}");
    assert!(of(0).any(
        |(user, _)| asked(Some(&format!("u{user}")), 0, 0.0) != asked(Some(&format!("u{user}")), 60, 0.0)
    ));
    assert_ne!(asked(None, 120, 0.0), asked(None, 120, 0.99), "who is not known is drawn for");
}
