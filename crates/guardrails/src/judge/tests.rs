#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use url::Url;

use super::*;
use crate::{Failure, inline};

/// A world with a few hosts.
#[derive(Default)]
pub(crate) struct World {
    /// What was posted.
    posted: Arc<Mutex<Vec<Value>>>,
    keys: Arc<Mutex<Option<String>>>,
    gets: Arc<Mutex<usize>>,
}

#[async_trait]
impl Outside for World {
    async fn post(
        &self,
        url: &Url,
        _: &[(HeaderName, HeaderValue)],
        body: Bytes,
        _: Duration,
    ) -> Result<Bytes, Failure> {
        if url.host_str() != Some("up.example") {
            return Err(Failure::Status(500));
        }
        let body: Value = serde_json::from_slice(&body).unwrap();
        self.posted.lock().unwrap().push(body);
        let answer = match url.path() {
            "/true" => json!({"verdict": true, "data": {"seen": 1}}),
            "/false" => json!({"verdict": false}),
            "/transform" => {
                json!({"verdict": true, "transformedData": {"request": {"json": {"messages": [{"role": "user", "content": "theirs"}]}},
                "response": {"json": {"choices": [{"message": {"content": "theirs"}}]}}}})
            }
            _ => json!({}),
        };
        Ok(answer.to_string().into())
    }

    async fn get(&self, _: &Url, _: Duration) -> Result<Bytes, Failure> {
        *self.gets.lock().unwrap() += 1;
        self.keys.lock().unwrap().clone().map(Bytes::from).ok_or(Failure::Status(404))
    }

    async fn answers(&self, url: &Url, _: Duration) -> bool {
        url.host_str() == Some("up.example")
    }

    async fn resolves(&self, host: &str, _: Duration) -> bool {
        host == "named.example"
    }
}

pub(crate) fn judge(world: World) -> Judge {
    let clock = Clock::starting_at(1_700_000_000_000);
    Judge::new(Arc::new(world), clock.clone(), Ids::new(clock))
}

pub(crate) fn call(endpoint: Endpoint) -> Call {
    Call {
        endpoint,
        provider: "openai".to_owned(),
        metadata: BTreeMap::new(),
        headers: BTreeMap::new(),
        streamed: false,
    }
}

fn guardrails(entries: &Value) -> Vec<Arc<Guardrail>> {
    let entries = entries.as_array().unwrap().iter();
    entries.map(|entry| Arc::new(inline(entry, "g", Kind::Guardrail).unwrap())).collect()
}

fn chat(text: &str) -> Exchange {
    let request = json!({"model": "m", "messages": [{"role": "user", "content": text}]});
    Exchange { request: request.into(), response: None, status: None }
}

async fn input(world: World, entries: Value, text: &str) -> Ran {
    let call = call(Endpoint::ChatCompletions);
    judge(world).run(Phase::Input, &guardrails(&entries), &call, &chat(text)).await
}

#[tokio::test]
async fn results_have_the_contracts_shape() {
    let entries = json!([{"default.contains": {"words": ["x"], "operator": "none"}, "deny": true, "id": "g1",
        "on_fail": {"feedback": {"value": -5, "weight": 1, "metadata": {"by": "us"}}}}]);
    let ran = input(World::default(), entries, "an x").await;
    assert!(ran.denied && ran.failed && ran.changed.is_none());
    let mut result = serde_json::to_value(&ran.results[0]).unwrap();
    assert!(result["created_at"].as_str().unwrap().starts_with("2023-11-14T22:13:20."));
    assert_eq!(result["created_at"], result["checks"][0]["created_at"]);
    (result["created_at"], result["checks"][0]["created_at"]) = (Value::Null, Value::Null);
    (result["execution_time"], result["checks"][0]["execution_time"]) = (json!(1), json!(1));
    assert_eq!(
        result,
        json!({"verdict": false, "id": "g1", "transformed": false, "checks": [{
            "id": "default.contains", "verdict": false,
            "data": {"explanation": "1 of 1 found, none wanted", "found": ["x"], "missing": [], "operator": "none"},
            "error": null, "execution_time": 1, "transformed": false, "created_at": null, "log": null, "fail_on_error": false}],
            "feedback": {"value": -5, "weight": 1.0, "metadata": {"by": "us", "successfulChecks": "",
                "failedChecks": "default.contains", "erroredChecks": ""}},
            "execution_time": 1, "async": false, "type": "guardrail", "created_at": null, "deny": true})
    );
}

