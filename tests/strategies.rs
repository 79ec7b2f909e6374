//! Configs as callers send them: which targets are asked, in which order, with what, and what comes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use plans::Plan;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Exchange, Org, TestApp, Upstream, answer, chat, delta, log_id};

/// How providers answer, by their names; the others answer with 200.
type Statuses = &'static [(&'static str, u16)];

const CHAT: &str = "/v1/chat/completions";

/// Providers, each with a name of its own at one address: they answer as they are told, and it is known who was asked.
struct Providers {
    addr: SocketAddr,
    statuses: Arc<Mutex<BTreeMap<&'static str, u16>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

struct Asked {
    name: String,
    secret: String,
    body: Value,
}

impl Providers {
    async fn start() -> Self {
        let upstream = Upstream::start().await;
        let (addr, statuses) = (upstream.addr, Arc::<Mutex<BTreeMap<_, _>>>::default());
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let (told, seen) = (Arc::clone(&statuses), Arc::clone(&asked));
        upstream.answer_each(move |exchange| {
            let found = Asked::of(&exchange);
            let status = told.lock().unwrap().get(found.name.as_str()).copied().unwrap_or(200);
            let text = format!("from {}", found.name);
            let is_streamed = found.body["stream"] == true;
            seen.lock().unwrap().push(found);
            answer_as(exchange, status, text, is_streamed)
        });
        Self { addr, statuses, asked }
    }

    /// A target that leads to the provider of this name.
    fn target(&self, name: &str, more: &Value) -> Value {
        let mut target = json!({
            "provider": "openai", "api_key": format!("sk-{name}"), "custom_host": format!("http://{}/{name}/v1", self.addr),
        });
        target.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        target
    }

    fn targets(&self, names: &[&str]) -> Vec<Value> {
        names.iter().map(|name| self.target(name, &json!({}))).collect()
    }

    fn answer(&self, statuses: Statuses) {
        *self.statuses.lock().unwrap() = statuses.iter().copied().collect();
    }

    /// Who was asked since this was last called.
    fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    fn names(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.name).collect()
    }
}

impl Asked {
    fn of(exchange: &Exchange) -> Self {
        let name = exchange.head.split('/').nth(1).unwrap_or_default().to_owned();
        let secret = exchange.header("authorization").unwrap_or_default().to_owned();
        Self { name, secret, body: serde_json::from_slice(&exchange.body).unwrap_or_default() }
    }
}

async fn answer_as(mut exchange: Exchange, status: u16, text: String, is_streamed: bool) {
    if status != 200 {
        exchange.json(status, &json!({"error": {"message": text, "type": "test"}})).await;
    } else if is_streamed {
        exchange.event_stream().await;
        exchange.send(delta(&text)).await;
        exchange.send("data: [DONE]\n\n").await;
        exchange.end().await;
    } else {
        exchange.json(200, &answer(&text)).await;
    }
}

fn call(org: &Org<'_>, config: &Value) -> RequestBuilder {
    org.request(Method::POST, CHAT).header("x-portkey-config", config.to_string())
}

async fn ask(org: &Org<'_>, config: &Value) -> Response {
    call(org, config).json(&chat("hi")).send().await.unwrap()
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

/// The message and the errors of a refusal, after which nobody was asked.
async fn refused(request: RequestBuilder, providers: &Providers) -> Value {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], "failure", "{body}");
    assert_eq!(providers.names(), [""; 0], "{body}");
    body
}

