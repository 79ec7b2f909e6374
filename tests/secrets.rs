//! No secret is in a line of our own or in the data folder, whatever fails: not the callers' and not the operator's.
//!
//! Each secret is looked for as it is. The same search must find what is not secret where it belongs, or it proves nothing.

use std::path::Path;

use redis_server::RedisServer;
use reqwest::{Method, RequestBuilder};
use sea_orm::{EntityTrait as _, IntoActiveModel as _};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::do_not_track::Left;
use crate::harness::{LINES, Process, Upstream, chat, until};

/// What a made-up secret begins with.
const SECRET: &str = "kanari-5e2a";
/// What is no secret, and must be found.
const PLAIN: &str = "plain-5e2a";

/// Base64 of 32 bytes.
const MASTER_KEY: &str = "a2FuYXJpLTVlMmEta2FuYXJpLTVlMmEta2FuYXJpLTU=";
/// A server that takes no connections.
const NOWHERE: &str = "http://127.0.0.1:1/v1";

fn secret(of: &str) -> String {
    format!("{SECRET}-{of}")
}

/// Whoever calls, and the secrets that it was given.
struct Caller {
    addr: std::net::SocketAddr,
    http: reqwest::Client,
    made: Value,
    given: Vec<String>,
}

impl Caller {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.addr))
    }

    fn text(&self, name: &str) -> &str {
        self.made[name].as_str().unwrap()
    }

    fn with_key(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path).header("x-portkey-api-key", self.text("api_key"))
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let response = self.request(Method::POST, path).json(body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }
}

/// A call with a provider's key in every place where clients put one.
fn loaded(request: RequestBuilder, host: &str) -> RequestBuilder {
    request
        .header("x-portkey-provider", "openai")
        .header("x-portkey-custom-host", host)
        .header("authorization", format!("Bearer {}", secret("authorization")))
        .header("x-api-key", secret("x-api-key"))
        .header("api-key", secret("api-key"))
        .header("x-goog-api-key", secret("x-goog-api-key"))
        .header("cookie", secret("cookie"))
        .header("x-portkey-aws-secret-access-key", secret("aws"))
        .header("x-mine", secret("named"))
        .header("x-portkey-forward-headers", "x-api-key,api-key,x-goog-api-key,cookie,x-mine")
        .header("x-portkey-sensitive-headers", "x-mine")
        .header("x-plain", PLAIN)
        .json(&chat(PLAIN))
}

/// Calls that fail in each way, and one that does not.
async fn call(caller: &Caller, upstream: &mut Upstream) {
    let path = format!("/v1/chat/completions?key={}", secret("query"));
    let hosts = [NOWHERE, "http://no-such-host.example.invalid/v1"];
    let with_password = format!("http://user:{}@127.0.0.1/v1", secret("host-password"));
    let with_query = format!("{NOWHERE}?key={}", secret("host-query"));
    for host in hosts.into_iter().chain([with_password.as_str(), &with_query]) {
        let response = loaded(caller.with_key(&path), host).send().await.unwrap();
        assert!(response.status().as_u16() >= 400, "{host}");
        assert!(!response.text().await.unwrap().contains(SECRET), "{host}: the answer");
    }
    for status in [401, 200] {
        let sending = tokio::spawn(loaded(caller.with_key(&path), &upstream.url()).send());
        let exchange = upstream.asked().await;
        assert!(exchange.head.contains(&secret("x-goog-api-key")), "the key did not go upstream");
        exchange.json(status, &json!({"error": {"message": "wrong key"}})).await;
        assert_eq!(sending.await.unwrap().unwrap().status(), status);
    }
    // Keys of ours that are none.
    for path in [path.as_str(), "/v1/logs", "/v1/usage"] {
        let request = caller.request(Method::POST, path).header("x-portkey-api-key", secret("wrong-key"));
        assert!(request.json(&chat("hi")).send().await.unwrap().status().is_client_error());
        let request = caller.request(Method::GET, path).bearer_auth(secret("wrong-token"));
        assert!(request.send().await.unwrap().status().is_client_error());
    }
}

