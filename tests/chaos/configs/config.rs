//! Configs at random.

use serde_json::{Map, Value, json};

use super::providers::{NAMES, Providers};
use crate::harness::Chance;

/// How long a target may take to begin its answer, where a config says so.
pub const TIMEOUT_MS: u64 = 700;

/// Strategies in strategies.
const DEPTH: usize = 3;

/// The word that guardrails look for; some answers have it.
pub const WORD: &str = "forbidden";

pub fn random(chance: &mut Chance, providers: &Providers) -> Value {
    let mut config = node(chance, providers, DEPTH);
    // Silence costs that much.
    config["request_timeout"] = TIMEOUT_MS.into();
    sign(&mut config, "config");
    config
}

/// A provider is told by its key which target it is asked as.
fn sign(node: &mut Value, path: &str) {
    match node.get_mut("targets").and_then(Value::as_array_mut) {
        Some(targets) => {
            for (n, target) in targets.iter_mut().enumerate() {
                sign(target, &format!("{path}.targets[{n}]"));
            }
        }
        None => node["api_key"] = path.into(),
    }
}

fn node(chance: &mut Chance, providers: &Providers, depth: usize) -> Value {
    let mut node = match chance.below(if depth == 0 { 1 } else { 5 }) {
        0 => target(chance, providers),
        1 => {
            let mut strategy = json!({"mode": "fallback"});
            if chance.below(2) == 0 {
                strategy["on_status_codes"] = json!([429, 500, 503]);
            }
            json!({"strategy": strategy, "targets": nodes(chance, providers, depth)})
        }
        2 => {
            let mut targets = nodes(chance, providers, depth);
            for target in &mut targets {
                target["weight"] = chance.below(3).into();
            }
            // Sometimes there is nowhere to go.
            if chance.below(8) > 0 {
                targets[0]["weight"] = 1.into();
            }
            json!({"strategy": {"mode": "loadbalance"}, "targets": targets})
        }
        3 => {
            let mut targets = vec![node(chance, providers, depth - 1), node(chance, providers, depth - 1)];
            (targets[0]["name"], targets[1]["name"]) = ("of gold".into(), "others".into());
            let condition = json!({"query": {"metadata.tier": {"$eq": "gold"}}, "then": "of gold"});
            let mut strategy = json!({"mode": "conditional", "conditions": [condition]});
            if chance.below(8) > 0 {
                strategy["default"] = "others".into();
            }
            json!({"strategy": strategy, "targets": targets})
        }
        _ => json!({"strategy": {"mode": "single"}, "targets": [target(chance, providers)]}),
    };
    policy(chance, node.as_object_mut().unwrap());
    node
}

fn nodes(chance: &mut Chance, providers: &Providers, depth: usize) -> Vec<Value> {
    (0..=chance.below(3)).map(|_| node(chance, providers, depth - 1)).collect()
}

fn target(chance: &mut Chance, providers: &Providers) -> Value {
    let host = providers.url(chance.one_of(&NAMES));
    json!({"provider": "openai", "custom_host": host})
}

/// What a target has, or hands down.
fn policy(chance: &mut Chance, node: &mut Map<String, Value>) {
    if chance.below(3) == 0 {
        let mut retry = json!({"attempts": chance.below(4), "use_retry_after_header": chance.below(2) == 0});
        if chance.below(2) == 0 {
            retry["on_status_codes"] = json!([400, 429, 500, 502, 503, 504]);
        }
        node.insert("retry".to_owned(), retry);
    }
    if chance.below(4) == 0 {
        node.insert("cache".to_owned(), json!({"mode": "simple"}));
    }
    if chance.below(5) == 0 {
        let contains = json!({"words": [WORD], "operator": "none"});
        let guardrail = json!({"default.contains": contains, "deny": chance.below(2) == 0, "async": chance.below(3) == 0});
        let phase = chance.one_of(&["input_guardrails", "output_guardrails"]);
        node.insert(phase.to_owned(), json!([guardrail]));
    }
}
