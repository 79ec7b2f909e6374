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
        json!({"metadata": {"team": "search"}, "is_default": false, "object": "workspace"})
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