#[tokio::test]
async fn a_fallback_asks_until_an_answer_is_one_to_take() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let providers = Providers::start().await;
    let all = providers.targets(&["a", "b", "c"]);
    let any = json!({"strategy": {"mode": "fallback"}, "targets": all});
    let limited = json!({"strategy": {"mode": "fallback", "on_status_codes": [429, 503]}, "targets": all});
    let cases: [(&Value, Statuses, &[&str], u16); 9] = [
        (&any, &[], &["a"], 200),
        (&any, &[("a", 500)], &["a", "b"], 200),
        (&any, &[("a", 400), ("b", 401)], &["a", "b", "c"], 200),
        (&any, &[("a", 500), ("b", 502), ("c", 418)], &["a", "b", "c"], 418),
        (&limited, &[], &["a"], 200),
        (&limited, &[("a", 429), ("b", 503)], &["a", "b", "c"], 200),
        // What is not in the list is taken, however bad it is.
        (&limited, &[("a", 400)], &["a"], 400),
        (&limited, &[("a", 429), ("b", 500)], &["a", "b"], 500),
        (&limited, &[("a", 429), ("b", 429), ("c", 429)], &["a", "b", "c"], 429),
    ];
    for (config, statuses, asked, status) in cases {
        providers.answer(statuses);
        let response = ask(&org, config).await;
        assert_eq!(response.status(), status, "{statuses:?}");
        let last = format!("config.targets[{}]", asked.len() - 1);
        assert_eq!(header(&response, "x-portkey-last-used-option-index"), last, "{statuses:?}");
        assert_eq!(header(&response, "x-portkey-retry-attempt-count"), "0");
        let body = response.text().await.unwrap();
        assert!(body.contains(&format!("from {}", asked.last().unwrap())), "{body}");
        assert_eq!(providers.names(), asked, "{statuses:?}");
    }
}

#[tokio::test]
async fn a_group_is_judged_by_the_fallback_around_it() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let providers = Providers::start().await;
    let inner = json!({"strategy": {"mode": "fallback", "on_status_codes": [429]}, "targets": providers.targets(&["a", "b"])});
    let single = json!({"strategy": {"mode": "single"}, "targets": providers.targets(&["c", "never"])});
    let config = json!({"strategy": {"mode": "fallback"}, "targets": [inner, single, providers.target("d", &json!({}))]});
    let cases: [(Statuses, &[&str], &str); 4] = [
        (&[("a", 429)], &["a", "b"], "config.targets[0].targets[1]"),
        // The inner list does not have 500, so that is the group's answer; it is none to the outer fallback.
        (&[("a", 500)], &["a", "c"], "config.targets[1].targets[0]"),
        (&[("a", 429), ("b", 429), ("c", 500)], &["a", "b", "c", "d"], "config.targets[2]"),
        (&[("a", 429), ("b", 400)], &["a", "b", "c"], "config.targets[1].targets[0]"),
    ];
    for (statuses, asked, path) in cases {
        providers.answer(statuses);
        let response = ask(&org, &config).await;
        assert_eq!(response.status(), 200, "{statuses:?}");
        assert_eq!(header(&response, "x-portkey-last-used-option-index"), path, "{statuses:?}");
        assert_eq!(providers.names(), asked, "{statuses:?}");
        let log = org.log(&log_id(&response)).await;
        assert_eq!(log["response"]["lastUsedOptionJsonPath"], path, "{log}");
    }
}

#[tokio::test]
async fn a_streamed_call_falls_back_before_its_first_byte() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let providers = Providers::start().await;
    providers.answer(&[("a", 503)]);
    let config = json!({"strategy": {"mode": "fallback"}, "targets": providers.targets(&["a", "b"])});
    let mut body = chat("hi");
    body["stream"] = json!(true);
    let response = call(&org, &config).json(&body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "x-portkey-last-used-option-index"), "config.targets[1]");
    let stream = response.text().await.unwrap();
    assert!(
        stream.contains("from b") && !stream.contains("from a") && stream.ends_with("data: [DONE]\n\n"),
        "{stream}"
    );
    assert_eq!(providers.names(), ["a", "b"]);
}

