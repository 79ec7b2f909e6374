//! Every way to name a thing in a request.

use serde_json::{Value, json};

use super::Ids;
use crate::harness::chat;
use crate::routes::JSON;

/// One request, as far as it differs from route to route.
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

/// Every way to name `ids` on a route of the control plane. `stranger`: to whom the organisation's id and members are
/// another's too. A route that is new has no row here, which fails the test.
pub fn ways(route: &api::Route, ids: &Ids, own: &Ids, stranger: bool) -> Vec<Ask> {
    let Ids { organisation, workspace, log, api_key, virtual_key, trace, cursor, .. } = ids;
    let mine = &own.workspace;
    let new_virtual_key =
        |workspace: &str| json!({"name": "x", "provider": "echo", "workspace_id": workspace});
    match (route.method, route.path) {
        ("GET", "/v1/logs") => vec![
            ask(format!("/v1/logs?workspace_slug={workspace}")),
            ask(format!("/v1/logs?workspace_id={workspace}")),
            ask(format!("/v1/logs?api_key_ids={api_key}")),
            ask(format!("/v1/logs?virtual_keys={virtual_key}")),
            ask(format!("/v1/logs?trace_id={trace}")),
            ask(format!("/v1/logs?cursor={cursor}")),
        ],
        ("GET", "/v1/logs/values") => {
            let values = |query: String| ask(format!("/v1/logs/values?field={query}"));
            vec![
                values(format!("model&workspace_slug={workspace}")),
                values(format!("api_key&workspace_id={workspace}")),
            ]
        }
        (_, path) if path.starts_with("/v1/logs/filters") => ways_in_saved_filters(route, ids, stranger),
        ("GET", path) if path.starts_with("/v1/analytics/") => {
            let when =
                "time_of_generation_min=2026-11-01T00:00:00Z&time_of_generation_max=2026-12-01T00:00:00Z";
            ["workspace_slug", "workspace_id"]
                .map(|name| ask(format!("{path}?{when}&{name}={workspace}")))
                .into()
        }
        ("GET", "/v1/traces") => vec![
            ask(format!("/v1/traces?workspace_slug={workspace}")),
            ask(format!("/v1/traces?workspace_id={workspace}")),
        ],
        ("GET", "/v1/traces/{trace_id}") => vec![
            ask(format!("/v1/traces/{trace}")),
            ask(format!("/v1/traces/{trace}?workspace_slug={workspace}")),
            ask(format!("/v1/traces/{trace}?workspace_id={workspace}")),
        ],
        ("POST", "/v1/logs") => {
            let sides = json!({"request": {"url": "/v1/x", "body": {}}, "response": {"body": {}}});
            let with = |name: &str, id: &str| {
                let mut body = sides.clone();
                body[name] = json!(id);
                with_body("/v1/logs", body)
            };
            vec![with("organisation_id", organisation), with("workspace_id", workspace)]
        }
        ("POST", "/v1/logs/{id}/replay") => vec![ask(format!("/v1/logs/{log}/replay"))],
        ("GET", "/v1/logs/{id}") => vec![ask(format!("/v1/logs/{log}"))],
        ("GET", "/v1/usage") => vec![
            ask(format!("/v1/usage?organisation_id={organisation}")),
            ask(format!("/v1/usage?workspace_id={workspace}")),
        ],
        (_, path) if path.starts_with("/v1/api-keys") => ways_in_keys(route, ids, own, stranger),
        ("GET", "/v1/audit-logs") => ways_in_the_audit_log(ids, stranger),
        ("GET", "/v1/virtual-keys") => vec![ask(format!("/v1/virtual-keys?workspace_id={workspace}"))],
        ("POST", "/v1/virtual-keys") => vec![with_body("/v1/virtual-keys", new_virtual_key(workspace))],
        ("GET" | "DELETE", "/v1/virtual-keys/{slug}") => vec![
            ask(format!("/v1/virtual-keys/{virtual_key}?workspace_id={mine}")),
            ask(format!("/v1/virtual-keys/{}?workspace_id={workspace}", own.virtual_key)),
            ask(format!("/v1/virtual-keys/{virtual_key}?workspace_id={workspace}")),
        ],
        ("PUT", "/v1/virtual-keys/{slug}") => {
            let change = |workspace: &str| json!({"name": "taken over", "workspace_id": workspace});
            vec![
                with_body(format!("/v1/virtual-keys/{virtual_key}"), change(mine)),
                with_body(format!("/v1/virtual-keys/{}", own.virtual_key), change(workspace)),
                with_body(format!("/v1/virtual-keys/{virtual_key}"), change(workspace)),
            ]
        }
        (_, path) if path.starts_with("/v1/configs") => ways_in_configs(route, ids, own),
        (_, path) if path.starts_with("/v1/guardrails") => ways_in_guardrails(route, ids, own, stranger),
        (_, path) if path.starts_with("/v1/admin/workspaces") => {
            ways_in_workspaces(route, ids, own, stranger)
        }
        ("POST", "/v1/auth/login") => {
            // An account for each, so that none of them has to wait.
            let email = format!("{organisation}@example.com");
            let sign_in = json!({"email": email, "password": "x", "organisation_id": organisation});
            vec![with_body("/v1/auth/login", sign_in)]
        }
        // What they take is a secret or nothing: there is no id to name. Whose sessions they are is in `sign_in::sessions`.
        (_, path) if path.starts_with("/v1/auth/sessions") => Vec::new(),
        (_, path) if path.starts_with("/v1/admin/users") => ways_among_people(route, ids),
        (
            "POST",
            "/v1/auth/refresh"
            | "/v1/auth/logout"
            | "/v1/auth/password"
            | "/v1/auth/password/reset"
            | "/v1/auth/password/reset/confirm"
            | "/v1/auth/invites/accept",
        )
        | ("GET", "/v1/auth/jwks" | "/v1/model-configs/pricing/{provider}/{model}") => Vec::new(),
        (_, path) if path.starts_with("/v1/billing/") => ways_in_billing(route, ids),
        (_, "/v1/traces" | "/v1/feedback" | "/v1/feedback/{id}") => ways_in_traces(route, ids),
        (_, path) if path.contains("/otel/") => ways_in_traces(route, ids),
        (method, path) => panic!("{method} {path} is new: say here how another's ids are named on it"),
    }
}