#[tokio::test]
async fn only_what_says_so_denies_and_what_is_asynchronous_never_does() {
    let failing = |extra: Value| {
        let mut entry = json!({"endsWith": {"suffix": "y"}});
        entry.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        json!([entry])
    };
    for (extra, denied) in [
        (json!({}), false),
        (json!({"deny": false}), false),
        (json!({"deny": true}), true),
        (json!({"deny": true, "async": true}), false),
    ] {
        let ran = input(World::default(), failing(extra.clone()), "x").await;
        assert_eq!((ran.denied, ran.failed), (denied, true), "{extra}");
        assert_eq!(ran.results[0].deny, denied);
    }
    let passing = input(World::default(), failing(json!({"deny": true})), "y").await;
    assert!(!passing.denied && !passing.failed && !passing.results[0].deny);
}

#[tokio::test]
async fn what_could_not_be_checked_passes_unless_it_says_otherwise() {
    let down = |fail: bool| {
        json!([{"webhook": {"webhookURL": "https://down.example/", "failOnError": fail}, "deny": true,
            "on_success": {"feedback": {}}, "on_fail": {"feedback": {}}}])
    };
    let open = input(World::default(), down(false), "x").await;
    assert!(!open.denied && !open.failed);
    let result = &open.results[0];
    assert!(result.verdict && !result.checks[0].verdict && !result.checks[0].fail_on_error);
    assert_eq!(result.checks[0].error.as_ref().unwrap().message, "answered 500");
    let feedback = result.feedback.as_ref().unwrap();
    assert_eq!((feedback.value, feedback.metadata["erroredChecks"].as_str()), (5, Some("default.webhook")));
    let closed = input(World::default(), down(true), "x").await;
    assert!(closed.denied && closed.failed && closed.results[0].checks[0].fail_on_error);
}

#[tokio::test]
async fn a_webhook_is_told_the_call_and_may_change_it() {
    let world = World::default();
    let posted = Arc::clone(&world.posted);
    let entries = json!([{"webhook": {"webhookURL": "https://up.example/transform"}},
        {"regexReplace": {"rule": "eir"}}]);
    let ran = input(world, entries, "mine").await;
    // What follows on a webhook's body is done to that.
    assert_eq!(ran.changed, Some(json!({"messages": [{"role": "user", "content": "theirs"}]})));
    assert!(ran.results[0].transformed && !ran.results[1].transformed);
    let expected = json!({
        "request": {"json": *chat("mine").request, "text": "mine", "isStreamingRequest": false, "isTransformed": false},
        "response": {"json": {}, "text": "", "statusCode": null, "isTransformed": false},
        "provider": "openai", "requestType": "chatComplete", "metadata": {}, "eventType": "beforeRequestHook"});
    assert_eq!(*posted.lock().unwrap(), [expected]);
}

#[tokio::test]
async fn mutators_come_first_one_after_the_other_and_guardrails_see_what_they_made() {
    let entries = json!([{"endsWith": {"suffix": "[2]"}, "id": "judges"},
        {"type": "mutator", "checks": [{"id": "regexReplace", "parameters": {"rule": "secret", "redactText": "[1]"}}]},
        {"type": "mutator", "checks": [{"id": "regexReplace", "parameters": {"rule": "\\[1\\]", "redactText": "[2]"}},
            {"id": "addPrefix", "parameters": {"prefix": "so: "}}]}]);
    let ran = input(World::default(), entries, "a secret").await;
    assert_eq!(ran.changed.unwrap()["messages"][0]["content"], "so: a [2]");
    let told: Vec<(&str, bool, &str)> =
        ran.results.iter().map(|result| (result.id.as_str(), result.verdict, result.kind)).collect();
    assert_eq!(told[0], ("judges", true, "guardrail"));
    assert_eq!((told[1].2, told[2].2), ("mutator", "mutator"));
    assert!(told[1].0.starts_with("input_guardrail_") && told[1].0.len() == "input_guardrail_xyz".len());
}

