//! A call is made once more, in the name of who asks, and what cannot be is refused with its reason.

use std::time::Duration;

use plans::Plan;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Caller, Org, TestApp, Upstream, answer, ask, chat, log_id};

async fn replay(caller: &Caller<'_>, id: &str, edits: Value) -> (u16, Value) {
    ask(caller, Method::POST, &format!("/v1/logs/{id}/replay"), Some(&edits)).await
}

/// A call of the organisation's key that is in its log.
async fn logged(org: &Org<'_>, call: reqwest::RequestBuilder) -> String {
    let id = log_id(&call.send().await.unwrap());
    org.log(&id).await;
    id
}

/// Why the log says that it is not replayable; empty: it is.
async fn why_not(org: &Org<'_>, id: &str) -> String {
    let replayable = org.log(id).await["replayable"].clone();
    assert_eq!(replayable["allowed"], json!(replayable["reason"].is_null()), "{replayable}");
    replayable["reason"].as_str().unwrap_or_default().to_owned()
}

/// That the log is refused for the reason that it gives itself.
async fn assert_refused(org: &Org<'_>, id: &str, reason: &str) {
    assert!(why_not(org, id).await.contains(reason), "{}", why_not(org, id).await);
    let (status, refused) = replay(&org.with_key(&org.key), id, json!({})).await;
    assert_eq!((status, &refused["data"]["errorCode"]), (400, &json!("AB01")), "{refused}");
    assert!(refused["data"]["message"].as_str().unwrap().contains(reason), "{refused}");
}

#[tokio::test]
async fn a_call_is_made_again_as_it_was_or_edited_and_its_log_names_the_first() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let key =
        json!({"name": "mine", "provider": "openai", "key": "sk-of-the-key", "custom_host": upstream.url()});
    let (_, key) = ask(&org.with_key(&org.key), Method::POST, "/v1/virtual-keys", Some(&key)).await;
    let slug = key["slug"].as_str().unwrap();
    let body = r#"{"messages":[{"role":"user","content":"caf\u00e9"}],  "model":"gpt-4o"}"#;
    let call = org.request(Method::POST, "/v1/chat/completions").header("x-portkey-virtual-key", slug);
    let call = call.header("x-portkey-trace-id", "t-1").header("x-portkey-metadata", r#"{"a":"1"}"#);
    let sending = tokio::spawn(call.header("content-type", "application/json").body(body).send());
    upstream.asked().await.json(200, &answer("one")).await;
    let first = log_id(&sending.await.unwrap().unwrap());
    org.log(&first).await;
    assert_eq!(why_not(&org, &first).await, "");

    let caller = org.with_key(&org.key);
    let again = async |edits: Value, upstream: &mut Upstream| {
        let (made, exchange) = tokio::join!(replay(&caller, &first, edits), async {
            let exchange = upstream.asked().await;
            let seen = (exchange.header("authorization").unwrap().to_owned(), exchange.body.clone());
            exchange.json(200, &answer("two")).await;
            seen
        });
        (made, exchange)
    };
    let ((status, made), (secret, sent)) = again(json!({}), &mut upstream).await;
    assert_eq!(
        (status, &made["object"], &made["replay_of"]),
        (200, &json!("replay"), &json!(first)),
        "{made}"
    );
    assert_eq!(made["response"]["body"]["choices"][0]["message"]["content"], "two");
    assert_eq!(
        (secret.as_str(), sent.as_slice()),
        ("Bearer sk-of-the-key", body.as_bytes()),
        "to the letter"
    );
    let log = org.log(made["log_id"].as_str().unwrap()).await;
    assert_eq!((&log["replay_of"], &log["metrics"]["trace_id"]), (&json!(first), &json!("t-1")));
    assert!(!log.to_string().contains("eyJ"), "the token is masked: {log}");
    assert_eq!(org.log(&first).await["replay_of"], Value::Null);

    let edits = json!({"model": "gpt-4o-mini", "metadata": {"b": "2"}});
    let ((status, made), (_, sent)) = again(edits, &mut upstream).await;
    assert_eq!(status, 200, "{made}");
    let sent: Value = serde_json::from_slice(&sent).unwrap();
    assert_eq!(
        (&sent["model"], &sent["messages"][0]["content"]),
        (&json!("gpt-4o-mini"), &json!("caf\u{e9}"))
    );
    let log = org.log(made["log_id"].as_str().unwrap()).await;
    assert_eq!(log["metrics"]["metadata.key"], json!(["a", "b"]));
    let ((_, made), (_, sent)) = again(json!({"body": {"model": "x", "messages": []}}), &mut upstream).await;
    assert_eq!(sent.as_slice(), br#"{"model":"x","messages":[]}"#, "{made}");

    // An archived virtual key calls no more, and another may be named.
    app.http
        .delete(app.url(&format!("/v1/virtual-keys/{slug}")))
        .header("x-portkey-api-key", &org.key)
        .send()
        .await
        .unwrap();
    assert_refused(&org, &first, "is archived").await;
    let (_, echo) =
        ask(&caller, Method::POST, "/v1/virtual-keys", Some(&json!({"name": "echo", "provider": "echo"})))
            .await;
    let (status, made) = replay(&caller, &first, json!({"virtual_key": echo["slug"]})).await;
    assert_eq!((status, &made["response"]["status"]), (200, &json!(200)), "{made}");
    let (status, made) = replay(&caller, &first, json!({"virtual_key": "nobodys"})).await;
    assert_eq!((status, &made["response"]["status"]), (200, &json!(400)), "what the gateway says: {made}");
}

#[tokio::test]
async fn a_person_has_a_call_made_again_where_they_are_a_member_and_nowhere_else() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let id = logged(&org, org.echo("/v1/chat/completions").json(&chat("hi"))).await;
    let workspace = org.workspace_id(&org.workspace).await;
    let (_, next) = org.neighbour().await;
    let member = org.person("member", &[(workspace, "member")]).await;
    let elsewhere = org.person("member", &[(org.workspace_id(&next).await, "admin")]).await;
    let nowhere = org.person("member", &[]).await;
    for (who, caller, status) in [
        ("a member", &member.caller, 200),
        ("the owner", &org.owner().await, 200),
        ("of the next workspace", &elsewhere.caller, 404),
        ("of no workspace", &nowhere.caller, 403),
        ("an organisation's key", &org.admin(), 403),
    ] {
        let (found, made) = replay(caller, &id, json!({})).await;
        assert_eq!(found, status, "{who}: {made}");
        if status == 200 {
            assert_eq!(made["response"]["status"], 200, "{who}: {made}");
            let log = org.log(made["log_id"].as_str().unwrap()).await;
            assert_eq!(
                (&log["replay_of"], &log["metrics"]["api_key_id"]),
                (&json!(id), &Value::Null),
                "{who}"
            );
        }
    }
    // A key that may read logs makes no calls.
    let new = json!({"name": "k", "scopes": ["logs.view", "logs.write"]});
    let (_, key) =
        ask(&org.with_key(&org.key), Method::POST, "/v1/api-keys/workspace/service", Some(&new)).await;
    assert_eq!(replay(&org.with_key(key["key"].as_str().unwrap()), &id, json!({})).await.0, 403);
    assert_eq!(org.rows("", 3).await.len(), 3, "the call and those two");
}

