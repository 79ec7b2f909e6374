use proptest::prelude::*;
use serde_json::{Map, Value};

use super::{fields, mend::mend};

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((".*", inner), 0..4).prop_map(|fields| Value::from(Map::from_iter(fields))),
        ]
    })
}

proptest! {
    #[test]
    fn json_cut_anywhere_is_json_again_once_mended(value in json(), pretty in any::<bool>(), cut in any::<prop::sample::Index>()) {
        let text = if pretty { format!("{value:#}") } else { value.to_string() };
        let cut = text.floor_char_boundary(cut.index(text.len() + 1));
        let mended = mend(&text[..cut]);
        prop_assert!(serde_json::from_str::<Value>(&mended).is_ok(), "{mended}");
    }

    #[test]
    fn whole_json_is_left_alone(value in json()) {
        // A bare number or word has no end of its own, so it counts as cut.
        let text = Value::from(vec![value]).to_string();
        prop_assert_eq!(mend(&text), text);
    }

    #[test]
    fn any_text_can_be_mended(text in ".*") {
        mend(&text);
    }
}

#[test]
fn escapes_are_cut_whole() {
    for (cut, mended) in [
        (r#"{"a":"x\"#, r#"{"a":"x"}"#),
        (r#"{"a":"x\u00e"#, r#"{"a":"x"}"#),
        (r#"{"a":"x\ud83d"#, r#"{"a":"x"}"#),
        (r#"{"a":"x\ud83d\ude0"#, r#"{"a":"x"}"#),
        (r#"{"a":"x\ud83d\ude00"#, r#"{"a":"x\ud83d\ude00"}"#),
        (r#"{"a"#, r#"{"a":null}"#),
        (r#"{"a":[1,tru"#, r#"{"a":[1,null]}"#),
        (r#"{"a":1,"#, r#"{"a":1,"":null}"#),
    ] {
        assert_eq!(mend(cut), mended);
    }
}

#[test]
fn broken_objects_give_the_fields_before_the_break() {
    let found = fields(b"{\"a\":1,\"b\":2,\"c\":oops,\"d\":4}", &["a", "c", "d"]);
    assert_eq!(Value::from(found), serde_json::json!({ "a": 1 }));
    assert!(fields(b"\xff{\"a\":1}", &["a"]).is_empty());
    assert_eq!(fields(b"{\"a\":1,\"b\":\"\xff\"}", &["a"]).len(), 1);
}
