#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::json;

use super::*;

fn told(result: Result<Guardrail, Vec<Mistake>>) -> Vec<String> {
    result.map(|_| ()).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn the_short_form_is_read() {
    let entry = json!({"default.contains": {"words": ["x"], "operator": "none"}, "wordCount": {"minWords": 1, "maxWords": 5},
        "notNull": {"is_enabled": false}, "deny": true, "async": false, "id": "g1",
        "on_fail": {"feedback": {"value": -5, "weight": 1}}});
    let guardrail = inline(&entry, "input_guardrails[0]", Kind::Guardrail).unwrap();
    assert_eq!(guardrail.id.as_deref(), Some("g1"));
    assert_eq!(guardrail.checks().collect::<Vec<_>>(), ["default.contains", "default.wordCount"]);
    assert!(guardrail.deny && !guardrail.asynchronous && !guardrail.sequential);
    assert_eq!(guardrail.on_fail, Some(Feedback { value: -5, weight: 1.0, metadata: Map::new() }));
    assert_eq!(guardrail.on_success, None);
}

#[test]
fn the_long_form_is_read() {
    let entry = json!({"type": "mutator", "id": "m", "sequential": true, "async": true,
        "checks": [{"id": "default.addPrefix", "parameters": {"prefix": "x"}}, {"id": "notNull", "is_enabled": false},
            {"id": "jwt", "parameters": {"jwksUri": "https://keys.example.com/jwks", "headerKey": "X-Token"}}],
        "on_success": {"feedback": {}}, "on_fail": null});
    let guardrail = inline(&entry, "before_request_hooks[0]", Kind::Guardrail).unwrap();
    assert_eq!(guardrail.kind, Kind::Mutator);
    assert_eq!(guardrail.checks().collect::<Vec<_>>(), ["default.addPrefix", "default.jwt"]);
    assert_eq!(guardrail.headers().collect::<Vec<_>>(), ["x-token"]);
    assert!(guardrail.sequential && guardrail.asynchronous && !guardrail.deny);
    assert_eq!(guardrail.on_success, Some(Feedback { value: 5, weight: 1.0, metadata: Map::new() }));
    assert_eq!(guardrail.on_fail, None);
}

#[test]
fn a_saved_one_is_read_with_metadata_that_is_a_text() {
    let checks = json!([{"id": "default.isAllLowerCase", "name": "lower", "parameters": {}}]);
    let actions = json!({"deny": true, "async": false,
        "on_success": {"feedback": {"value": 5, "weight": 1, "metadata": ""}},
        "on_fail": {"feedback": {"value": -3, "weight": 0.5, "metadata": "loud"}}});
    let guardrail = saved("pg-a-1", &checks, &actions).unwrap();
    assert_eq!(guardrail.id.as_deref(), Some("pg-a-1"));
    let metadata = Map::from_iter([("text".to_owned(), json!("loud"))]);
    assert_eq!(guardrail.on_fail, Some(Feedback { value: -3, weight: 0.5, metadata }));
    assert_eq!(
        told(saved("g", &json!([]), &json!(1))),
        ["checks: must be an array of 1 to 50 checks", "actions: must be an object",]
    );
}

#[test]
fn names_and_aliases_are_one() {
    for (name, parameters) in [
        ("modelwhitelist", json!({"models": ["m"]})),
        ("default.modelWhitelist", json!({"models": "m,n"})),
        ("isAllLowerCase", json!({})),
        ("alllowercase", json!({})),
        ("default.alluppercase", json!({"not": "true"})),
        ("webhook", json!({"webhookURL": "https://h.example.com/?a=b", "headers": "{\"x\":\"y\"}"})),
        ("webhook", json!({"webhookURL": "https://h.example.com/", "headers": ""})),
        ("jsonSchema", json!({"schema": "{\"type\":\"object\"}"})),
    ] {
        let entry = Value::from_iter([(name.to_owned(), parameters)]);
        inline(&entry, "g", Kind::Guardrail).unwrap();
    }
}

#[test]
fn mistakes_are_told_by_their_path() {
    let cases = [
        (json!("x"), "g: must be an object, or the slug of a saved guardrail"),
        (json!({"deny": true}), "g: must have 1 to 50 checks, such as default.contains"),
        (json!({"contains": {"words": ["a"]}, "deny": "yes"}), "g.deny: must be true or false"),
        (json!({"contains": {"words": ["a"]}, "id": 7}), "g.id: must be a string of 1 to 256 characters"),
        (json!({"contains": {"words": ["a"]}, "type": "x"}), "g.type: must be guardrail or mutator"),
        (
            json!({"contains": {"words": ["a"]}, "on_fail": {"feedback": {"value": 11}}}),
            "g.on_fail.feedback.value: must be a whole number from -10 to 10",
        ),
        (
            json!({"contains": {"words": ["a"]}, "on_success": {"feedback": {"weight": 2}}}),
            "g.on_success.feedback.weight: must be a number from 0 to 1",
        ),
        (
            json!({"default.contains": {}}),
            "g.default.contains.words: is missing: must be an array of strings",
        ),
        (json!({"contains": 1}), "g.contains: must be the check's parameters, an object"),
        (json!({"contains": {"words": []}}), "g.contains.words: must have an entry"),
        (json!({"contains": {"words": [1]}}), "g.contains.words: must be an array of at most 1000 strings"),
        (
            json!({"contains": {"words": ["a"], "operator": "some"}}),
            "g.contains.operator: must be any, all or none",
        ),
        (json!({"contains": {"words": ["a"], "not": 1}}), "g.contains.not: must be true or false"),
        (
            json!({"wordCount": {"minWords": 1}}),
            "g.wordCount.maxWords: is missing: must be a whole number from 0 on",
        ),
        (
            json!({"sentenceCount": {}}),
            "g.sentenceCount.minSentences: is missing: one of minSentences and maxSentences must be there",
        ),
        (
            json!({"characterCount": {"minCharacters": 5, "maxCharacters": 4}}),
            "g.characterCount.maxCharacters: must not be less than minCharacters",
        ),
        (json!({"regexMatch": {"rule": ""}}), "g.regexMatch.rule: must be a string with something in it"),
        (
            json!({"regexMatch": {"rule": "(?=a)"}}),
            "g.regexMatch.rule: must be a regular expression without look-around and back-references, which linear time does not allow",
        ),
        (json!({"regexMatch": {"rule": "(\\w{999}){99}"}}), "g.regexMatch.rule: is too large a pattern"),
        (
            json!({"webhook": {"webhookURL": "ftp://x"}}),
            "g.webhook.webhookURL: must be an absolute http or https URL of at most 2048 characters, without a user name",
        ),
        (
            json!({"webhook": {"webhookURL": "https://x.example", "timeout": 0}}),
            "g.webhook.timeout: must be a whole number of milliseconds from 1 to 60000",
        ),
        (
            json!({"webhook": {"webhookURL": "https://x.example", "headers": {"Host": "y"}}}),
            "g.webhook.headers.Host: is set by the connection",
        ),
        (
            json!({"jwt": {"jwksUri": "https://x.example", "maxTokenAge": "soon"}}),
            "g.jwt.maxTokenAge: must be a time such as 30s, 15m, 12h or 1d",
        ),
        (json!({"modelRules": {"rules": {}}}), "g.modelRules.rules: must have defaults or metadata"),
        (
            json!({"allowedRequestTypes": {"allowedTypes": ["embed"], "blockedTypes": "embed"}}),
            "g.allowedRequestTypes.blockedTypes: embed is in allowedTypes too",
        ),
        (
            json!({"patronus.pii": {}}),
            "g.patronus.pii: needs a service outside, which this server does not ask; default.webhook can ask any",
        ),
        (
            json!({"checks": [{"parameters": {}}]}),
            "g.checks[0].id: must be a check's id, such as default.contains",
        ),
        (
            json!({"checks": [{"id": "notNull"}, {"id": "endsWith", "parameters": {"suffix": 1}}]}),
            "g.checks[1].parameters.suffix: must be a string with something in it",
        ),
    ];
    for (entry, expected) in cases {
        assert_eq!(told(inline(&entry, "g", Kind::Guardrail)), [expected], "{entry}");
    }
}

#[test]
fn a_schema_refers_to_nothing_outside_and_an_unknown_check_is_told_the_known() {
    let schema = json!({"jsonSchema": {"schema": {"$ref": "https://example.com/schema.json"}}});
    let mistakes = told(inline(&schema, "g", Kind::Guardrail));
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert!(
        mistakes[0].starts_with("g.jsonSchema.schema: must be a JSON schema that refers to nothing outside")
    );
    let unknown = told(inline(&json!({"default.nope": {}}), "g", Kind::Guardrail));
    assert!(
        unknown[0]
            .starts_with("g.default.nope: no check is called default.nope; there are default.regexMatch, ")
    );
    let many = json!({"contains": {}, "regexMatch": {}, "nope": {}});
    assert_eq!(told(inline(&many, "g", Kind::Guardrail)).len(), 3, "all is told at once");
}