#[tokio::test]
async fn a_load_balance_asks_one_target_with_weight() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let providers = Providers::start().await;
    let weighed = |weights: &[(&str, f64)]| {
        let targets = weights.iter().map(|(name, weight)| providers.target(name, &json!({"weight": weight})));
        json!({"strategy": {"mode": "loadbalance"}, "targets": targets.collect::<Vec<_>>()})
    };
    let config = weighed(&[("a", 0.0), ("b", 1.0), ("c", 0.0)]);
    for _ in 0..10 {
        let response = ask(&org, &config).await;
        assert_eq!(header(&response, "x-portkey-last-used-option-index"), "config.targets[1]");
    }
    assert_eq!(providers.names(), ["b"; 10]);

    // One target, even if it fails.
    providers.answer(&[("b", 500)]);
    assert_eq!(ask(&org, &config).await.status(), 500);
    assert_eq!(providers.names(), ["b"]);
    providers.answer(&[]);

    // Either of two that weigh the same: one of them alone would come up by chance once in 2^63.
    let even = weighed(&[("a", 0.5), ("b", 0.5)]);
    for _ in 0..64 {
        assert_eq!(ask(&org, &even).await.status(), 200);
    }
    assert_eq!(
        providers.names().into_iter().collect::<BTreeSet<_>>(),
        BTreeSet::from(["a".to_owned(), "b".to_owned()])
    );

    let body = refused(call(&org, &weighed(&[("a", 0.0)])).json(&chat("hi")), &providers).await;
    assert_eq!(body["message"], "x-portkey-config.targets: the weights of all targets are 0");
}

#[tokio::test]
async fn a_canary_falls_back_to_what_it_is_to_replace() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let providers = Providers::start().await;
    providers.answer(&[("new", 500)]);
    let canary = json!({"strategy": {"mode": "fallback"}, "weight": 100, "targets": providers.targets(&["new", "old"])});
    let old = providers.target("old", &json!({"weight": 0}));
    let config = json!({"strategy": {"mode": "loadbalance"}, "targets": [old, canary]});
    let response = ask(&org, &config).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "x-portkey-last-used-option-index"), "config.targets[1].targets[1]");
    assert_eq!(providers.names(), ["new", "old"]);
}

#[tokio::test]
async fn a_sticky_load_balance_keeps_a_user_where_it_was() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let providers = Providers::start().await;
    let config = json!({
        "strategy": {"mode": "loadbalance", "sticky": {"enabled": true, "hash_fields": ["metadata._user"], "ttl": 3600}},
        "targets": providers.targets(&["a", "b", "c", "d"]),
    });
    let mut used = BTreeSet::new();
    for user in 0..16 {
        for _ in 0..3 {
            let metadata = json!({"_user": format!("user-{user}")}).to_string();
            let request = call(&org, &config).header("x-portkey-metadata", metadata);
            assert_eq!(request.json(&chat("hi")).send().await.unwrap().status(), 200);
        }
        let asked: BTreeSet<_> = providers.names().into_iter().collect();
        assert_eq!(asked.len(), 1, "a user's calls went to {asked:?}");
        used.extend(asked);
    }
    // The clock stands still and the hash has no chance in it: the same users go to the same targets in every run.
    assert!(used.len() > 1, "all users went to {used:?}");
}

