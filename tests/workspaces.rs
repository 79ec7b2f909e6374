//! Workspaces are made, changed and deleted, and people work in them as they are let.

use plans::Plan;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Caller, Org, TestApp, ask, chat, log_id};

const PATH: &str = "/v1/admin/workspaces";

async fn done(caller: &Caller<'_>, verb: Method, path: &str, body: Value) -> Value {
    let (status, answer) = ask(caller, verb, path, Some(&body)).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

async fn get(caller: &Caller<'_>, path: &str) -> Value {
    done(caller, Method::GET, path, json!({})).await
}

fn names(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect()
}

/// A key to the workspace.
async fn key(org: &Org<'_>, workspace: &str) -> String {
    let new = json!({"name": "k", "scopes": ["completions.write", "logs.list", "logs.view"], "workspace_id": workspace});
    let made = done(&org.admin(), Method::POST, "/v1/api-keys/workspace/service", new).await;
    made["key"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_workspace_is_made_listed_changed_and_deleted() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let admin = org.admin();
    let person = org.person("member", &[]).await;
    let new = json!({
        "name": "Search", "description": "the search team", "users": [person.id],
        "defaults": {"metadata": {"team": "search"}},
        "usage_limits": [{"type": "cost", "credit_limit": 10, "periodic_reset": "monthly"}],
    });
    let made = done(&admin, Method::POST, PATH, new).await;
    let slug = made["slug"].as_str().unwrap();
    assert!(slug.starts_with("ws-search-"), "{made}");
    assert_eq!(
        made["defaults"],
        json!({"metadata": {"team": "search"}, "user_api_key_config": null, "input_guardrails": [],
            "output_guardrails": [], "is_default": false, "object": "workspace"})
    );
    assert_eq!(made["usage_limits"][0]["credit_limit"], 10);
    assert_eq!((&made["users"][0]["id"], &made["users"][0]["role"]), (&json!(person.id), &json!("member")));
    let users = made["users"].as_array().unwrap();
    assert!(
        users.iter().all(|user| user.as_object().unwrap().values().all(Value::is_string)),
        "as SDKs read it"
    );

    app.clock.advance(std::time::Duration::from_secs(1));
    done(&admin, Method::POST, PATH, json!({"name": "search 2"})).await;
    assert_eq!(names(&get(&admin, PATH).await)[..2], ["search 2", "Search"]);
    assert_eq!(names(&get(&admin, &format!("{PATH}?name=earch")).await), ["search 2", "Search"]);
    assert_eq!(names(&get(&admin, &format!("{PATH}?name=search")).await), ["search 2"], "in these letters");
    assert_eq!(names(&get(&admin, &format!("{PATH}?exact_name=Search")).await), ["Search"]);
    let page = get(&admin, &format!("{PATH}?pageSize=1&currentPage=1")).await;
    assert_eq!((names(&page), &page["total"]), (vec!["Search"], &json!(3)));
    assert_eq!(names(&get(&person.caller, PATH).await), ["Search"], "a member sees where they work");
    let of_key = get(&org.with_key(&org.key), PATH).await;
    assert_eq!(of_key["data"][0]["slug"], org.workspace.as_str());

    let path = format!("{PATH}/{slug}");
    let change = json!({"name": "Find", "description": null, "defaults": {"metadata": {"team": "find"}}, "workspace_id": slug});
    let changed = done(&admin, Method::PUT, &path, change).await;
    assert_eq!((&changed["name"], &changed["description"]), (&json!("Find"), &Value::Null));
    assert_eq!(get(&admin, &path).await, changed);
    assert_eq!(ask(&person.caller, Method::PUT, &path, Some(&json!({"name": "mine"}))).await.0, 403);

    let key = org.with_key(&self::key(&org, slug).await);
    let config = json!({"name": "x", "config": {"provider": "echo"}, "workspace_id": slug});
    let config = done(&admin, Method::POST, "/v1/configs", config).await;
    let (status, refused) = ask(&admin, Method::DELETE, &path, Some(&json!({}))).await;
    assert_eq!(status, 400, "{refused}");
    assert!(refused["data"]["message"].as_str().unwrap().contains("it still has 1 configs"), "{refused}");
    let config = format!("/v1/configs/{}?workspace_id={slug}", config["slug"].as_str().unwrap());
    done(&admin, Method::DELETE, &config, json!({})).await;
    assert_eq!(
        ask(&admin, Method::DELETE, &path, Some(&json!({"name": "Search"}))).await.0,
        400,
        "what it was called"
    );
    let confirmed = json!({"name": "Find", "workspace_id": slug});
    assert_eq!(done(&admin, Method::DELETE, &path, confirmed).await, json!({}));
    assert_eq!(ask(&admin, Method::GET, &path, Some(&json!({}))).await.0, 404);
    assert_eq!(
        key.request(Method::GET, "/v1/logs").send().await.unwrap().status(),
        401,
        "its keys end with it"
    );
    assert_eq!(
        ask(&person.caller, Method::GET, PATH, Some(&json!({}))).await.0,
        403,
        "and its members have no other"
    );
    let archived = get(&admin, &format!("{PATH}?status=archived")).await;
    assert_eq!((names(&archived), &archived["data"][0]["status"]), (vec!["Find"], &json!("archived")));

    let default = format!("{PATH}/{}", org.workspace);
    let (status, refused) = ask(&admin, Method::DELETE, &default, Some(&json!({}))).await;
    assert!(status == 400 && refused.to_string().contains("default workspace"), "{refused}");
}

#[tokio::test]
async fn calls_have_the_workspaces_metadata_under_the_keys_and_their_own() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let metadata = json!({"a": "workspace", "b": "workspace", "c": "workspace"});
    let new = json!({"name": "Search", "defaults": {"metadata": metadata}});
    let made = done(&org.admin(), Method::POST, PATH, new).await;
    let slug = made["slug"].as_str().unwrap();
    let new = json!({"name": "k", "scopes": ["completions.write", "logs.list", "logs.view"], "workspace_id": slug,
        "defaults": {"metadata": {"b": "key", "c": "key"}}});
    let made = done(&org.admin(), Method::POST, "/v1/api-keys/workspace/service", new).await;
    let caller = org.with_key(made["key"].as_str().unwrap());
    let metadata = async |own: &str| {
        let call = caller.request(Method::POST, "/v1/chat/completions").header("x-portkey-provider", "echo");
        let call = call.header("x-portkey-metadata", own).json(&chat("hi"));
        let id = log_id(&call.send().await.unwrap());
        org.log_for(&caller, &id).await;
        get(&caller, "/v1/logs?limit=1").await["data"][0]["metadata"].clone()
    };
    let seen = metadata(r#"{"c": "call"}"#).await;
    assert_eq!(seen, json!({"a": "workspace", "b": "key", "c": "call"}));
    let change = json!({"defaults": {"metadata": {"a": "changed"}}});
    done(&org.admin(), Method::PUT, &format!("{PATH}/{slug}"), change).await;
    assert_eq!(metadata("{}").await, json!({"a": "changed", "b": "key", "c": "key"}), "by the next call");
}

#[tokio::test]
async fn members_are_added_changed_and_removed_and_feel_it_at_once() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let admin = org.admin();
    let path = format!("{PATH}/{}/users", org.workspace);
    let (manager, member) = (org.person("member", &[]).await, org.person("member", &[]).await);
    assert_eq!(ask(&member.caller, Method::GET, "/v1/logs", Some(&json!({}))).await.0, 403);

    let users =
        json!({"users": [{"id": manager.id, "role": "manager"}, {"id": member.id, "role": "member"}]});
    assert_eq!(done(&admin, Method::POST, &path, users.clone()).await, json!({}));
    done(&admin, Method::POST, &path, users).await;
    let list = get(&admin, &path).await;
    assert_eq!(list["total"], 2, "twice is once");
    let of_member = get(&member.caller, &format!("{path}/{}", member.id)).await;
    assert_eq!(of_member["object"], "workspace-user");
    assert_eq!(
        (&of_member["email"], &of_member["org_role"], &of_member["role"], &of_member["workspace_id"]),
        (&json!(member.email), &json!("member"), &json!("member"), &json!(org.workspace))
    );
    assert!(of_member["scopes"].as_array().unwrap().contains(&json!("logs.list")));
    let only = get(&admin, &format!("{path}?role=manager")).await;
    assert_eq!((&only["total"], &only["data"][0]["id"]), (&json!(1), &json!(manager.id)));
    let email = member.email.to_uppercase();
    assert_eq!(get(&admin, &format!("{path}?email={email}")).await["data"][0]["id"], json!(member.id));

    // A member sees; a manager gives roles, any of them.
    get(&member.caller, "/v1/logs").await;
    let of_member = format!("{path}/{}", member.id);
    assert_eq!(ask(&member.caller, Method::PUT, &of_member, Some(&json!({"role": "admin"}))).await.0, 403);
    done(&manager.caller, Method::PUT, &of_member, json!({"role": "admin"})).await;
    let new = json!({"name": "k", "scopes": ["completions.write"], "user_id": member.id});
    let made = done(&member.caller, Method::POST, "/v1/api-keys/workspace/user", new).await;
    let key = org.with_key(made["key"].as_str().unwrap());
    let call = async || {
        let call = key.request(Method::POST, "/v1/chat/completions").header("x-portkey-provider", "echo");
        call.json(&chat("hi")).send().await.unwrap().status().as_u16()
    };
    assert_eq!(call().await, 200);

    assert_eq!(done(&manager.caller, Method::DELETE, &of_member, json!({})).await, json!({}));
    assert_eq!(call().await, 401, "their key to it");
    assert_eq!(ask(&member.caller, Method::GET, "/v1/logs", Some(&json!({}))).await.0, 403, "and they");
    assert_eq!(ask(&admin, Method::GET, &of_member, Some(&json!({}))).await.0, 404);
    let users = json!({"users": [{"id": member.id, "role": "member"}]});
    done(&admin, Method::POST, &path, users).await;
    assert_eq!(call().await, 401, "a key that ended does not come back");

    // Who is not in the organisation works in none of its workspaces.
    let stranger = app.org(Plan::Developer).await.person("member", &[]).await;
    let users = json!({"users": [{"id": stranger.id, "role": "member"}]});
    let (status, refused) = ask(&admin, Method::POST, &path, Some(&users)).await;
    assert!(status == 400 && refused.to_string().contains("users[0].id"), "{refused}");
}

/// Words that a guardrail denies, in a request or in an answer.
async fn denying(org: &Org<'_>, words: &str) -> Value {
    let new = json!({"name": words, "actions": {"deny": true}, "checks": [
        {"id": "default.contains", "parameters": {"words": [words], "operator": "none"}}]});
    done(&org.with_key(&org.key), Method::POST, "/v1/guardrails", new).await
}

#[tokio::test]
async fn a_workspaces_guardrails_judge_every_call_beside_those_of_its_config() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let [asked, answered, of_config] =
        [denying(&org, "asked").await, denying(&org, "said").await, denying(&org, "own").await];
    let path = format!("{PATH}/{}", org.workspace);
    let change =
        json!({"defaults": {"input_guardrails": [asked["slug"]], "output_guardrails": [answered["id"]]}});
    let changed = done(&org.admin(), Method::PUT, &path, change).await;
    assert_eq!(changed["defaults"]["input_guardrails"], json!([asked["slug"]]));
    assert_eq!(get(&org.admin(), &path).await["defaults"]["output_guardrails"], json!([answered["id"]]));

    let config = json!({"input_guardrails": [of_config["slug"]]}).to_string();
    let call = async |config: &str, text: &str| {
        let call = org.echo("/v1/chat/completions").json(&chat(text));
        let call = if config.is_empty() { call } else { call.header("x-portkey-config", config) };
        let response = call.send().await.unwrap();
        let results = &org.log(&log_id(&response)).await["hook_results"];
        let ran = |phase: &str| results[phase].as_array().map_or(0, Vec::len);
        (response.status().as_u16(), [ran("before_request_hooks"), ran("after_request_hooks")])
    };
    // echo says what it was asked: `said` is denied when it comes back.
    for (config, text, status, ran) in [
        ("", "hi", 200, [1, 1]),
        ("", "asked", 446, [1, 0]),
        ("", "said", 446, [1, 1]),
        ("", "own", 200, [1, 1]),
        (&*config, "hi", 200, [2, 1]),
        (&*config, "asked", 446, [2, 0]),
        (&*config, "own", 446, [2, 0]),
    ] {
        assert_eq!(call(config, text).await, (status, ran), "{config} {text}");
    }

    // Another workspace has none of them.
    let (key, _) = org.neighbour().await;
    let call = org.with_key(&key).request(Method::POST, "/v1/chat/completions");
    let call = call.header("x-portkey-provider", "echo").json(&chat("asked"));
    assert_eq!(call.send().await.unwrap().status(), 200);

    // While one of them is archived no call goes unjudged.
    let gone = format!("/v1/guardrails/{}", answered["slug"].as_str().unwrap());
    done(&org.with_key(&org.key), Method::DELETE, &gone, json!({})).await;
    let refused = org.echo("/v1/chat/completions").json(&chat("hi")).send().await.unwrap();
    assert_eq!(refused.status(), 400);
    let said: Value = refused.json().await.unwrap();
    let said = said["message"].as_str().unwrap();
    assert!(said.starts_with("the workspace's defaults.output_guardrails[0]: the guardrail"), "{said}");
    done(&org.admin(), Method::PUT, &path, json!({"defaults": null})).await;
    let call = org.echo("/v1/chat/completions").json(&chat("asked"));
    assert_eq!(call.send().await.unwrap().status(), 200, "by the next call");
}