/// A virtual key, at work and refused.
async fn keep_keys(caller: &Caller, upstream: &mut Upstream) {
    let key = |name: &str, host: &str| json!({"name": name, "provider": "openai", "key": secret("virtual-key"), "custom_host": host});
    let mut slugs = Vec::new();
    for (name, host) in [("nowhere", NOWHERE), ("there", upstream.url().as_str())] {
        let made = caller.with_key("/v1/virtual-keys").json(&key(name, host)).send().await.unwrap();
        let made: Value = made.json().await.unwrap();
        slugs.push(made["data"]["slug"].as_str().unwrap().to_owned());
    }
    let mut wrong = key("wrong", "ftp://nowhere");
    wrong["nobody"] = json!(secret("field"));
    assert!(!caller.with_key("/v1/virtual-keys").json(&wrong).send().await.unwrap().status().is_success());
    let call = |slug: &str| {
        caller.with_key("/v1/chat/completions").header("x-portkey-virtual-key", slug).json(&chat(PLAIN))
    };
    assert_eq!(call(&slugs[0]).send().await.unwrap().status(), 500);
    let sending = tokio::spawn(call(&slugs[1]).send());
    let exchange = upstream.asked().await;
    assert!(exchange.head.contains(&secret("virtual-key")), "the secret did not go upstream");
    exchange.json(401, &json!({"error": {"message": "wrong key"}})).await;
    assert_eq!(sending.await.unwrap().unwrap().status(), 401);
}

/// Keys inside a config and beside a virtual key's, shown and changed, rightly and wrongly.
async fn keep_configs(caller: &Caller) {
    let ask = async |method: Method, path: &str, body: Value| -> Value {
        let request = caller.request(method, path).header("x-portkey-api-key", caller.text("api_key"));
        let answer = request.json(&body).send().await.unwrap().text().await.unwrap();
        assert!(!answer.contains(SECRET), "{path}: {answer}");
        serde_json::from_str(&answer).unwrap()
    };
    let config = |attempts: u8| {
        json!({
            "strategy": {"mode": "fallback"},
            "retry": {"attempts": attempts},
            "targets": [
                {"provider": "openai", "api_key": secret("in-a-config")},
                {"provider": "bedrock", "awsSecretAccessKey": secret("of-aws"), "aws_session_token": secret("session")},
                {"provider": "vertex-ai", "vertex_region": "us-central1", "vertex_service_account_json": {"private_key": secret("of-vertex")}},
                {"provider": "openai", "input_guardrails": [{"default.webhook":
                    {"webhookURL": "https://example.com", "headers": {"x-mine": secret("of-a-webhook")}}}]},
            ],
        })
    };
    let made = ask(Method::POST, "/v1/configs", json!({"name": PLAIN, "config": config(1)})).await;
    let path = format!("/v1/configs/{}", made["slug"].as_str().unwrap());
    let shown = ask(Method::GET, &path, Value::Null).await;
    assert_eq!(shown["config"]["targets"][0]["api_key"], tenancy::secret::hint(&secret("in-a-config")));
    for (config, right) in [(config(2), true), (shown["config"].clone(), true), (config(9), false)] {
        let changed = ask(Method::PUT, &path, json!({"config": config})).await;
        assert_eq!(changed["success"], right, "{changed}");
    }
    let mut wrong = config(1);
    wrong["targets"][0]["provider"] = json!("nobody");
    assert_eq!(ask(Method::PUT, &path, json!({"config": wrong})).await["success"], false);
    ask(Method::GET, &format!("{path}/versions"), Value::Null).await;
    ask(Method::DELETE, &path, Value::Null).await;

    let key = json!({"name": PLAIN, "provider": "bedrock", "awsSecretAccessKey": secret("beside-a-key")});
    let made = ask(Method::POST, "/v1/virtual-keys", key).await;
    let path = format!("/v1/virtual-keys/{}", made["slug"].as_str().unwrap());
    let shown = ask(Method::GET, &path, Value::Null).await;
    let hint = tenancy::secret::hint(&secret("beside-a-key"));
    assert_eq!(shown["model_config"]["awsSecretAccessKey"], hint);
    ask(Method::PUT, &path, json!({"awsSecretAccessKey": secret("of-another"), "awsRegion": PLAIN})).await;
    assert_eq!(ask(Method::PUT, &path, json!({"apiVersion": secret("misplaced")})).await["success"], false);
}

