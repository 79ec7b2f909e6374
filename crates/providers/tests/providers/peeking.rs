use std::borrow::Cow;

use proptest::prelude::*;
use providers::{peek, with_model};

#[test]
fn a_body_says_its_model_stream_and_user() {
    let peeked = peek(
        br#" {"stream": true, "messages": [{"model": "inner"}], "model" : "@slug/gpt-4o" ,"user":"u1"} "#,
    )
    .unwrap();
    assert_eq!(peeked.model.as_deref(), Some("@slug/gpt-4o"));
    assert!(matches!(peeked.model, Some(Cow::Borrowed(_))));
    assert_eq!((peeked.stream, peeked.user.as_deref()), (true, Some("u1")));

    let peeked = peek(b"{}").unwrap();
    assert_eq!((peeked.model, peeked.model_span, peeked.stream, peeked.user), (None, None, false, None));

    let peeked = peek(br#"{"stream":null,"user":null,"model":"\u0040a\"\n"}"#).unwrap();
    assert_eq!((peeked.stream, peeked.user), (false, None));
    assert_eq!(peeked.model.as_deref(), Some("@a\"\n"));
}

#[test]
fn the_model_is_replaced_and_nothing_else() {
    let body = br#"{ "x":1.0e5, "model" : "@slug/gpt" , "y":"\u0041"}"#;
    let peeked = peek(body).unwrap();
    assert_eq!(&body[peeked.model_span.clone().unwrap()], br#""@slug/gpt""#);
    let changed = with_model(body, peeked.model_span.unwrap(), "a\"b");
    assert_eq!(changed, br#"{ "x":1.0e5, "model" : "a\"b" , "y":"\u0041"}"#);
}

#[test]
fn a_wrong_body_is_refused_with_what_would_be_right() {
    for (body, message) in [
        (&b"{\"model\":1}"[..], "model: must be a string"),
        (b"{\"model\":null}", "model: must be a string"),
        (b"{\"model\":{\"model\":\"x\"}}", "model: must be a string"),
        (b"{\"user\":[]}", "user: must be a string"),
        (b"{\"stream\":\"true\"}", "stream: must be true or false"),
        (b"{\"stream\":1}", "stream: must be true or false"),
        (b"{\"model\":\"a\",\"model\":\"b\"}", "model: must be given once"),
        (b"{\"model\":\"a\",\"mod\\u0065l\":\"b\"}", "model: must be given once"),
        (b"[]", "body: must be a JSON object"),
        (b"\"text\"", "body: must be a JSON object"),
        (b"", "body: not JSON: EOF while parsing a value at line 1 column 0"),
        (b"{\"a\" 1}", "body: not JSON: expected `:` at line 1 column 6"),
        (b"{\"a\":1} x", "body: not JSON: trailing characters at line 1 column 9"),
        (b"{\"a\":1}{}", "body: not JSON: trailing characters at line 1 column 8"),
        (b"{\"a\":01}", "body: not JSON: invalid number at line 1 column 7"),
        (b"{\"a\":\"\xff\"}", "body: not UTF-8: invalid utf-8 sequence of 1 bytes from index 6"),
    ] {
        let error = peek(body).unwrap_err().to_string();
        assert_eq!(error, message, "{}", String::from_utf8_lossy(body));
    }
    let lone_surrogate = peek(br#"{"model":"\ud800"}"#).unwrap_err().to_string();
    assert!(lone_surrogate.starts_with("body: not JSON"), "{lone_surrogate}");
}

#[test]
fn deep_nesting_takes_no_stack() {
    let deep = 200_000;
    let body = format!(r#"{{"a":{}{},"model":"m"}}"#, "[".repeat(deep), "]".repeat(deep));
    assert_eq!(peek(body.as_bytes()).unwrap().model.as_deref(), Some("m"));
    assert!(peek("[".repeat(deep).as_bytes()).is_err());
    assert!(peek(format!(r#"{{"model":{}"#, r#"{"a":"#.repeat(deep)).as_bytes()).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = peek(&body);
    }

    #[test]
    fn what_peek_takes_is_an_object_and_the_other_way_round(
        body in r#"(\{|\[)?("model"|"stream"|"user"|"x"):("a"|true|null|1|\{\}|"\\u00e9")(,"model":"b")?(\}|\])? ?"#
    ) {
        let value = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&body);
        match peek(body.as_bytes()) {
            Ok(peeked) => {
                let value = value.unwrap();
                prop_assert_eq!(peeked.model.as_deref(), value.get("model").and_then(|model| model.as_str()));
            }
            Err(error) if error.to_string().starts_with("body:") => prop_assert!(value.is_err()),
            Err(_) => prop_assert!(value.is_ok()),
        }
    }

    #[test]
    fn a_replaced_model_is_the_one_read_next(before in ".*", after in ".*", old in ".*", new in ".*") {
        let text = |text: &str| serde_json::Value::from(text).to_string();
        let body = format!(r#"{{"a":{}, "model": {} ,"b":{}}}"#, text(&before), text(&old), text(&after));
        let peeked = peek(body.as_bytes()).unwrap();
        prop_assert_eq!(peeked.model.as_deref(), Some(old.as_str()));
        let changed = with_model(body.as_bytes(), peeked.model_span.unwrap(), &new);
        let peeked = peek(&changed).unwrap();
        prop_assert_eq!(peeked.model.as_deref(), Some(new.as_str()));
    }

    #[test]
    fn any_span_can_be_asked_for(body in ".{0,20}", start in 0..50_usize, end in 0..50_usize) {
        let _ = with_model(body.as_bytes(), start..end, "m");
    }
}