#[tokio::test]
async fn peoples_own_keys_run_under_their_workspaces_config() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let admin = org.admin();
    let config = async |name: &str| {
        let new = json!({"name": name, "config": {"provider": "echo", "override_params": {"model": name}}});
        done(&org.with_key(&org.key), Method::POST, "/v1/configs", new).await
    };
    let (of_workspace, of_key) = (config("shared").await, config("own").await);
    let path = format!("{PATH}/{}", org.workspace);
    let change = json!({"defaults": {"user_api_key_config": of_workspace["id"]}});
    let changed = done(&admin, Method::PUT, &path, change).await;
    assert_eq!(changed["defaults"]["user_api_key_config"], of_workspace["slug"], "by id, shown by slug");

    let user = org.person("member", &[(org.workspace_id(&org.workspace).await, "member")]).await.id;
    let key = async |kind: &str, defaults: Value| {
        let mut new = json!({"name": "k", "scopes": ["completions.write"], "workspace_id": org.workspace,
            "defaults": defaults});
        if kind == "user" {
            new["user_id"] = json!(user);
        }
        let made = done(&admin, Method::POST, &format!("/v1/api-keys/workspace/{kind}"), new).await;
        made["key"].as_str().unwrap().to_owned()
    };
    let model = async |key: &str| {
        let call = org.with_key(key).request(Method::POST, "/v1/chat/completions").json(&chat("hi"));
        let response = call.send().await.unwrap();
        let status = response.status().as_u16();
        let body: Value = response.json().await.unwrap();
        (status, body["model"].as_str().map(str::to_owned))
    };
    let plain = key("user", json!({})).await;
    assert_eq!(model(&plain).await, (200, Some("shared".to_owned())));
    let own = key("user", json!({"config_id": of_key["slug"]})).await;
    assert_eq!(model(&own).await, (200, Some("own".to_owned())));
    let service = key("service", json!({})).await;
    assert_eq!(model(&service).await.0, 400, "a service's key has no provider to go to");

    done(&admin, Method::PUT, &path, json!({"defaults": {"user_api_key_config": null}})).await;
    assert_eq!(model(&plain).await.0, 400, "by the next call");
}