/// A key that is rotated, and rotated again when its former secret was ended.
async fn rotate_keys(caller: &mut Caller) {
    let ask = async |method: Method, path: &str, body: &Value| -> Value {
        let request = caller.request(method, path).header("x-portkey-api-key", caller.text("api_key"));
        let response = request.json(body).send().await.unwrap();
        assert!(response.status().is_success(), "{path}");
        response.json().await.unwrap()
    };
    let new = json!({"name": PLAIN, "scopes": ["logs.list"], "alert_emails": ["plain@example.com"]});
    let made = ask(Method::POST, "/v1/api-keys/workspace/service", &new).await;
    let path = format!("/v1/api-keys/{}/rotate", made["id"].as_str().unwrap());
    let rotated = ask(Method::POST, &path, &json!({})).await;
    ask(Method::DELETE, &path, &Value::Null).await;
    let again = ask(Method::POST, &path, &json!({})).await;
    let mut secrets = Vec::new();
    for (made, works) in [(made, false), (rotated, true), (again, true)] {
        let key = made["key"].as_str().unwrap().to_owned();
        let list = caller.request(Method::GET, "/v1/logs").header("x-portkey-api-key", &key);
        assert_eq!(list.send().await.unwrap().status().is_success(), works);
        secrets.push(key);
    }
    caller.given.extend(secrets);
}

/// Signs in, rightly and wrongly, and gives what was handed out.
async fn sign_in(caller: &mut Caller) {
    let (email, password) = (caller.text("owner_email").to_owned(), caller.text("password").to_owned());
    let wrong = json!({"email": email, "password": secret("password")});
    assert_eq!(caller.post("/v1/auth/login", &wrong).await.0, 401);
    let (status, tokens) =
        caller.post("/v1/auth/login", &json!({"email": email, "password": password})).await;
    assert_eq!(status, 200);
    let (status, fresh) =
        caller.post("/v1/auth/refresh", &json!({"refresh_token": tokens["refresh_token"]})).await;
    assert_eq!(status, 200);
    let unknown = json!({"refresh_token": secret("refresh")});
    assert!(caller.post("/v1/auth/refresh", &unknown).await.0 >= 400);
    let request = caller
        .request(Method::POST, "/v1/auth/password")
        .bearer_auth(fresh["access_token"].as_str().unwrap());
    let change = json!({"current_password": password, "new_password": secret("new-password")});
    assert!(request.json(&change).send().await.unwrap().status().is_success());
    // One that was used ends the session.
    let used = json!({"refresh_token": tokens["refresh_token"]});
    assert!(caller.post("/v1/auth/refresh", &used).await.0 >= 400);
    for name in ["access_token", "refresh_token"] {
        caller.given.extend([&tokens, &fresh].map(|answer| answer[name].as_str().unwrap().to_owned()));
    }
    for token in [secret("operator-token"), secret("no-operator-token")] {
        let request = caller.request(Method::GET, "/v1/admin/jobs").bearer_auth(&token);
        let found = request.send().await.unwrap().status();
        assert_eq!(found.is_success(), token == secret("operator-token"), "{found}");
    }
}