#[tokio::test]
async fn checks_see_what_those_before_made_only_when_they_are_sequential() {
    let entry = |sequential: bool| {
        json!([{"checks": [{"id": "regexReplace", "parameters": {"rule": "a", "redactText": "b"}},
            {"id": "regexReplace", "parameters": {"rule": "b", "redactText": "c"}}, {"id": "endsWith", "parameters": {"suffix": "c"}}],
            "sequential": sequential}])
    };
    let one_by_one = input(World::default(), entry(true), "a").await;
    assert!(one_by_one.results[0].verdict);
    assert_eq!(one_by_one.changed.unwrap()["messages"][0]["content"], "c");
    let beside = input(World::default(), entry(false), "a").await;
    assert!(!beside.results[0].verdict);
    assert_eq!(beside.changed.unwrap()["messages"][0]["content"], "b");
}

#[tokio::test]
async fn an_answer_is_judged_and_changed() {
    let response = json!({"choices": [{"message": {"content": "my secret"}}]});
    let exchange = Exchange { response: Some(response.into()), status: Some(200), ..chat("secret") };
    let entries = guardrails(&json!([{"regexReplace": {"rule": "secret"}}, {"addPrefix": {"prefix": "x"}}]));
    let ran = judge(World::default())
        .run(Phase::Output, &entries, &call(Endpoint::ChatCompletions), &exchange)
        .await;
    assert_eq!(ran.changed, Some(json!({"choices": [{"message": {"content": "my [REDACTED]"}}]})));
    assert!(ran.results[0].id.starts_with("output_guardrail_"));
}

#[tokio::test]
async fn a_prefix_goes_before_the_first_message_of_its_role() {
    let messages = json!([{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]);
    for (parameters, expected) in [
        (
            json!({"prefix": "p"}),
            json!([{"role": "system", "content": "s"}, {"role": "user", "content": "pu"}]),
        ),
        (json!({"prefix": "p", "onlyIfEmpty": true}), messages.clone()),
        (
            json!({"prefix": "p", "applyToRole": "system", "addToExisting": false}),
            json!([{"role": "system", "content": "p"}, {"role": "system", "content": "s"}, {"role": "user", "content": "u"}]),
        ),
        (
            json!({"prefix": "p", "applyToRole": "assistant", "onlyIfEmpty": true}),
            json!([{"role": "system", "content": "s"}, {"role": "user", "content": "u"}, {"role": "assistant", "content": "p"}]),
        ),
    ] {
        let exchange =
            Exchange { request: json!({"messages": messages}).into(), response: None, status: None };
        let entries = guardrails(&json!([{"addPrefix": parameters}]));
        let ran = judge(World::default())
            .run(Phase::Input, &entries, &call(Endpoint::ChatCompletions), &exchange)
            .await;
        assert_eq!(ran.changed.unwrap()["messages"], expected, "{parameters}");
    }
}

/// A key of Ed25519 and its set (RFC 8037, appendix A).
const SEED: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn token(kid: &str, claims: &Value) -> String {
    let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) };
    let der: Vec<u8> = ed25519_der();
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(&der)).unwrap()
}

/// PKCS #8 of the seed above, without a PEM reader.
fn ed25519_der() -> Vec<u8> {
    let text: String = SEED.lines().filter(|line| !line.starts_with('-')).collect();
    let digit = |c: u8| {
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".iter().position(|d| *d == c)
    };
    let mut bits = 0_u32;
    let mut n = 0;
    let mut bytes = Vec::new();
    for value in text.bytes().filter_map(digit) {
        bits = bits << 6 | u32::try_from(value).unwrap();
        n += 6;
        if n >= 8 {
            n -= 8;
            bytes.push(u8::try_from(bits >> n & 0xff).unwrap());
        }
    }
    bytes
}

