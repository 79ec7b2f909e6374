//! A config's text: every mistake says where it is; what is read is walked to an end, and its parameters go over a body.
//!
//! The first byte is the status of every answer and the draw of every load balance; the config ends at the first NUL, the rest is a
//! call's body.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use routing::{Config, Facts, with_params};
use serde_json::Value;

const MAX_MISTAKES: usize = 20;

fuzz_target!(|input: &[u8]| {
    let [chance, rest @ ..] = input else { return };
    let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
    let (text, body) = rest.split_at(end);
    let Ok(text) = std::str::from_utf8(text) else { return };
    let config = match Config::parse(text) {
        Ok(config) => config,
        Err(invalid) => {
            assert!((1..=MAX_MISTAKES).contains(&invalid.0.len()));
            assert!(invalid.0.iter().all(|mistake| !mistake.message.is_empty()));
            return;
        }
    };
    let body = body.strip_prefix(b"\0").unwrap_or_default();
    let params: Option<Value> = serde_json::from_slice(body).ok();
    let metadata = BTreeMap::from([("_user".to_owned(), "a".to_owned())]);
    let facts =
        Facts { metadata: &metadata, params: params.as_ref(), url_path: "/v1/chat/completions", now_s: 0 };
    let mut walk = config.walk(facts);
    let mut left = config.leaves().len();
    while let Ok(Some(leaf)) = walk.next(&mut || f64::from(*chance) / 256.0) {
        left = left.checked_sub(1).expect("no leaf is asked twice");
        walk.answered(if chance & 1 == 0 { 500 } else { 200 }, false);
        let own = &leaf.policy.override_params;
        let merged = with_params(body, own);
        assert!(merged.is_ok() || !params.as_ref().is_some_and(Value::is_object));
        // What cannot be read as a tree, as for its depth, can be passed on all the same.
        let (Some(Value::Object(before)), Ok(merged)) = (&params, merged) else { continue };
        let merged: Value = serde_json::from_slice(&merged).expect("a merged body is JSON");
        assert!(own.keys().all(|name| merged.get(name).is_some()));
        let mut untouched = before.iter().filter(|(name, _)| !own.contains_key(*name));
        assert!(untouched.all(|(name, value)| merged.get(name) == Some(value)));
    }
});