/// Somebody is invited, by a mail that cannot be sent, accepts, and asks for a new password.
async fn be_invited(caller: &mut Caller) {
    let new = json!({
        "email": "invited@example.com", "role": "member",
        "workspaces": [{"id": caller.text("workspace_id"), "role": "member"}],
        "workspace_api_key_details": {"scopes": ["completions.write"]}
    });
    let request = caller.request(Method::POST, "/v1/admin/users/invites");
    let made =
        request.header("x-portkey-api-key", caller.text("admin_api_key")).json(&new).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    let token = made["invite_link"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let accept = json!({"token": token, "password": secret("of-the-invited")});
    let (status, accepted) = caller.post("/v1/auth/invites/accept", &accept).await;
    assert_eq!(status, 200, "{accepted}");
    for asked in [json!({"email": "invited@example.com"}), json!({"email": "owner@example.com"})] {
        assert_eq!(caller.post("/v1/auth/password/reset", &asked).await.0, 200);
    }
    let confirmed = json!({"token": secret("reset-token"), "new_password": secret("of-a-reset")});
    assert_eq!(caller.post("/v1/auth/password/reset/confirm", &confirmed).await.0, 400);
    // Of both kinds of token what follows says enough by itself.
    caller.given.extend([token[4..].to_owned(), accepted["api_keys"][0]["key"].as_str().unwrap().to_owned()]);
    caller
        .given
        .extend(["access_token", "refresh_token"].map(|name| accepted[name].as_str().unwrap().to_owned()));
}

/// Somebody opens links of mails and signs in by a form: right and wrong ones.
async fn look_at_pages(caller: &mut Caller) {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let url = |path: &str| format!("http://{}{path}", caller.addr);
    let form = |path: &str, body: String| {
        let form = http.post(url(path)).header("sec-fetch-site", "same-origin");
        form.header("content-type", "application/x-www-form-urlencoded").body(body).send()
    };
    for kind in ["invites", "reset"] {
        let path = format!("/{kind}/{}", secret("of-a-link"));
        assert_eq!(http.get(url(&path)).send().await.unwrap().status(), 404);
        assert_eq!(http.get(url(&format!("{path}/x"))).send().await.unwrap().status(), 404);
        let body = format!("password={0}&new_password={0}", secret("of-a-form"));
        assert_eq!(form(&path, body).await.unwrap().status(), 404);
    }
    let email = caller.text("owner_email").to_owned();
    let wrong = format!("email={email}&password={}", secret("wrong"));
    assert_eq!(form("/sign-in", wrong).await.unwrap().status(), 401);
    let right = format!("email={email}&password={}", secret("new-password"));
    let signed_in = form("/sign-in", right).await.unwrap();
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let page = http.get(url("/account")).header("cookie", &cookie).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let stranger = http.get(url("/account")).header("cookie", format!("turnpike={}", secret("cookie")));
    assert_eq!(stranger.send().await.unwrap().status(), 303);
    caller.given.push(cookie.split_once('=').unwrap().1.to_owned());
}

/// A webhook that is tested and rotated, and an alert that goes there and by a mail server that is not there.
async fn be_alerted(caller: &mut Caller, upstream: &mut Upstream, dir: &Path) {
    let path = "/v1/billing/alerts/webhooks";
    let post = async |path: &str, body: &Value| -> Value {
        let request =
            caller.request(Method::POST, path).header("x-portkey-api-key", caller.text("admin_api_key"));
        let response = request.json(body).send().await.unwrap();
        assert!(response.status().is_success(), "{path}");
        response.json().await.unwrap()
    };
    let made = post(path, &json!({"url": format!("http://{}/{PLAIN}", upstream.addr)})).await;
    let path = format!("{path}/{}", made["id"].as_str().unwrap());
    let rotated = post(&format!("{path}/rotate"), &json!({})).await;
    post(&format!("{path}/test"), &json!({})).await;
    let exchange = upstream.asked().await;
    assert_eq!(exchange.header("webhook-signature").map(|signed| signed.split(' ').count()), Some(2));
    exchange.bodiless(500, &[("content-length", "0")]).await;
    let db = Process::database(dir).await;
    let alert = alerts::Alert {
        organisation_id: caller.text("organisation_id").parse().unwrap(),
        kind: alerts::Kind::Limit,
        subject: String::new(),
        period: "2026-11".to_owned(),
        threshold: 100,
        data: json!({}),
    };
    let clock = clock::Clock::system();
    assert!(alerts::raise(&db, &clock::Ids::new(clock.clone()), clock.now_ms(), alert).await.unwrap());
    until("the mail server is found to be away", || async {
        let request = caller.request(Method::GET, "/v1/billing/alerts");
        let request = request.header("x-portkey-api-key", caller.text("admin_api_key"));
        let told = request.send().await.unwrap().text().await.unwrap();
        told.contains("the mail server could not be reached").then_some(())
    })
    .await;
    for made in [made, rotated] {
        let secret = made["secret"].as_str().unwrap().to_owned();
        // Nor as its bytes are, in the base64 that it comes in.
        caller.given.push(secret.trim_start_matches("whsec_").trim_end_matches('=').to_owned());
    }
}

/// A tool for traces that refuses what it is sent, with a secret in a header.
async fn be_exported(caller: &Caller, upstream: &mut Upstream) {
    let path = "/v1/otel/destinations";
    let post = |path: &str, body: Value| {
        let request = caller.request(Method::POST, path);
        request.header("x-portkey-api-key", caller.text("admin_api_key")).json(&body).send()
    };
    let headers = json!({"authorization": format!("Bearer {}", secret("of-the-tool"))});
    for endpoint in ["http://127.0.0.1:1".to_owned(), format!("http://{}", upstream.addr)] {
        let new = json!({"name": PLAIN, "endpoint": endpoint, "headers": headers, "content": true});
        let made = post(path, new).await.unwrap();
        assert!(made.status().is_success());
        let made: Value = made.json().await.unwrap();
        assert!(!made.to_string().contains(SECRET), "{made}");
        let testing = post(&format!("{path}/{}/test", made["id"].as_str().unwrap()), json!({}));
        let testing = tokio::spawn(testing);
        if endpoint.ends_with(&upstream.addr.to_string()) {
            let mut exchange = upstream.asked().await;
            // A webhook that was refused comes again meanwhile.
            while !exchange.head.starts_with("POST /v1/traces ") {
                exchange.bodiless(500, &[("content-length", "0")]).await;
                exchange = upstream.asked().await;
            }
            assert!(exchange.head.contains(&secret("of-the-tool")), "the header did not go out");
            exchange.json(401, &json!({"message": "wrong key"})).await;
        }
        let tested: Value = testing.await.unwrap().unwrap().json().await.unwrap();
        assert_eq!(tested["accepted"], false, "{tested}");
        let wrong = json!({"name": "x", "endpoint": endpoint, "headers": {"a b": secret("field")}});
        assert_eq!(post(path, wrong).await.unwrap().status(), 400);
        let path = format!("{path}/{}", made["id"].as_str().unwrap());
        let deleted = caller.request(Method::DELETE, &path);
        let deleted = deleted.header("x-portkey-api-key", caller.text("admin_api_key")).send().await.unwrap();
        assert_eq!(deleted.status(), 200);
    }
    let new = json!({"name": PLAIN, "endpoint": "http://127.0.0.1:1", "headers": headers});
    assert_eq!(post(path, new).await.unwrap().status(), 200);
}

fn assert_no_secret(left: &Left, given: &[String]) {
    let known = given.iter().map(String::as_str).chain([SECRET, MASTER_KEY]);
    let found: Vec<_> =
        known.flat_map(|secret| left.holding(secret).into_iter().map(move |at| (at, secret))).collect();
    assert!(found.is_empty(), "secrets were kept or said: {found:?}");
}

/// A block that Stripe, which cannot be reached, is to be told of.
async fn owe(dir: &Path, organisation: &Value) {
    let id: sea_orm::prelude::Uuid = organisation.as_str().unwrap().parse().unwrap();
    let db = Process::database(dir).await;
    payments::customer::set(&db, id, "cus_acme", 0).await.unwrap();
    let block = entity::overage_block::Model {
        organisation_id: id,
        month: 202_001,
        block: 1,
        opened_at: 0,
        used_at_opening: 1,
        first_log: 1,
        last_log: 1,
        price_cents: 900,
        catalogue_version: "test".to_owned(),
        invoice_id: None,
    };
    entity::overage_block::Entity::insert(block.into_active_model())
        .exec_without_returning(&db)
        .await
        .unwrap();
    db.close().await.unwrap();
}

/// Serves with every secret there is, at the most talkative.
fn serve(dir: &Path, redis_url: &str) -> Process {
    let operator_token = secret("operator-token");
    let (stripe_key, stripe_secret) = (secret("stripe-key"), secret("stripe-webhook-secret"));
    let smtp_url = format!("smtp://{PLAIN}:{}@127.0.0.1:1", secret("smtp-password"));
    let env = [
        ("TURNPIKE_LOG__LEVEL", "trace,actix_http=trace,actix_server=trace,sea_orm_migration=trace"),
        ("TURNPIKE_MASTER_KEY", MASTER_KEY),
        ("TURNPIKE_OPERATOR_TOKEN", operator_token.as_str()),
        ("TURNPIKE_JOBS__METER_EVENTS_CRON", "* * * * * *"),
        ("TURNPIKE_PAYMENTS__STRIPE_API_KEY", stripe_key.as_str()),
        ("TURNPIKE_PAYMENTS__STRIPE_BASE_URL", "http://127.0.0.1:1"),
        ("TURNPIKE_PAYMENTS__STRIPE_WEBHOOK_SECRET", stripe_secret.as_str()),
        ("TURNPIKE_REDIS_URL", redis_url),
        ("TURNPIKE_SHIPPER__LINGER_MS", "1"),
        ("TURNPIKE_SMTP__URL", smtp_url.as_str()),
        ("TURNPIKE_SMTP__FROM", "alerts@example.com"),
        ("TURNPIKE_JOBS__ALERT_DELIVERIES_CRON", "* * * * * *"),
        ("TURNPIKE_JOBS__MAILS_CRON", "* * * * * *"),
        ("TURNPIKE_JOBS__SPAN_EXPORT_CRON", "* * * * * *"),
    ];
    Process::serve(dir, &env)
}

#[tokio::test]
async fn no_secret_is_said_or_kept_whatever_fails_and_the_same_search_finds_what_is_no_secret() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let args =
        ["org", "create", "--name", "Acme", "--plan", "developer", "--owner-email", "owner@example.com"];
    let mut made = Process::cli(dir.path(), &args);
    made["owner_email"] = json!("owner@example.com");
    owe(dir.path(), &made["organisation_id"]).await;
    // Redis asks for no password and refuses the one it is given.
    let redis = RedisServer::start();
    let redis_url = redis.url().replace("redis://", &format!("redis://:{}@", secret("redis-password")));
    let server = serve(dir.path(), &redis_url);
    let given = ["api_key", "admin_api_key", "password"].map(|name| made[name].as_str().unwrap().to_owned());
    let mut caller = Caller { addr: server.addr, http: reqwest::Client::new(), made, given: given.into() };
    let mut upstream = Upstream::start().await;
    call(&caller, &mut upstream).await;
    keep_keys(&caller, &mut upstream).await;
    keep_configs(&caller).await;
    sign_in(&mut caller).await;
    be_invited(&mut caller).await;
    look_at_pages(&mut caller).await;
    rotate_keys(&mut caller).await;
    let webhook = caller.request(Method::POST, "/v1/billing/stripe/webhook");
    let webhook = webhook.header("stripe-signature", format!("t=1,v1={}", secret("signature"))).body("{}");
    assert_eq!(webhook.send().await.unwrap().status(), 400);
    be_alerted(&mut caller, &mut upstream, dir.path()).await;
    be_exported(&caller, &mut upstream).await;
    let rows = until("all logs are there", || async {
        let request = caller.request(Method::GET, "/v1/logs?limit=100");
        let page = request.header("x-portkey-api-key", caller.text("api_key")).send().await.unwrap();
        let rows = page.json::<Value>().await.unwrap()["data"].as_array().unwrap().clone();
        (rows.len() == 8).then_some(rows)
    })
    .await;

    let lines = || std::fs::read_to_string(dir.path().join(LINES)).unwrap();
    until("Stripe was asked", || async { lines().contains("a meter event is tried again").then_some(()) })
        .await;
    let ever = "start_time=2020-01-01T00:00:00Z&end_time=2100-01-01T00:00:00Z";
    let audited = caller.request(Method::GET, &format!("/v1/audit-logs?{ever}"));
    let audited = audited.header("x-portkey-api-key", caller.text("admin_api_key")).send().await.unwrap();
    let mut left = Left::default();
    until("the mails were tried", || async {
        let db = Process::database(dir.path()).await;
        let mails = entity::mail::Entity::find().all(&db).await.unwrap();
        (!mails.is_empty() && mails.iter().all(|mail| mail.attempts > 0)).then_some(())
    })
    .await;
    left.add("rows", json!(rows).to_string());
    left.add("the audit log", audited.text().await.unwrap());
    left.add_files("serving", &data);
    left.add_tables(&Process::database(dir.path()).await).await;
    left.add("standard output", server.said());
    assert!(server.terminate().success());
    left.add_files("stopped", &data);
    let lines = std::fs::read(dir.path().join(LINES)).unwrap();
    assert!(String::from_utf8_lossy(&lines).contains("TRACE"), "the server did not tell all that it could");
    left.add("its own lines", lines);
    assert_no_secret(&left, &caller.given);

    let found = left.holding(PLAIN);
    for place in ["a payload's headers", "a payload's body", "the audit log"] {
        assert!(found.contains(&place), "{PLAIN} was found in {found:?} only");
    }
    assert!(!left.holding("no-such-host.example.invalid").is_empty());
    // What the lines say at all is found in them.
    assert!(left.holding("127.0.0.1:1").contains(&"its own lines"));
}