#[tokio::test]
async fn what_cannot_be_made_again_says_why() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let call = |path: &str, upstream: &Upstream| org.ask(upstream, path).json(&chat("hi"));
    let answered = async |request: reqwest::RequestBuilder, upstream: &mut Upstream| {
        let sending = tokio::spawn(request.send());
        upstream.asked().await.json(200, &answer("hi")).await;
        let id = log_id(&sending.await.unwrap().unwrap());
        org.log(&id).await;
        id
    };
    let request = call("/v1/chat/completions", &upstream);
    let brought = answered(request, &mut upstream).await;
    assert_refused(&org, &brought, "a provider's key that is not held here").await;
    let request = call("/v1/messages", &upstream);
    let other = answered(request, &mut upstream).await;
    assert_refused(&org, &other, "only chat completions, completions and embeddings").await;

    let untracked = org.echo("/v1/chat/completions").header("x-portkey-debug", "false");
    let untracked = logged(&org, untracked.json(&chat("hi"))).await;
    assert_refused(&org, &untracked, "its content is not kept whole (withheld)").await;
    let sides = json!({"request": {"url": "/v1/chat/completions", "body": {}}, "response": {"body": {}}});
    let (_, inserted) = ask(&org.with_key(&org.key), Method::POST, "/v1/logs", Some(&sides)).await;
    let inserted = inserted["ids"][0].as_str().unwrap();
    assert_refused(
        &org,
        inserted,
        if why_not(&org, inserted).await.contains("only") { "only chat" } else { "not held here" },
    )
    .await;

    let echo = logged(&org, org.echo("/v1/chat/completions").json(&chat("hi"))).await;
    let change = format!(
        "UPDATE log SET prompt_slug = 'pp-x', option_path = 'config.targets[0]' WHERE {}",
        app.is("id", echo.parse().unwrap())
    );
    app.execute(&change).await;
    assert_refused(&org, &echo, "its prompt template `pp-x` was called from inside a config's target").await;
}

#[tokio::test]
async fn a_token_of_anything_else_has_no_call_made() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let tokens = org.sign_in().await;
    let long = "e".repeat(5_000);
    for token in ["", "nonsense", "eyJ.eyJ.x", tokens["access_token"].as_str().unwrap(), &long] {
        let call = org.echo("/v1/chat/completions").header("x-portkey-replay-token", token);
        let response = call.json(&chat("hi")).send().await.unwrap();
        assert_eq!(response.status(), 401, "{token:?}");
    }
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(app.count("SELECT count(*) FROM log").await, 0);
}
