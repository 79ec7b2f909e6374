//! The ways to name a thing that the document does not tell.

use serde_json::{Value, json};

use super::Ids;
use crate::harness::chat;
use crate::routes::JSON;

/// One request, as far as it differs from route to route.
#[derive(Debug)]
pub struct Ask {
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Value>,
}

fn ask(path: impl Into<String>) -> Ask {
    Ask { path: path.into(), headers: Vec::new(), body: None }
}

fn with_body(path: impl Into<String>, body: Value) -> Ask {
    Ask { body: Some(body), ..ask(path) }
}

/// Inside of what is kept as it was sent, and to who shows a password.
pub fn ways(route: &api::Route, ids: &Ids, own: &Ids) -> Vec<Ask> {
    let Ids { organisation, virtual_key, guardrail, .. } = ids;
    let config = |config: Value| json!({"name": "x", "config": config, "workspace_id": own.workspace});
    let configs = [
        json!({"virtual_key": virtual_key}),
        json!({"provider": format!("@{virtual_key}")}),
        json!({"input_guardrails": [guardrail]}),
    ];
    match (route.method, route.path) {
        ("POST", "/v1/configs") => configs.map(|it| with_body(route.path, config(it))).into(),
        ("PUT", "/v1/configs/{slug}") => {
            configs.map(|it| with_body(format!("/v1/configs/{}", own.config), config(it))).into()
        }
        ("POST", "/v1/auth/login") => {
            // An account for each, so that none of them has to wait.
            let email = format!("{organisation}@example.com");
            let sign_in = json!({"email": email, "password": "x", "organisation_id": organisation});
            vec![with_body(route.path, sign_in)]
        }
        // Of who made a change, which may be a key.
        ("GET", "/v1/audit-logs") => {
            let all = "start_time=2026-01-01T00:00:00Z&end_time=2027-01-01T00:00:00Z";
            vec![ask(format!("{}?{all}&user_id={}", route.path, ids.api_key))]
        }
        _ => Vec::new(),
    }
}

/// Every way to name a virtual key, or a config, in a model call.
pub fn ways_to_call(path: &str, ids: &Ids) -> Vec<Ask> {
    let slug = &ids.virtual_key;
    let body = |model: String| {
        let mut body = chat("hi");
        body["model"] = json!(model);
        JSON.contains(&path).then_some(body)
    };
    let call = |name: &'static str, value: String| Ask {
        headers: vec![(name, value)],
        body: body("m".to_owned()),
        ..ask(path)
    };
    let mut ways = vec![
        call("x-portkey-virtual-key", slug.clone()),
        call("x-portkey-provider", format!("@{slug}")),
        call("x-portkey-config", ids.config.clone()),
        call("x-portkey-config", json!({"virtual_key": slug}).to_string()),
    ];
    if JSON.contains(&path) {
        ways.push(Ask { body: body(format!("@{slug}/m")), ..ask(path) });
    }
    ways
}