#[tokio::test]
async fn conditions_choose_by_metadata_parameters_and_path() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let providers = Providers::start().await;
    let named = |name: &str| providers.target(name, &json!({"name": name}));
    let group = json!({"name": "group", "strategy": {"mode": "fallback"}, "targets": providers.targets(&["bad", "good"])});
    let conditions = json!([
        {"query": {"metadata.tier": {"$eq": "paid"}, "params.model": {"$regex": "^gpt-4o"}}, "then": "paid"},
        {"query": {"$or": [{"params.temperature": {"$gte": 1}}, {"metadata.tier": {"$in": ["lab"]}}]}, "then": "group"},
        {"query": {"url.pathname": "/v1/embeddings"}, "then": "vectors"},
    ]);
    let config = |default: Option<&str>| {
        let strategy = json!({"mode": "conditional", "conditions": conditions, "default": default});
        json!({"strategy": strategy, "targets": [named("paid"), group, named("vectors"), named("rest")]})
    };
    providers.answer(&[("bad", 500)]);
    let send = |path: &'static str, metadata: Value, more: Value, config: &Value| {
        let mut body = chat("hi");
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let request = org.request(Method::POST, path).header("x-portkey-config", config.to_string());
        request.header("x-portkey-metadata", metadata.to_string()).json(&body)
    };
    let cases: [(&str, Value, Value, &[&str], &str); 6] = [
        (CHAT, json!({"tier": "paid"}), json!({}), &["paid"], "config.targets[0]"),
        (CHAT, json!({"tier": "paid"}), json!({"model": "o3"}), &["rest"], "config.targets[3]"),
        (CHAT, json!({}), json!({"temperature": 1.5}), &["bad", "good"], "config.targets[1].targets[1]"),
        (CHAT, json!({"tier": "lab"}), json!({}), &["bad", "good"], "config.targets[1].targets[1]"),
        (CHAT, json!({"tier": "free"}), json!({"temperature": 0}), &["rest"], "config.targets[3]"),
        ("/v1/embeddings", json!({}), json!({"input": "hi"}), &["vectors"], "config.targets[2]"),
    ];
    let with_default = config(Some("rest"));
    for (path, metadata, more, asked, option) in cases {
        let response = send(path, metadata, more, &with_default).send().await.unwrap();
        assert_eq!(header(&response, "x-portkey-last-used-option-index"), option);
        assert_eq!(providers.names(), asked, "{option}");
    }
    let body = refused(send(CHAT, json!({}), json!({}), &config(None)), &providers).await;
    let message = "x-portkey-config.strategy: no condition holds for this call, and there is no default";
    assert_eq!(body["message"], message);
}

#[tokio::test]
async fn conditions_look_at_what_the_caller_asked_for_and_not_at_what_targets_make_of_it() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let providers = Providers::start().await;
    let config = json!({
        "override_params": {"model": "gpt-4o"},
        "strategy": {"mode": "conditional", "default": "other", "conditions": [{"query": {"params.model": "gpt-4o"}, "then": "big"}]},
        "targets": [providers.target("big", &json!({"name": "big"})), providers.target("other", &json!({"name": "other"}))],
    });
    // The body asks for gpt-4o-mini.
    assert_eq!(ask(&org, &config).await.status(), 200);
    let asked = providers.asked();
    assert_eq!(
        (asked.len(), asked[0].name.as_str(), &asked[0].body["model"]),
        (1, "other", &json!("gpt-4o"))
    );
}

#[tokio::test]
async fn each_target_is_asked_with_its_own_key_and_parameters() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let providers = Providers::start().await;
    providers.answer(&[("a", 500)]);
    let config = json!({
        "strategy": {"mode": "fallback"},
        "override_params": {"temperature": 0.5, "max_tokens": 10},
        "targets": [
            providers.target("a", &json!({"override_params": {"model": "o3", "max_tokens": 5}})),
            providers.target("b", &json!({})),
        ],
    });
    let text = r#"{"model":"gpt-4o-mini","seed":12345678901234567890123,"messages":[{"role":"user","content":"hi"}],"temperature":2}"#;
    let request = call(&org, &config).header("content-type", "application/json").body(text);
    let response = request.header("authorization", "Bearer sk-of-the-caller").send().await.unwrap();
    assert_eq!(response.status(), 200);
    let asked = providers.asked();
    let secrets: Vec<_> = asked.iter().map(|asked| asked.secret.as_str()).collect();
    assert_eq!(secrets, ["Bearer sk-a", "Bearer sk-b"]);
    let of = |at: usize, name: &str| asked[at].body[name].clone();
    assert_eq!(
        [of(0, "model"), of(0, "temperature"), of(0, "max_tokens")],
        [json!("o3"), json!(0.5), json!(5)]
    );
    assert_eq!(
        [of(1, "model"), of(1, "temperature"), of(1, "max_tokens")],
        [json!("gpt-4o-mini"), json!(0.5), json!(10)]
    );
    assert_eq!(of(0, "messages"), json!([{"role": "user", "content": "hi"}]));
    let log = org.log(&log_id(&response)).await;
    assert_eq!(log["metrics"]["requested_model"], "gpt-4o-mini", "{log}");
}

