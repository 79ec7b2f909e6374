//! What people may where: by their role in the organisation, and in each of its workspaces.

use plans::Plan;
use reqwest::Method;
use serde_json::{Value, json};
use tenancy::{Role, Scopes, WorkspaceRole};

use crate::harness::{Caller, Org, TestApp, ask, chat, log_id};
use crate::routes::method;
use crate::tenancy::some_path;

/// Whether the role is turned away at this route, before anything else is looked at.
async fn is_turned_away(caller: &Caller<'_>, route: &api::Route) -> bool {
    let (status, body) = ask(caller, method(route.method), &some_path(route), Some(&json!({}))).await;
    let text = body.to_string();
    assert!(status < 500 && status != 401, "{} {}: {text}", route.method, route.path);
    status == 403 && text.contains("it needs ")
}

#[tokio::test]
async fn each_role_is_let_in_where_its_scopes_let_it_and_nowhere_else() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let workspace = org.workspace_id(&org.workspace).await;
    let mut people = vec![
        ("owner".to_owned(), org.owner().await, Role::Owner.scopes(), true),
        ("admin".to_owned(), org.person("admin", &[]).await.caller, Role::Admin.scopes(), false),
        ("member of nothing".to_owned(), org.person("member", &[]).await.caller, Scopes::NONE, false),
    ];
    for role in WorkspaceRole::ALL {
        let person = org.person("member", &[(workspace, role.as_str())]).await;
        people.push((format!("workspace {role}"), person.caller, role.scopes(), false));
    }
    for (who, caller, scopes, is_owner) in &people {
        for route in api::ROUTES {
            let is_let_in = match route.access {
                api::Access::Public => continue,
                api::Access::Person => true,
                api::Access::Owner | api::Access::OwnerOr(_) => *is_owner,
                api::Access::PersonOr(_) => !scopes.is_empty(),
                api::Access::AnyOf(any) => any.iter().any(|scope| scopes.has(*scope)),
                api::Access::AllOf(all) => all.iter().all(|scope| scopes.has(*scope)),
            };
            let turned_away = is_turned_away(caller, route).await;
            assert_eq!(turned_away, !is_let_in, "{who}: {} {}", route.method, route.path);
        }
    }
}

/// An organisation's three workspaces, by slug: the default one and two more, each with a log.
async fn three(org: &Org<'_>) -> [(String, String); 3] {
    let mut made = Vec::new();
    for (key, slug) in [
        (org.key.clone(), org.workspace.clone()),
        org.another_workspace("next").await,
        org.another_workspace("far").await,
    ] {
        let caller = org.with_key(&key);
        let call = caller.request(Method::POST, "/v1/chat/completions").header("x-portkey-provider", "echo");
        let id = log_id(&call.json(&chat("hi")).send().await.unwrap());
        org.log_for(&caller, &id).await;
        made.push((slug, id));
    }
    made.try_into().unwrap()
}

#[tokio::test]
async fn a_person_sees_the_workspaces_they_are_in_and_changes_those_where_their_role_lets_them() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let [(managed, of_managed), (read, of_read), (other, of_other)] = three(&org).await;
    let places = [(org.workspace_id(&managed).await, "manager"), (org.workspace_id(&read).await, "member")];
    let person = org.person("member", &places).await;
    let asked =
        async |verb: Method, path: &str, body: Value| ask(&person.caller, verb, path, Some(&body)).await;
    let get = async |path: &str| asked(Method::GET, path, json!({})).await;

    let ids = |list: &Value| -> Vec<String> {
        let rows = list["data"].as_array().unwrap().iter();
        rows.map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    let both = vec![of_read.clone(), of_managed.clone()];
    assert_eq!(ids(&get("/v1/logs").await.1), both);
    assert_eq!(ids(&get(&format!("/v1/logs?workspace_slug={read}")).await.1), [of_read.as_str()]);
    assert_eq!(get(&format!("/v1/logs?workspace_slug={other}")).await.0, 404);
    for (id, status) in [(&of_managed, 200), (&of_read, 200), (&of_other, 404)] {
        assert_eq!(get(&format!("/v1/logs/{id}")).await.0, status);
    }

    // Of the two, one is where configs may be made: it need not be named.
    let config = json!({"name": "mine", "config": {"retry": {"attempts": 1}}});
    let (status, made) = asked(Method::POST, "/v1/configs", config.clone()).await;
    assert_eq!(status, 200, "{made}");
    let slug = made["data"]["slug"].as_str().unwrap();
    for (workspace, status, code) in [(&read, 403, "AB03"), (&other, 404, "AB08")] {
        let mut body = config.clone();
        body["workspace_id"] = json!(workspace);
        let refused = asked(Method::POST, "/v1/configs", body).await;
        assert_eq!((refused.0, &refused.1["data"]["errorCode"]), (status, &json!(code)), "{}", refused.1);
    }
    let body = json!({"name": "theirs", "config": {"retry": {"attempts": 1}}, "workspace_id": read});
    let theirs = ask(&org.admin(), Method::POST, "/v1/configs", Some(&body)).await.1;
    let theirs = theirs["data"]["slug"].as_str().unwrap();
    let there = format!("/v1/configs/{theirs}?workspace_id={read}");
    assert_eq!(get(&there).await.0, 200, "a member sees it");
    assert_eq!(get(&format!("/v1/configs/{theirs}")).await.0, 400, "of two workspaces one is to be named");
    let rename = json!({"name": "renamed"});
    assert_eq!(asked(Method::PUT, &there, rename.clone()).await.0, 403);
    assert_eq!(asked(Method::PUT, &format!("/v1/configs/{theirs}"), rename.clone()).await.0, 404);
    assert_eq!(asked(Method::PUT, &format!("/v1/configs/{slug}"), rename).await.0, 200);

    // Keys are made where they manage, for who is there.
    let key = json!({"name": "k", "scopes": ["completions.write"], "user_id": person.id});
    let (status, made) = asked(Method::POST, "/v1/api-keys/workspace/user", key.clone()).await;
    assert_eq!(status, 200, "{made}");
    let mut elsewhere = key;
    elsewhere["workspace_id"] = json!(read);
    assert_eq!(asked(Method::POST, "/v1/api-keys/workspace/user", elsewhere.clone()).await.0, 403);
    elsewhere["workspace_id"] = json!(other);
    assert_eq!(ask(&org.admin(), Method::POST, "/v1/api-keys/workspace/user", Some(&elsewhere)).await.0, 400);

    // What they think of an answer they may say in either, once they say where.
    let feedback = json!({"trace_id": "t-1", "value": 1, "workspace_id": read});
    let (status, said) = asked(Method::POST, "/v1/feedback", feedback.clone()).await;
    assert_eq!(status, 200, "{said}");
    let mut unsaid = feedback;
    unsaid.as_object_mut().unwrap().remove("workspace_id");
    let refused = asked(Method::POST, "/v1/feedback", unsaid).await;
    assert_eq!((refused.0, &refused.1["data"]["errorCode"]), (400, &json!("AB01")), "{}", refused.1);
}