fn ways_in_keys(route: &api::Route, ids: &Ids, own: &Ids, stranger: bool) -> Vec<Ask> {
    let Ids { organisation, workspace, user, api_key, .. } = ids;
    let mine = &own.workspace;
    let new_key = |more: Value| {
        let mut body = json!({"name": "x", "scopes": ["logs.list"], "workspace_id": mine});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    match (route.method, route.path) {
        ("GET", "/v1/api-keys") => vec![ask(format!("/v1/api-keys?workspace_id={workspace}"))],
        ("POST", "/v1/api-keys/{type}/{sub_type}") => {
            let service = |body| with_body("/v1/api-keys/workspace/service", body);
            let with_config = new_key(json!({"defaults": {"config_id": ids.config}}));
            let mut ways = vec![service(new_key(json!({"workspace_id": workspace}))), service(with_config)];
            if stranger {
                let of_user = new_key(json!({"user_id": user}));
                ways.push(with_body("/v1/api-keys/workspace/user", of_user));
                ways.push(service(new_key(json!({"organisation_id": organisation}))));
            }
            ways
        }
        ("GET" | "DELETE", "/v1/api-keys/{id}") => vec![
            ask(format!("/v1/api-keys/{api_key}")),
            ask(format!("/v1/api-keys/{}?workspace_id={workspace}", own.api_key)),
        ],
        ("POST", "/v1/api-keys/{id}/rotate") => vec![
            with_body(format!("/v1/api-keys/{api_key}/rotate"), json!({})),
            with_body(format!("/v1/api-keys/{}/rotate", own.api_key), json!({"workspace_id": workspace})),
        ],
        ("DELETE", "/v1/api-keys/{id}/rotate") => vec![
            ask(format!("/v1/api-keys/{api_key}/rotate")),
            ask(format!("/v1/api-keys/{}/rotate?workspace_id={workspace}", own.api_key)),
        ],
        ("PUT", "/v1/api-keys/{id}") => {
            let change = json!({"name": "taken over"});
            let elsewhere = json!({"name": "mine", "workspace_id": workspace});
            vec![
                with_body(format!("/v1/api-keys/{api_key}"), change),
                with_body(format!("/v1/api-keys/{}", own.api_key), elsewhere),
                with_body(
                    format!("/v1/api-keys/{}", own.api_key),
                    json!({"defaults": {"config_id": ids.config}}),
                ),
            ]
        }
        (method, path) => panic!("{method} {path} is new: say here how another's ids are named on it"),
    }
}

fn ways_in_the_audit_log(ids: &Ids, stranger: bool) -> Vec<Ask> {
    let Ids { organisation, workspace, user, api_key, .. } = ids;
    let list = |more: String| {
        ask(format!("/v1/audit-logs?start_time=2026-01-01T00:00:00Z&end_time=2027-01-01T00:00:00Z&{more}"))
    };
    let mut ways = vec![list(format!("workspace_id={workspace}"))];
    if stranger {
        ways.push(list(format!("organisation_id={organisation}")));
        ways.push(list(format!("user_id={user}")));
    }
    // Of a neighbour's keys only their organisation's own key reads here.
    ways.push(list(format!("user_id={api_key}")));
    ways
}

fn ways_in_workspaces(route: &api::Route, ids: &Ids, own: &Ids, stranger: bool) -> Vec<Ask> {
    let Ids { workspace, member, .. } = ids;
    let named =
        |workspace: &str, user: &str| route.path.replace("{workspace}", workspace).replace("{user}", user);
    let places = [named(workspace, member), named(&own.workspace, member)];
    match (route.method, route.path) {
        ("GET", "/v1/admin/workspaces") => Vec::new(),
        // People belong to the organisation, not to one of its workspaces.
        ("POST", "/v1/admin/workspaces") if !stranger => Vec::new(),
        ("POST", "/v1/admin/workspaces") => {
            vec![with_body("/v1/admin/workspaces", json!({"name": "x", "users": [member]}))]
        }
        ("PUT", "/v1/admin/workspaces/{workspace}") => {
            let change = json!({"rate_limits": [{"type": "requests", "unit": "rpd", "value": 0}]});
            vec![with_body(named(workspace, ""), change)]
        }
        ("DELETE", "/v1/admin/workspaces/{workspace}") => {
            vec![with_body(named(workspace, ""), json!({"name": "not its name"}))]
        }
        ("POST", "/v1/admin/workspaces/{workspace}/users") => {
            let with = |place: &String| with_body(place, json!({"users": [{"id": member, "role": "admin"}]}));
            let places = if stranger { &places[..] } else { &places[..1] };
            places.iter().map(with).collect()
        }
        ("PUT", path) if path.ends_with("{user}") => {
            places.map(|place| with_body(place, json!({"role": "admin"}))).into()
        }
        (_, path) if path.ends_with("{user}") => places.map(ask).into(),
        _ => vec![ask(named(workspace, ""))],
    }
}

/// They are of the whole organisation: a neighbour's are the caller's own.
fn ways_in_saved_filters(route: &api::Route, ids: &Ids, stranger: bool) -> Vec<Ask> {
    let path = route.path.replace("{id}", &ids.saved_filter);
    match (route.method, route.path) {
        (_, "/v1/logs/filters") => Vec::new(),
        _ if !stranger => Vec::new(),
        ("PUT", _) => vec![with_body(path, json!({"name": "taken over"}))],
        _ => vec![ask(path)],
    }
}

fn ways_among_people(route: &api::Route, ids: &Ids) -> Vec<Ask> {
    let path = route.path.replace("{user}", &ids.user).replace("{invite}", &ids.invite);
    match (route.method, route.path) {
        ("GET", "/v1/admin/users" | "/v1/admin/users/invites") => Vec::new(),
        ("POST", "/v1/admin/users/invites") => {
            let place = json!({"id": ids.workspace, "role": "member"});
            vec![with_body(path, json!({"email": "a@b.co", "role": "member", "workspaces": [place]}))]
        }
        ("PUT", _) => vec![with_body(path, json!({"role": "member"}))],
        (_, _) => vec![ask(path)],
    }
}

fn ways_in_configs(route: &api::Route, ids: &Ids, own: &Ids) -> Vec<Ask> {
    let Ids { workspace, config, virtual_key, .. } = ids;
    let mine = &own.workspace;
    let named = |slug: &str| route.path.replace("{slug}", slug);
    let with =
        |config: Value, workspace: &str| json!({"name": "x", "config": config, "workspace_id": workspace});
    match (route.method, route.path) {
        ("GET", "/v1/configs") => vec![ask(format!("/v1/configs?workspace_id={workspace}"))],
        ("POST", "/v1/configs") => vec![
            with_body("/v1/configs", with(json!({"provider": "echo"}), workspace)),
            with_body("/v1/configs", with(json!({"virtual_key": virtual_key}), mine)),
            with_body("/v1/configs", with(json!({"provider": format!("@{virtual_key}")}), mine)),
        ],
        ("PUT", "/v1/configs/{slug}") => vec![
            with_body(named(config), with(json!({"provider": "echo"}), mine)),
            with_body(named(config), with(json!({"provider": "echo"}), workspace)),
            with_body(named(&own.config), with(json!({"provider": "echo"}), workspace)),
            with_body(named(&own.config), with(json!({"virtual_key": virtual_key}), mine)),
        ],
        ("GET" | "DELETE", "/v1/configs/{slug}" | "/v1/configs/{slug}/versions") => vec![
            ask(format!("{}?workspace_id={mine}", named(config))),
            ask(format!("{}?workspace_id={workspace}", named(config))),
            ask(format!("{}?workspace_id={workspace}", named(&own.config))),
        ],
        (method, path) => panic!("{method} {path} is new: say here how another's ids are named on it"),
    }
}

fn ways_in_guardrails(route: &api::Route, ids: &Ids, own: &Ids, stranger: bool) -> Vec<Ask> {
    let Ids { workspace, organisation, guardrail, .. } = ids;
    let named = |slug: &str| route.path.replace("{guardrail}", slug);
    let new = super::guardrail("taken over");
    let with = |name: &str, id: &str| {
        let mut body = new.clone();
        body[name] = json!(id);
        body
    };
    match (route.method, route.path) {
        ("GET", "/v1/guardrails") => vec![ask(format!("/v1/guardrails?workspace_id={workspace}"))],
        ("POST", "/v1/guardrails") => {
            let of_organisation = with_body("/v1/guardrails", with("organisation_id", organisation));
            let mut ways = vec![with_body("/v1/guardrails", with("workspace_id", workspace))];
            // A neighbour's organisation is the caller's own.
            ways.extend(stranger.then_some(of_organisation));
            ways
        }
        ("PUT", "/v1/guardrails/{guardrail}") => vec![
            with_body(named(guardrail), new.clone()),
            with_body(named(guardrail), with("workspace_id", workspace)),
            with_body(named(&own.guardrail), with("workspace_id", workspace)),
        ],
        ("GET" | "DELETE", "/v1/guardrails/{guardrail}") => vec![
            ask(named(guardrail)),
            ask(format!("{}?workspace_id={workspace}", named(guardrail))),
            ask(format!("{}?workspace_id={workspace}", named(&own.guardrail))),
        ],
        (method, path) => panic!("{method} {path} is new: say here how another's ids are named on it"),
    }
}

fn ways_in_traces(route: &api::Route, ids: &Ids) -> Vec<Ask> {
    let Ids { workspace, feedback, trace, .. } = ids;
    match (route.method, route.path) {
        // It goes where its key belongs, whatever is in it; that strangers do not see it is in `otel_ingest`.
        ("POST", path) if path == "/v1/traces" || path.contains("/otel/v1/") => Vec::new(),
        // A trace is named by the caller's own words, which may be another's too.
        ("POST", "/v1/feedback") => {
            let body = json!({"trace_id": trace, "value": 1, "workspace_id": workspace});
            vec![with_body("/v1/feedback", body)]
        }
        ("PUT", "/v1/feedback/{id}") => {
            vec![with_body(format!("/v1/feedback/{feedback}"), json!({"value": -7}))]
        }
        ("GET", "/v1/otel/destinations") => Vec::new(),
        ("POST", "/v1/otel/destinations") => {
            let new = json!({"name": "x", "endpoint": "https://otlp.example.com", "workspace_id": workspace});
            vec![with_body("/v1/otel/destinations", new)]
        }
        ("PUT", "/v1/otel/destinations/{id}") => {
            let change = json!({"endpoint": "https://example.com/taken-over"});
            vec![with_body(format!("/v1/otel/destinations/{}", ids.destination), change)]
        }
        (_, path) if path.starts_with("/v1/otel/destinations/{id}") => {
            vec![ask(path.replace("{id}", &ids.destination))]
        }
        (method, path) => panic!("{method} {path} is new: say here how another's ids are named on it"),
    }
}

fn ways_in_billing(route: &api::Route, ids: &Ids) -> Vec<Ask> {
    let Ids { invoice, webhook, delivery, .. } = ids;
    match (route.method, route.path) {
        // They are of the whole organisation, and there is nothing to name.
        (
            _,
            "/v1/billing/alerts"
            | "/v1/billing/alerts/webhooks"
            | "/v1/billing/plan"
            | "/v1/billing/caps"
            | "/v1/billing/invoices",
        ) => Vec::new(),
        ("POST", "/v1/billing/alerts/deliveries/{id}/redeliver") => {
            vec![ask(format!("/v1/billing/alerts/deliveries/{delivery}/redeliver"))]
        }
        ("PUT", "/v1/billing/alerts/webhooks/{id}") => {
            let change = json!({"url": "https://example.com/taken-over"});
            vec![with_body(format!("/v1/billing/alerts/webhooks/{webhook}"), change)]
        }
        (_, path) if path.starts_with("/v1/billing/alerts/webhooks/{id}") => {
            vec![ask(path.replace("{id}", webhook))]
        }
        ("GET", path) if path.starts_with("/v1/billing/invoices/{id}") => {
            vec![ask(path.replace("{id}", invoice))]
        }
        // It names a customer of Stripe's, and only Stripe can sign it.
        ("POST", "/v1/billing/stripe/webhook") => Vec::new(),
        (method, path) => panic!("{method} {path} is new: say here how another's ids are named on it"),
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