#[tokio::test]
async fn mistakes_in_a_config_are_told_with_their_paths() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let providers = Providers::start().await;
    let config = json!({
        "strategy": {"mode": "fallback"},
        "targets": [providers.target("a", &json!({})), providers.target("b", &json!({"retry": {"attempts": 6}, "weight": -1}))],
    });
    let body = refused(call(&org, &config).json(&chat("hi")), &providers).await;
    let errors = body["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 2, "{body}");
    for path in
        ["path: x-portkey-config.targets[1].retry.attempts, ", "path: x-portkey-config.targets[1].weight, "]
    {
        assert!(errors.iter().any(|error| error.as_str().unwrap().starts_with(path)), "{path}: {body}");
    }
    let message = body["message"].as_str().unwrap();
    assert!(message.contains("targets[1].retry.attempts: must be a whole number from 0 to 5"), "{message}");

    for (text, said) in [
        ("{", "must be a JSON object"),
        ("[]", "must be an object"),
        (r#"{"options":[{}]}"#, "use strategy and targets"),
        (r#"{"strategy":{"mode":"loadbalance"}}"#, "targets"),
        (r#"{"provider":"no-such"}"#, "provider"),
        (r#"{"virtual_key":"no-such"}"#, "virtual_key"),
        (r#"{"retry":{"attempts":1}}"#, "x-portkey-provider"),
    ] {
        let request = org.request(Method::POST, CHAT).header("x-portkey-config", text);
        let body = refused(request.json(&chat("hi")), &providers).await;
        assert!(body["message"].as_str().unwrap().contains(said), "{text}: {body}");
    }
}

#[tokio::test]
async fn a_mistake_of_the_config_ends_a_fallback() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let providers = Providers::start().await;
    let [a, c] = ["a", "c"].map(|name| providers.target(name, &json!({})));
    let config = json!({"strategy": {"mode": "fallback"}, "targets": [a, {"virtual_key": "no-such"}, c]});
    let cases: [(Statuses, u16); 2] = [(&[], 200), (&[("a", 500)], 400)];
    for (statuses, status) in cases {
        providers.answer(statuses);
        let response = ask(&org, &config).await;
        assert_eq!(response.status(), status);
        let body = response.text().await.unwrap();
        assert_eq!(body.contains("targets[1].virtual_key"), status == 400, "{body}");
        assert_eq!(providers.names(), ["a"], "{status}");
    }
}

#[tokio::test]
async fn a_target_that_names_no_provider_is_the_calls_own() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let providers = Providers::start().await;
    providers.answer(&[("mine", 500)]);
    let config = json!({
        "strategy": {"mode": "fallback"},
        "targets": [
            {"override_params": {"model": "o3"}, "custom_host": format!("http://{}/mine/v1", providers.addr)},
            providers.target("b", &json!({})),
        ],
    });
    let request = call(&org, &config)
        .header("x-portkey-provider", "openai")
        .header("authorization", "Bearer sk-of-the-caller");
    assert_eq!(request.json(&chat("hi")).send().await.unwrap().status(), 200);
    let asked = providers.asked();
    let found: Vec<_> = asked.iter().map(|asked| (asked.name.as_str(), asked.secret.as_str())).collect();
    assert_eq!(found, [("mine", "Bearer sk-of-the-caller"), ("b", "Bearer sk-b")]);
}
