#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use providers::Endpoint;
use serde_json::{Value, json};

use crate::judge::tests::{World, call, judge};
use crate::{Exchange, Kind, Phase, inline};

/// What one check says of a text: its verdict, or the name of its error.
async fn verdict(check: &Value, text: &str) -> Result<bool, String> {
    let request = json!({"model": "m-1", "messages": [{"role": "user", "content": text}]});
    let guardrail = inline(check, "g", Kind::Guardrail).unwrap();
    let exchange = Exchange { request: request.into(), response: None, status: None };
    let mut call = call(Endpoint::ChatCompletions);
    call.metadata.insert("team".to_owned(), "a".to_owned());
    call.metadata.insert("empty".to_owned(), String::new());
    call.metadata.insert("supported_endpoints".to_owned(), "embed, complete".to_owned());
    let ran = judge(World::default()).run(Phase::Input, &[guardrail.into()], &call, &exchange).await;
    let check = &ran.results[0].checks[0];
    match &check.error {
        Some(error) => Err(error.name.clone()),
        None => Ok(check.verdict),
    }
}

const SQL: &str = "See:\n```sql\nselect 1;\n```\nand\n```py\nprint()\n```\n";
const FENCED: &str = "{\"no\": 1} ```json\n{\"a\": 1, \"b\": {\"c\": 2}}\n```";

#[tokio::test]
async fn what_each_check_says_of_texts() {
    let keys = |operator: &str| json!({"jsonKeys": {"keys": ["a", "z"], "operator": operator}});
    let words = |operator: &str| json!({"contains": {"words": ["one", "two"], "operator": operator}});
    let schema = json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}});
    for (check, text, expected) in [
        (json!({"regexMatch": {"rule": "^a+$"}}), "aaa", true),
        (json!({"regexMatch": {"rule": "^a+$"}}), "aab", false),
        (json!({"regexMatch": {"rule": "^a+$", "not": true}}), "aab", true),
        (json!({"regexMatch": {"rule": "b"}}), "aab", true),
        (json!({"sentenceCount": {"minSentences": 2, "maxSentences": 3}}), "One. Two! Three?", true),
        (json!({"sentenceCount": {"minSentences": 2, "maxSentences": 3}}), "One.", false),
        (json!({"sentenceCount": {"maxSentences": 1}}), "One. Two.", false),
        (json!({"sentenceCount": {"minSentences": 1, "not": true}}), "none", true),
        (json!({"wordCount": {"minWords": 2, "maxWords": 3}}), " one  two\nthree ", true),
        (json!({"wordCount": {"minWords": 2, "maxWords": 3}}), "one", false),
        (json!({"wordCount": {"minWords": 2, "maxWords": 3, "not": true}}), "one", true),
        (json!({"characterCount": {"minCharacters": 3, "maxCharacters": 3}}), "äöü", true),
        (json!({"characterCount": {"minCharacters": 4}}), "äöü", false),
        (words("any"), "one", true),
        (words("any"), "One", false),
        (words("all"), "one", false),
        (words("all"), "onetwo", true),
        (words("none"), "three", true),
        (words("none"), "stone", false),
        (json!({"endsWith": {"suffix": "end"}}), "the end", true),
        (json!({"endsWith": {"suffix": "end"}}), "the end.", true),
        (json!({"endsWith": {"suffix": "end."}}), "the end.", true),
        (json!({"endsWith": {"suffix": "end"}}), "the end..", false),
        (json!({"endsWith": {"suffix": "end", "not": true}}), "the middle", true),
        (json!({"alluppercase": {}}), "ABC 1!", true),
        (json!({"alluppercase": {}}), "ABc", false),
        (json!({"alllowercase": {}}), "abc 1!", true),
        (json!({"isAllLowerCase": {"not": true}}), "Abc", true),
        (json!({"notNull": {}}), "x", true),
        (json!({"notNull": {}}), " \n", false),
        (json!({"notNull": {"not": true}}), "", true),
        (json!({"jsonSchema": {"schema": schema}}), FENCED, true),
        (json!({"jsonSchema": {"schema": schema}}), "so {\"x\" {\"a\": 5} end", true),
        (json!({"jsonSchema": {"schema": schema}}), "{\"a\": \"5\"}", false),
        (json!({"jsonSchema": {"schema": schema, "not": true}}), "{\"a\": \"5\"}", true),
        (json!({"jsonSchema": {"schema": schema, "not": true}}), "no JSON", false),
        (
            json!({"jsonSchema": {"schema": {"pattern": "^(a+)+$"}}}),
            "```\n\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"\n```",
            false,
        ),
        (keys("any"), FENCED, true),
        (keys("all"), FENCED, false),
        (keys("none"), FENCED, false),
        (keys("none"), "{\"b\": 1} {\"c\": 1}", true),
        (keys("none"), "{\"b\": 1} {\"a\": 1}", false),
        (keys("any"), "{\"b\": 1} {\"z\": 1}", true),
        (keys("any"), "none", false),
        (json!({"containsCode": {"format": "SQL"}}), SQL, true),
        (json!({"containsCode": {"format": "Python"}}), SQL, true),
        (json!({"containsCode": {"format": "Rust"}}), SQL, false),
        (json!({"containsCode": {"format": "Rust", "not": true}}), SQL, true),
        (json!({"containsCode": {"format": "sql"}}), "```select 1```", false),
        (json!({"containsCode": {"format": "sql"}}), "```sql\nunclosed", false),
        (json!({"modelWhitelist": {"models": ["m-1"]}}), "", true),
        (json!({"modelwhitelist": {"models": ["m"]}}), "", false),
        (json!({"modelwhitelist": {"models": ["m"], "not": true}}), "", true),
        (
            json!({"modelRules": {"rules": {"defaults": ["x"], "metadata": {"team": {"a": ["m-1"]}}}}}),
            "",
            true,
        ),
        (
            json!({"modelRules": {"rules": {"defaults": ["x"], "metadata": {"team": {"b": ["m-1"]}}}}}),
            "",
            false,
        ),
        (json!({"modelRules": {"rules": {"defaults": ["m-1"]}}}), "", true),
        (json!({"allowedRequestTypes": {"allowedTypes": ["chatComplete"]}}), "", true),
        (json!({"allowedRequestTypes": {"allowedTypes": "complete, embed"}}), "", false),
        (json!({"allowedRequestTypes": {"blockedTypes": ["chatComplete"]}}), "", false),
        // What the parameters leave open, the metadata say.
        (json!({"allowedRequestTypes": {}}), "", false),
        (json!({"requiredMetadataKeys": {"metadataKeys": ["team"]}}), "", true),
        (json!({"requiredMetadataKeys": {"metadataKeys": ["team", "empty"]}}), "", false),
        (json!({"requiredMetadataKeys": {"metadataKeys": ["team", "x"], "operator": "any"}}), "", true),
        (json!({"requiredMetadataKeys": {"metadataKeys": ["x"], "operator": "none"}}), "", true),
        (json!({"regexReplace": {"rule": "a"}}), "bab", true),
        (json!({"regexReplace": {"rule": "a", "failOnDetection": true}}), "bab", false),
        (json!({"addPrefix": {"prefix": "x"}}), "bab", true),
        (json!({"validUrls": {}}), "see https://up.example/a?b=c, and (https://up.example).", true),
        (json!({"validUrls": {}}), "see https://up.example and https://down.example", false),
        (json!({"validUrls": {"not": true}}), "https://down.example", true),
        (json!({"validUrls": {"onlyDNS": true}}), "https://named.example/x", true),
        (json!({"validUrls": {"onlyDNS": true}}), "https://down.example/x", false),
        (json!({"validUrls": {}}), "none", false),
    ] {
        assert_eq!(verdict(&check, text).await, Ok(expected), "{check} {text}");
    }
}