#[tokio::test]
async fn a_workspace_takes_no_default_that_its_calls_could_not_have() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let other = app.org(Plan::Developer).await;
    let theirs = denying(&other, "theirs").await;
    let path = format!("{PATH}/{}", org.workspace);
    for (defaults, says) in [
        (
            json!({"input_guardrails": [theirs["slug"]]}),
            "defaults.input_guardrails[0]: this workspace has no",
        ),
        (
            json!({"output_guardrails": [theirs["id"]]}),
            "defaults.output_guardrails[0]: this workspace has no",
        ),
        (json!({"input_guardrails": [1]}), "defaults.input_guardrails[0]: found 1"),
        (json!({"input_guardrails": "pg-x"}), "defaults.input_guardrails: found a string"),
        (json!({"input_guardrails": vec!["x"; 21]}), "defaults.input_guardrails: 21 items"),
        (json!({"user_api_key_config": "pc-none"}), "defaults.user_api_key_config: this workspace has no"),
        (json!({"user_api_key_config": 1}), "defaults.user_api_key_config: found a number"),
        (json!({"x": 1}), "defaults.x: no such field"),
    ] {
        for (method, path, body) in [
            (Method::PUT, path.as_str(), json!({"defaults": defaults})),
            (Method::POST, PATH, json!({"name": "x", "defaults": defaults})),
        ] {
            let (status, refused) = ask(&org.admin(), method, path, Some(&body)).await;
            let message = refused["data"]["message"].as_str().unwrap_or_default();
            assert!(status == 400 && message.starts_with(says), "{says}: {refused}");
        }
    }
}