#[tokio::test]
async fn a_token_is_good_when_its_key_is_in_the_set_and_its_time_is_now() {
    let world = World::default();
    let (keys, gets) = (Arc::clone(&world.keys), Arc::clone(&world.gets));
    let judge = judge(world);
    let now_s = judge.clock.now_s();
    let entries =
        guardrails(&json!([{"jwt": {"jwksUri": "https://keys.example/jwks", "maxTokenAge": "1h"}}]));
    let check = async |header: Option<String>| {
        let mut call = call(Endpoint::ChatCompletions);
        call.headers.extend(header.map(|value| ("authorization".to_owned(), value)));
        let ran = judge.run(Phase::Input, &entries, &call, &chat("x")).await;
        let check = ran.results[0].checks[0].clone();
        let said = check.data.get("explanation").and_then(Value::as_str).unwrap_or_default().to_owned();
        check.error.map_or((check.verdict, said), |error| (false, error.message))
    };
    let good = token("k1", &json!({"iat": now_s - 10, "exp": now_s + 60}));
    assert_eq!(check(Some(good.clone())).await, (false, "answered 404".to_owned()));
    let set = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": PUBLIC},
        {"kty": "oct", "kid": "shared", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}]});
    *keys.lock().unwrap() = Some(set.to_string());
    *gets.lock().unwrap() = 0;
    let hmac = Header { kid: Some("shared".to_owned()), ..Header::new(Algorithm::HS256) };
    let shared = EncodingKey::from_secret(b"secretsecretsecretsecret");
    let hmac = jsonwebtoken::encode(&hmac, &json!({"iat": now_s}), &shared).unwrap();
    let mut forged = good.clone();
    forged.truncate(good.rfind('.').unwrap() + 1);
    forged.push_str(token("k1", &json!({})).rsplit('.').next().unwrap());
    for (header, expected) in [
        (Some(format!("Bearer {good}")), (true, "the token is good")),
        (Some(good.clone()), (true, "the token is good")),
        (None, (false, "the request has no token")),
        (Some("Bearer x".to_owned()), (false, "what the request has is no token")),
        (
            Some(token("k2", &json!({"iat": now_s}))),
            (false, "no key of the set has the name that the token gives"),
        ),
        (Some(token("k1", &json!({"iat": now_s - 10, "exp": now_s - 6}))), (false, "the token has expired")),
        (Some(token("k1", &json!({"iat": now_s - 10, "exp": now_s - 2}))), (true, "the token is good")),
        (Some(token("k1", &json!({"iat": now_s, "nbf": now_s + 60}))), (false, "the token is not good yet")),
        (Some(token("k1", &json!({"iat": now_s - 3_700}))), (false, "the token is too old")),
        (Some(token("k1", &json!({"iat": now_s + 60}))), (false, "the token was issued in the future")),
        (Some(token("k1", &json!({}))), (false, "the token does not say when it was issued")),
        (Some(token("k1", &json!({"iat": now_s, "exp": "x"}))), (false, "the token has expired")),
        (Some(hmac), (false, "the token is not signed as its key signs")),
        (Some(forged), (false, "the token is not signed by its key")),
    ] {
        assert_eq!(check(header.clone()).await, (expected.0, expected.1.to_owned()), "{header:?}");
    }
    assert_eq!(*gets.lock().unwrap(), 1, "the set is kept");
    judge.clock.advance(Duration::from_mins(2));
    check(Some(token("k2", &json!({"iat": now_s})))).await;
    assert_eq!(*gets.lock().unwrap(), 2, "a key that is not in it is looked for again, after a while");
    judge.clock.advance(Duration::from_hours(25));
    check(Some(good)).await;
    assert_eq!(*gets.lock().unwrap(), 3);
}
