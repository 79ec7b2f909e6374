#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn same(a: &str, b: &str) -> bool {
    canonical(a.as_bytes()).unwrap() == canonical(b.as_bytes()).unwrap()
}

#[test]
fn texts_that_say_the_same_are_the_same() {
    let long = "x".repeat(3_000);
    let cases = [
        (r#"{"a":1,"b":2}"#.to_owned(), "{ \"b\" : 2 ,\n\t\"a\":1 }\r\n".to_owned()),
        (
            r#"{"a":{"x":[1,{"p":1,"q":2}],"y":null}}"#.into(),
            r#"{"a":{"y":null,"x":[1,{"q":2,"p":1}]}}"#.into(),
        ),
        (r#"{"a":"\u0041\/é\n"}"#.into(), r#"{"a":"A/\u00e9\u000a"}"#.into()),
        (r#"{"\u0062":2,"a":1}"#.into(), r#"{"a":1,"b":2}"#.into()),
        (format!(r#"{{"a":"{long}","b":[{{}},[]]}}"#), format!(r#"{{"b":[{{}}, [ ] ],"a":"{long}"}}"#)),
        (r#"{"a":"\ud800"}"#.into(), r#"{ "a":"\ud800"}"#.into()),
    ];
    for (a, b) in cases {
        assert!(same(&a, &b), "{a} and {b}");
    }
}

#[test]
fn texts_that_say_something_else_are_not() {
    let long = "x".repeat(3_000);
    let cases = [
        (r#"{"a":1}"#.to_owned(), r#"{"a":1.0}"#.to_owned()),
        (r#"{"a":1}"#.into(), r#"{"a":"1"}"#.into()),
        (r#"{"a":[1,2]}"#.into(), r#"{"a":[2,1]}"#.into()),
        (r#"{"a":[[1],2]}"#.into(), r#"{"a":[[1,2]]}"#.into()),
        (r#"{"a":{"b":1}}"#.into(), r#"{"a":{},"b":1}"#.into()),
        (r#"{"a":null}"#.into(), "{}".into()),
        (r#"{"a":"x y"}"#.into(), r#"{"a":"x  y"}"#.into()),
        (r#"{"a":1,"a":2}"#.into(), r#"{"a":2,"a":1}"#.into()),
        (r#"{"a":1,"\u0061":2}"#.into(), r#"{"\u0061":2,"a":1}"#.into()),
        (r#"{"a":"\ud800"}"#.into(), r#"{"a":"\\ud800"}"#.into()),
        (format!(r#"{{"a":"{long}"}}"#), format!(r#"{{"a":"{long}x"}}"#)),
        (r#"["a","b"]"#.into(), r#"["a,b"]"#.into()),
    ];
    for (a, b) in cases {
        assert!(!same(&a, &b), "{a} and {b}");
    }
}

#[test]
fn what_is_no_json_or_too_deep_has_no_canonical_text() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for text in
        ["", "{", "{\"a\"}", "{\"a\":1,}", "[1", "\"a", "\"a\\", "{} {}", "{\"a\":1]", "{a:1}", ":", &deep]
    {
        assert!(canonical(text.as_bytes()).is_none(), "{text}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof!["[a-c]{0,2}", "\\PC{0,8}", Just("long ".repeat(400))];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((text.clone(), inner), 0..5)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// The same value with the keys of each object in another order.
fn shuffled(value: &Value, turn: usize) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| shuffled(item, turn + 1)).collect(),
        Value::Object(map) => {
            let mut pairs: Vec<_> =
                map.iter().map(|(key, value)| (key.clone(), shuffled(value, turn + 1))).collect();
            let by = turn % pairs.len().max(1);
            pairs.rotate_left(by);
            if turn % 2 == 1 {
                pairs.reverse();
            }
            Value::Object(pairs.into_iter().collect::<Map<_, _>>())
        }
        plain => plain.clone(),
    }
}

proptest! {
    #[test]
    fn neither_order_nor_whitespace_matter(value in any_json(), turn in 0..6_usize) {
        let other = shuffled(&value, turn);
        let compact = canonical(value.to_string().as_bytes());
        let pretty = canonical(serde_json::to_string_pretty(&other).unwrap().as_bytes());
        prop_assert!(compact.is_some());
        prop_assert_eq!(compact, pretty);
    }

    #[test]
    fn two_values_are_the_same_only_if_they_are_equal(a in any_json(), b in any_json()) {
        let same = canonical(a.to_string().as_bytes()) == canonical(b.to_string().as_bytes());
        prop_assert_eq!(same, a == b);
    }

    #[test]
    fn every_parameter_matters(value in any_json(), name in "[a-z]{1,8}", change in any_json()) {
        let body = json!({"model": "m", "nested": {"list": [1, {"deep": value}]}});
        let mut other = body.clone();
        other["nested"]["list"][1][&name] = change;
        let same = canonical(body.to_string().as_bytes()) == canonical(other.to_string().as_bytes());
        prop_assert_eq!(same, body == other);
    }

    #[test]
    fn nothing_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = canonical(&bytes);
    }
}