#[tokio::test]
async fn what_cannot_be_judged_is_an_error_and_no_verdict() {
    let rules = json!({"modelRules": {"rules": {"metadata": {"team": {"b": ["m-1"]}}}}});
    assert_eq!(verdict(&rules, "").await, Err("NoRule".to_owned()));
    let urls = (0..21).map(|i| format!("https://up.example/{i}")).collect::<Vec<_>>().join(" ");
    assert_eq!(verdict(&json!({"validUrls": {}}), &urls).await, Err("TooManyUrls".to_owned()));
    let webhook = json!({"webhook": {"webhookURL": "https://down.example/"}});
    assert_eq!(verdict(&webhook, "").await, Err("WebhookError".to_owned()));
    let webhook = json!({"webhook": {"webhookURL": "https://up.example/none"}});
    assert_eq!(verdict(&webhook, "").await, Err("WebhookError".to_owned()), "an answer without a verdict");
    let log = json!({"log": {"logURL": "https://down.example/"}});
    assert_eq!(verdict(&log, "").await, Err("LogError".to_owned()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_is_too_strange(text in "(```|\\{|\\}|\"|a|json|\n|https://|\\PC){0,40}") {
        let checks = [
            json!({"jsonKeys": {"keys": ["a"]}}), json!({"jsonSchema": {"schema": {}}}),
            json!({"containsCode": {"format": "a"}}), json!({"validUrls": {}}), json!({"regexReplace": {"rule": "a|."}}),
        ];
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for check in &checks {
            if inline(check, "g", Kind::Guardrail).is_ok() {
                let _ = runtime.block_on(verdict(check, &text));
            }
        }
    }

    #[test]
    fn a_verdict_turns_round_with_not(text in "[a-cA-C .!?]{0,20}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for (name, parameters) in [
            ("regexMatch", json!({"rule": "a.b"})), ("sentenceCount", json!({"minSentences": 1, "maxSentences": 2})),
            ("wordCount", json!({"minWords": 1, "maxWords": 3})), ("characterCount", json!({"maxCharacters": 9})),
            ("contains", json!({"words": ["ab", "c"]})), ("endsWith", json!({"suffix": "a"})),
            ("alluppercase", json!({})), ("alllowercase", json!({})), ("notNull", json!({})),
        ] {
            let plain = json!({name: parameters});
            let mut turned = plain.clone();
            turned[name]["not"] = true.into();
            let (plain, turned) = (runtime.block_on(verdict(&plain, &text)), runtime.block_on(verdict(&turned, &text)));
            prop_assert_eq!(plain.map(|verdict| !verdict), turned, "{} {}", name, text);
        }
    }
}
