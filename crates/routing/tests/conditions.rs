//! Conditions: cases of what is documented, and random queries beside an evaluator that recurses over the JSON.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use routing::{Config, Facts};
use serde_json::{Map, Value, json};

const PATH: &str = "/v1/chat/completions";

/// The target that a query's condition leads to: `yes` where it holds.
fn holds(query: &Value, metadata: &BTreeMap<String, String>, params: &Value) -> bool {
    let config = json!({
        "strategy": {"mode": "conditional", "conditions": [{"query": query, "then": "yes"}], "default": "no"},
        "targets": [{"provider": "openai", "name": "no"}, {"provider": "openai", "name": "yes"}],
    });
    let config = Config::from_value(&config).unwrap();
    let mut walk = config.walk(Facts { metadata, params: Some(params), url_path: PATH, now_s: 0 });
    walk.next(&mut || 0.0).unwrap().unwrap().name.as_deref() == Some("yes")
}

#[test]
fn conditions_hold_as_documented() {
    let metadata =
        BTreeMap::from([("tier".to_owned(), "paid".to_owned()), ("age".to_owned(), " 20.5 ".to_owned())]);
    let params = json!({"model": "gpt-4o", "n": 2, "stream": true, "user": null, "list": [1]});
    let cases = [
        (json!({"metadata.tier": "paid"}), true),
        (json!({"metadata.tier": {"$eq": "free"}}), false),
        (json!({"metadata.none": {"$ne": "free"}}), true),
        (json!({"metadata.none": {"$nin": ["free"]}}), true),
        (json!({"metadata.none": {"$gt": 1}}), false),
        (json!({"metadata.none": {"$eq": null}}), false),
        (json!({"metadata.age": {"$gt": 20, "$lt": "21"}}), true),
        (json!({"metadata.age": {"$gte": 20.5, "$lte": 20.5}}), true),
        (json!({"metadata.tier": {"$gt": 1}}), false),
        (json!({"params.n": 2}), true),
        (json!({"params.n": 2.0}), true),
        (json!({"params.n": "2"}), false),
        (json!({"params.stream": {"$in": [true, "true"]}}), true),
        (json!({"params.model": {"$regex": "^gpt-4"}}), true),
        (json!({"params.list": {"$regex": "1"}}), false),
        // What stands beside $regex, $or and $and counts too.
        (json!({"params.model": {"$regex": "^gpt-4", "$ne": "gpt-4o"}}), false),
        (json!({"$or": [{"params.n": 2}], "metadata.tier": "free"}), false),
        (json!({"$and": [{"params.n": 2}, {"$or": [{"params.n": 3}, {"metadata.tier": "paid"}]}]}), true),
        (json!({"$or": []}), false),
        (json!({}), true),
        (json!({"url.pathname": {"$regex": "/chat/"}}), true),
        (json!({"url.pathname": "/v1/embeddings"}), false),
    ];
    for (query, expected) in cases {
        assert_eq!(holds(&query, &metadata, &params), expected, "{query}");
    }
}

/// What a field of a query looks at.
fn value(field: &str, metadata: &BTreeMap<String, String>, params: &Value) -> Option<Value> {
    match field.split_once('.').unwrap() {
        ("metadata", key) => metadata.get(key).map(|text| json!(text)),
        ("params", name) => params.get(name).cloned(),
        _ => Some(json!(PATH)),
    }
}

fn same(one: &Value, other: &Value) -> bool {
    if one.is_number() && other.is_number() { one.as_f64() == other.as_f64() } else { one == other }
}

fn float(value: &Value) -> f64 {
    let text = value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned());
    // Of what is no number all comparisons are false.
    text.parse().unwrap_or(f64::NAN)
}

fn passes(operator: &str, wanted: &Value, found: Option<&Value>) -> bool {
    let among = || found.is_some_and(|found| wanted.as_array().unwrap().iter().any(|one| same(one, found)));
    let found_number = found.map_or(f64::NAN, float);
    match operator {
        "$eq" => found.is_some_and(|found| same(found, wanted)),
        "$ne" => !found.is_some_and(|found| same(found, wanted)),
        "$in" => among(),
        "$nin" => !among(),
        "$gt" => found_number > float(wanted),
        "$gte" => found_number >= float(wanted),
        "$lt" => found_number < float(wanted),
        "$lte" => found_number <= float(wanted),
        _ => match found {
            None | Some(Value::Null | Value::Array(_)) => false,
            // The one pattern that is generated: `^1`.
            Some(Value::String(text)) => text.starts_with('1'),
            Some(other) => other.to_string().starts_with('1'),
        },
    }
}

fn naive(query: &Value, metadata: &BTreeMap<String, String>, params: &Value) -> bool {
    let below = |list: &Value| -> Vec<bool> {
        list.as_array().unwrap().iter().map(|query| naive(query, metadata, params)).collect()
    };
    query.as_object().unwrap().iter().all(|(name, wanted)| match name.as_str() {
        "$and" => !below(wanted).contains(&false),
        "$or" => below(wanted).contains(&true),
        field => {
            let found = value(field, metadata, params);
            match wanted.as_object() {
                Some(tests) => {
                    tests.iter().all(|(operator, wanted)| passes(operator, wanted, found.as_ref()))
                }
                None => passes("$eq", wanted, found.as_ref()),
            }
        }
    })
}

fn scalars() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0..3_i64).prop_map(|n| json!(n)),
        (0..3_i64).prop_map(|n| json!(n.to_string())),
        Just(json!(1.0)),
        Just(json!(1.5)),
        Just(json!("x")),
        Just(json!(true)),
        Just(Value::Null),
    ]
}

/// One entry of a field's object of operators.
fn tests() -> impl Strategy<Value = (String, Value)> {
    let number = prop_oneof![Just(json!(1)), Just(json!("1")), Just(json!(1.5))];
    prop_oneof![
        ("[$](eq|ne)", scalars()),
        ("[$](in|nin)", vec(scalars(), 0..3).prop_map(Value::Array)),
        ("[$](gt|gte|lt|lte)", number),
        (Just("$regex".to_owned()), Just(json!("^1"))),
    ]
}

fn queries() -> impl Strategy<Value = Value> {
    let wanted = prop_oneof![
        scalars(),
        vec(tests(), 0..3).prop_map(|tests| Value::Object(tests.into_iter().collect::<Map<_, _>>())),
    ];
    let field = ("(metadata|params)[.][ab]|url[.]pathname", wanted);
    let fields = vec(field, 0..3).prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>()));
    fields.prop_recursive(3, 12, 3, |inner| {
        (inner.clone(), "[$](and|or)", vec(inner, 0..3)).prop_map(|(mut query, name, list)| {
            query[name] = Value::Array(list);
            query
        })
    })
}

proptest! {
    #[test]
    fn a_query_holds_where_the_reference_says_so(
        query in queries(),
        metadata in btree_map("[ab]", "[12x]|1x", 0..3),
        params in btree_map("[ab]", prop_oneof![scalars(), Just(json!([1]))], 0..3),
    ) {
        let params = json!(params);
        let patterns = query.to_string().matches("$regex").count();
        prop_assume!(patterns <= 20);
        prop_assert_eq!(holds(&query, &metadata, &params), naive(&query, &metadata, &params), "{}", query);
    }
}
