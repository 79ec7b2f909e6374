//! One of each thing that there is to name.

use reqwest::{Method, RequestBuilder};
use sea_orm::{EntityTrait as _, IntoActiveModel as _};
use serde_json::{Value, json};

use super::ids::Ids;
use crate::harness::{Caller, Org, chat, log_id};

/// A provider that can never be reached.
const NOWHERE: &str = "http://127.0.0.1:1/v1";

/// What only its owner may ever see. Slugs that are made of it are in small letters.
pub const THEIRS: &str = "For-Their-Eyes-Only";

/// Makes one of each thing in the organisation's workspace.
pub async fn furnish(org: &Org<'_>) -> Ids {
    let answer = async |request: RequestBuilder| -> Value {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    };
    let post = |path: &str| org.request(Method::POST, path);
    let key = json!({"name": THEIRS, "scopes": ["logs.list"]});
    let api_key = answer(post("/v1/api-keys/workspace/service").json(&key)).await;
    let key = json!({"name": "theirs", "provider": "openai", "key": format!("sk-{THEIRS}"), "note": THEIRS,
        "custom_host": NOWHERE});
    let virtual_key = answer(post("/v1/virtual-keys").json(&key)).await;
    let config = json!({"name": THEIRS, "config": {"virtual_key": virtual_key["data"]["slug"]}});
    let config = answer(post("/v1/configs").json(&config)).await;
    let guardrail = answer(post("/v1/guardrails").json(&guardrail(THEIRS))).await;
    let to = |path: &str| org.admin().request(Method::POST, &format!("/v1/billing/alerts/webhooks{path}"));
    let webhook = answer(to("").json(&json!({"url": format!("http://127.0.0.1:1/{THEIRS}")}))).await;
    let webhook = webhook["id"].as_str().unwrap().to_owned();
    let delivery = answer(to(&format!("/{webhook}/test"))).await;
    let destination = json!({"name": THEIRS, "endpoint": format!("http://127.0.0.1:1/{THEIRS}")});
    let to_tool = org.admin().request(Method::POST, "/v1/otel/destinations");
    let destination = answer(to_tool.json(&destination)).await;
    let call = org.echo("/v1/chat/completions").header("x-portkey-trace-id", "trace-of-theirs");
    let log = log_id(&call.json(&chat(THEIRS)).send().await.unwrap());
    org.log(&log).await;
    let feedback = post("/v1/feedback").json(&json!({"trace_id": "trace-of-theirs", "value": 3}));
    let feedback = answer(feedback).await;
    let saved = json!({"name": THEIRS, "filters": {"trace_id": "trace-of-theirs"}});
    let saved = answer(post("/v1/logs/filters").json(&saved)).await;
    let export =
        json!({"filters": {"trace_id": "trace-of-theirs"}, "requested_data": ["id"], "description": THEIRS});
    let export = answer(post("/v1/logs/exports").json(&export)).await;
    let invite = json!({"email": format!("{THEIRS}@example.com"), "role": "member", "workspaces": []});
    let invite = answer(org.admin().request(Method::POST, "/v1/admin/users/invites").json(&invite)).await;
    let page: Value = org.get("/v1/logs?limit=1").await.json().await.unwrap();
    assert_eq!(page["data"][0]["id"], log.as_str());
    let user = entity::membership::Entity::find().all(&org.app.running.db).await.unwrap();
    let is_owner = |row: &&entity::membership::Model| row.organisation_id == org.id && row.role == "owner";
    let user = user.iter().find(is_owner).unwrap().user_id;
    let member = org.person("member", &[(org.workspace_id(&org.workspace).await, "member")]).await.id;
    Ids {
        organisation: org.id.to_string(),
        workspace: org.workspace.clone(),
        user: user.to_string(),
        member: member.to_string(),
        invite: invite["id"].as_str().unwrap().to_owned(),
        api_key: api_key["id"].as_str().unwrap().to_owned(),
        virtual_key: virtual_key["data"]["slug"].as_str().unwrap().to_owned(),
        config: config["slug"].as_str().unwrap().to_owned(),
        guardrail: guardrail["slug"].as_str().unwrap().to_owned(),
        webhook,
        delivery: delivery["id"].as_str().unwrap().to_owned(),
        feedback: feedback["feedback_ids"][0].as_str().unwrap().to_owned(),
        saved_filter: saved["id"].as_str().unwrap().to_owned(),
        log_export: export["id"].as_str().unwrap().to_owned(),
        destination: destination["id"].as_str().unwrap().to_owned(),
        invoice: invoiced(org).await,
        trace: "trace-of-theirs".to_owned(),
        log,
    }
}

/// What a guardrail of that name is made from.
fn guardrail(name: &str) -> Value {
    json!({"name": name, "checks": [{"id": "default.notNull", "parameters": {}}], "actions": {"deny": true}})
}

/// Drafts an invoice of the organisation; its id.
async fn invoiced(org: &Org<'_>) -> String {
    let row = entity::invoice::Model {
        id: org.app.running.ids.fresh(),
        organisation_id: org.id,
        month: 202_610,
        status: "draft".to_owned(),
        number: None,
        catalogue_version: plans::CATALOGUE_VERSION.to_owned(),
        total_cents: 0,
        document: json!({}),
        drafted_at: org.app.clock.now_ms(),
        finalised_at: None,
    };
    let id = row.id.to_string();
    let insert = entity::invoice::Entity::insert(row.into_active_model());
    insert.exec_without_returning(&org.app.running.db).await.unwrap();
    id
}

/// As [`furnish`] in a workspace of the caller's, with content of no interest; what it has none of is nobody's.
pub async fn furnish_own(caller: &Caller<'_>, workspace: &str, theirs: &Ids) -> Ids {
    let post = async |path: &str, body: Value| -> Value {
        let response = caller.request(Method::POST, path).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let key = json!({"name": "mine", "scopes": ["logs.list"]});
    let key = post("/v1/api-keys/workspace/service", key).await;
    let virtual_key = post("/v1/virtual-keys", json!({"name": "mine", "provider": "echo"})).await;
    let config = post("/v1/configs", json!({"name": "mine", "config": {"provider": "echo"}})).await;
    let guardrail = post("/v1/guardrails", guardrail("mine")).await;
    let export = post("/v1/logs/exports", json!({"filters": {}, "requested_data": ["id"]})).await;
    Ids {
        workspace: workspace.to_owned(),
        api_key: text(&key["id"]),
        virtual_key: text(&virtual_key["data"]["slug"]),
        config: text(&config["slug"]),
        guardrail: text(&guardrail["slug"]),
        log_export: text(&export["id"]),
        ..theirs.nobodys()
    }
}