#[tokio::test]
async fn no_secret_is_said_when_a_database_or_redis_is_away_or_a_setting_is_wrong() {
    let (password, dir) = (secret("password"), TempDir::new().unwrap());
    let url = |scheme: &str, place: &str| format!("{scheme}://{PLAIN}:{password}@{place}");
    let variables = [
        ("TURNPIKE_DATABASE_URL", url("postgres", "127.0.0.1:1/turnpike")),
        ("TURNPIKE_DATABASE_URL", url("postgres", "no-such-host.example.invalid/turnpike")),
        ("TURNPIKE_DATABASE_URL", url("postgres", "127.0.0.1:port/turnpike")),
        ("TURNPIKE_DATABASE_URL", url("postgres", "127.0.0.1/turnpike?sslmode=nonsense")),
        ("TURNPIKE_DATABASE_URL", url("mysql", "127.0.0.1/turnpike")),
        ("TURNPIKE_DATABASE_URL", format!("sqlite:///no/such/folder/{PLAIN}?key={password}")),
        ("TURNPIKE_REDIS_URL", url("http", "127.0.0.1:1")),
        ("TURNPIKE_REDIS_URL", url("redis", "127.0.0.1:port")),
        ("TURNPIKE_REDIS_URL", url("redis", "127.0.0.1:1/database")),
        ("TURNPIKE_MASTER_KEY", password.clone()),
        ("TURNPIKE_MASTER_KEY__SECRET", password.clone()),
        ("TURNPIKE_OPERATOR_TOKEN__SECRET", password.clone()),
        ("TURNPIKE_PAYMENTS__STRIPE_API_KEY", format!("{password}\n")),
        ("TURNPIKE_PAYMENTS__STRIPE_BASE_URL", url("ftp", "127.0.0.1:1")),
        ("TURNPIKE_PAYMENTS__STRIPE_API_KEY__SECRET", password.clone()),
        ("TURNPIKE_PASSWORD", password.clone()),
        ("TURNPIKE_PUBLIC_URL", url("postgres", "127.0.0.1:1/turnpike")),
        ("TURNPIKE_SMTP__URL", url("smtp", "127.0.0.1:port")),
        ("TURNPIKE_SMTP__URL", url("smtp", "mail.example.com")),
        ("TURNPIKE_SMTP__URL", url("http", "mail.example.com")),
        ("TURNPIKE_SMTP__PASSWORD", password.clone()),
    ];
    let files = [
        format!("master_key = {password}"),
        format!("master_key = [\"{password}\"]"),
        format!("operator_token = \"{password}\"\noperator_token = \"{password}\""),
        format!("database_url = \"postgres://u:{password}@db/t"),
        format!("[redis]\npassword = \"{password}\""),
    ];
    let mut left = Left::default();
    let mut run = |what: String, env: &[(&str, &str)]| {
        let env = [&[("TURNPIKE_LOG__LEVEL", "trace")][..], env].concat();
        let output = Process::run(dir.path(), &env, &["serve"]);
        assert!(!output.status.success(), "{what}");
        assert!(!output.stderr.is_empty(), "{what}: nothing was said");
        left.add(format!("output of {what}"), [output.stdout, output.stderr].concat());
    };
    for (index, (name, value)) in variables.iter().enumerate() {
        run(format!("variable {index}, {name}"), &[(*name, value.as_str())]);
    }
    for (index, text) in files.iter().enumerate() {
        let file = dir.path().join("secrets.toml");
        std::fs::write(&file, text).unwrap();
        run(format!("file {index}"), &[("TURNPIKE_CONFIG", file.to_str().unwrap())]);
        std::fs::remove_file(file).unwrap();
    }
    left.add_files("left", dir.path());
    assert_no_secret(&left, &[]);
    assert_eq!(left.holding("secrets.toml").len(), files.len(), "the search does not find what was said");

    // A Redis that is away does not keep the server from serving.
    let dir = TempDir::new().unwrap();
    let server = serve(dir.path(), &url("redis", "127.0.0.1:1"));
    let lines = || std::fs::read_to_string(dir.path().join(LINES)).unwrap();
    until("it says that Redis is away", || async { lines().contains("until Redis is back").then_some(()) })
        .await;
    assert!(server.terminate().success());
    let mut left = Left::default();
    left.add_files("left", dir.path());
    assert_no_secret(&left, &[]);
}
