//! Every way to name a thing on a route of the control plane, as the server's own OpenAPI document tells it: in each part of the path and
//! each field of the body that takes text each thing there is, whatever the part is meant for; in each parameter of the query what it is
//! called after, or one thing where it is called after none.

use api::Route;
use reqwest::{Method, Url};
use sea_orm::prelude::Uuid;
use serde_json::{Value, json};

use super::Ids;
use super::ways::Ask;
use crate::harness::Caller;

/// How deep bodies are looked into.
const DEPTH: usize = 8;

/// Takes secrets or is asked for by others than people and keys: nothing is named there that anybody could reach.
const NAMELESS: [&str; 11] = [
    "/v1/auth/refresh",
    "/v1/auth/logout",
    "/v1/auth/password",
    "/v1/auth/password/reset",
    "/v1/auth/password/reset/confirm",
    "/v1/auth/invites/accept",
    // Who guesses an account waits.
    "/v1/auth/login",
    "/v1/billing/stripe/webhook",
    // What comes by OTLP goes where its key belongs.
    "/v1/logs/otel/v1/traces",
    "/v1/otel/v1/traces",
    "/v1/traces",
];

/// Parameters of queries that no thing is named in.
const PLAIN: [&str; 38] = [
    "action",
    "ai_model",
    "ai_org",
    "ai_org_model",
    "by",
    "cache_status",
    "client_ip",
    "country",
    // Where a page begins, and no more.
    "cursor",
    "email",
    "exact_name",
    "field",
    "format",
    "key",
    "metadata",
    "method",
    "mode",
    "model",
    "month",
    "name",
    "order",
    "outcome",
    // No log has one yet.
    "prompt_slug",
    "provider",
    "q",
    "request_id",
    "resource_type",
    "retry_status",
    "role",
    "sort",
    "response_status_code",
    "source",
    "span_id",
    "status",
    "status_code",
    "text",
    // Of a link, which names nothing.
    "token",
    "uri",
];

pub struct Document(Value);

/// A kind of thing and the id of one.
pub type Named<'i> = (&'static str, &'i str);

/// Where text goes in a request.
enum Slot {
    Path(String),
    Query(String),
    /// A JSON pointer.
    Body(String),
}

impl Slot {
    fn names_a_workspace(&self) -> bool {
        match self {
            Self::Path(_) => false,
            Self::Query(name) => name.starts_with("workspace"),
            Self::Body(pointer) => pointer == "/workspace_id",
        }
    }
}

impl Document {
    pub async fn of(caller: &Caller<'_>) -> Self {
        let asked = caller.request(Method::GET, "/openapi.json");
        Self(asked.send().await.unwrap().json().await.unwrap())
    }

    /// All ways to name one of `named`, which are among `ids`, on a route, by the place where it is named; all other places have what is
    /// the caller's own. A thing of a path goes with its workspace, too.
    pub fn ways(&self, route: &Route, ids: &Ids, named: &[Named<'_>], own: &Ids) -> Vec<Vec<Ask>> {
        let operation = &self.0["paths"][route.path][route.method.to_lowercase()];
        assert!(operation.is_object(), "{} {} is not in the document", route.method, route.path);
        if route.method == "POST" && NAMELESS.contains(&route.path) {
            return Vec::new();
        }
        let slots = self.slots(operation);
        let mut ways = Vec::new();
        for (slot, is_uuid) in &slots {
            let fits = |(_, id): &&Named<'_>| !is_uuid || id.parse::<Uuid>().is_ok();
            let fitting: Vec<_> = named.iter().filter(fits).collect();
            let meant = match slot {
                Slot::Query(name) => meant_by(route, name, ids, &fitting),
                Slot::Path(_) | Slot::Body(_) => fitting,
            };
            let ask = |(_, id): &&Named<'_>| self.ask(route, operation, own, &[(slot, id)]);
            ways.push(meant.iter().map(ask).collect());
        }
        for (thing, _) in &slots {
            let Slot::Path(name) = thing else { continue };
            let parts = route.path.split('/').zip(route.path.split('/').skip(1));
            let mut before = parts.filter(|(_, part)| part.trim_matches(['{', '}']) == name);
            let id = of_path(route.path, before.next().unwrap().0, name, ids);
            if !named.iter().any(|(_, known)| *known == id) {
                continue;
            }
            for (slot, _) in slots.iter().filter(|(slot, _)| slot.names_a_workspace()) {
                let places = [(thing, id), (slot, ids.workspace.as_str())];
                ways.push(vec![self.ask(route, operation, own, &places)]);
            }
        }
        ways
    }

    /// Where text goes in the requests of an operation, and whether it is a UUID's.
    fn slots(&self, operation: &Value) -> Vec<(Slot, bool)> {
        let mut slots = Vec::new();
        for parameter in operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default() {
            let name = parameter["name"].as_str().unwrap().to_owned();
            let schema = self.resolved(&parameter["schema"]);
            let item = self.resolved(&schema["items"]);
            if !(takes_text(schema) || takes_text(item)) {
                continue;
            }
            let is_uuid = schema["format"] == "uuid" || item["format"] == "uuid";
            match parameter["in"].as_str().unwrap() {
                "path" => slots.push((Slot::Path(name), is_uuid)),
                "query" => slots.push((Slot::Query(name), is_uuid)),
                _ => {}
            }
        }
        let body = &operation["requestBody"]["content"]["application/json"];
        if body.is_object() {
            self.fields(&body["schema"], String::new(), 0, &mut slots);
        }
        slots
    }

    /// The request of the document's examples, but for what is in these places.
    fn ask(&self, route: &Route, operation: &Value, own: &Ids, places: &[(&Slot, &str)]) -> Ask {
        let mut before = "";
        let segments = route.path.split('/').map(|segment| {
            let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            let is_here = |slot: &Slot| matches!(slot, Slot::Path(varied) if Some(varied.as_str()) == name);
            let put = places.iter().find(|(slot, _)| is_here(slot)).map(|(_, id)| *id);
            let value = put.or(name.map(|name| of_path(route.path, before, name, own))).unwrap_or(segment);
            before = segment;
            value.to_owned()
        });
        let path = segments.collect::<Vec<_>>().join("/");
        let mut url = Url::parse("http://localhost").unwrap().join(&path).unwrap();
        for parameter in operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default() {
            let name = parameter["name"].as_str().unwrap();
            if parameter["in"] == "query" && parameter["required"] == true {
                url.query_pairs_mut().append_pair(name, parameter["example"].as_str().unwrap());
            }
        }
        for (slot, id) in places {
            if let Slot::Query(name) = slot {
                url.query_pairs_mut().append_pair(name, id);
            }
        }
        let content = &operation["requestBody"]["content"]["application/json"];
        let body = content.is_object().then(|| {
            let mut body = self.example(&content["schema"]);
            for (slot, id) in places {
                if let Slot::Body(pointer) = slot {
                    put(&mut body, pointer, id);
                }
            }
            body
        });
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = format!("{}{query}", url.path());
        Ask { path, headers: Vec::new(), body }
    }

    fn resolved<'d>(&'d self, mut schema: &'d Value) -> &'d Value {
        while let Some(name) = schema["$ref"].as_str() {
            schema = self.0.pointer(name.trim_start_matches('#')).unwrap();
        }
        schema
    }

    /// Adds the text fields of a schema, each by its pointer.
    fn fields(&self, schema: &Value, at: String, depth: usize, slots: &mut Vec<(Slot, bool)>) {
        let schema = self.resolved(schema);
        if depth > DEPTH {
            return;
        }
        for kind in ["oneOf", "anyOf", "allOf"].iter().filter_map(|name| schema[*name].as_array()).flatten() {
            self.fields(kind, at.clone(), depth + 1, slots);
        }
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            self.fields(field, format!("{at}/{name}"), depth + 1, slots);
        }
        if schema["items"].is_object() {
            self.fields(&schema["items"], format!("{at}/0"), depth + 1, slots);
        }
        let is_new = !slots.iter().any(|(slot, _)| matches!(slot, Slot::Body(known) if *known == at));
        if takes_text(schema) && is_new {
            slots.push((Slot::Body(at), schema["format"] == "uuid"));
        }
    }

    /// Of several kinds of body the first's.
    fn example(&self, schema: &Value) -> Value {
        let schema = self.resolved(schema);
        let first = ["oneOf", "anyOf"].iter().find_map(|name| schema[*name].get(0));
        match (schema.get("example"), first) {
            (Some(example), _) => example.clone(),
            (None, Some(first)) => self.example(first),
            (None, None) => json!({}),
        }
    }
}

/// Those of `fitting` that a parameter is called after; the first, where it is called after none.
fn meant_by<'n, 'i>(route: &Route, name: &str, ids: &Ids, fitting: &[&'n Named<'i>]) -> Vec<&'n Named<'i>> {
    let is_meant = |(kind, _): &Named<'_>| name.contains(kind);
    let is_known = PLAIN.contains(&name) || ids.all().iter().any(is_meant);
    assert!(is_known, "{}: say what kind of thing {name} is, or that it is plain", route.path);
    let found: Vec<_> = fitting.iter().copied().filter(|named| is_meant(named)).collect();
    if found.is_empty() { fitting[..1].to_vec() } else { found }
}

fn takes_text(schema: &Value) -> bool {
    let is_text = match &schema["type"] {
        Value::Array(types) => types.contains(&json!("string")),
        one => one == "string",
    };
    is_text && schema.get("enum").is_none() && schema["format"] != "date-time"
}

/// The caller's own thing in a part of the path, by the part before.
fn of_path<'i>(path: &str, before: &str, name: &str, own: &'i Ids) -> &'i str {
    match before {
        "logs" => &own.log,
        "filters" => &own.saved_filter,
        "exports" => &own.log_export,
        "feedback" => &own.feedback,
        "traces" => &own.trace,
        "api-keys" if name == "type" => "workspace",
        "{type}" => "service",
        "api-keys" => &own.api_key,
        "virtual-keys" => &own.virtual_key,
        "configs" => &own.config,
        "guardrails" => &own.guardrail,
        "destinations" => &own.destination,
        "webhooks" => &own.webhook,
        "deliveries" => &own.delivery,
        "invoices" => &own.invoice,
        "workspaces" => &own.workspace,
        "users" if path.contains("/workspaces/") => &own.member,
        "invites" => &own.invite,
        // Of sessions none is known.
        "users" | "sessions" => &own.user,
        "pricing" => "openai",
        "{provider}" => "gpt-4o",
        _ => panic!("{path}: say here what {{{name}}} is"),
    }
}

/// Puts text at a place of a body, which is made there if it is not.
fn put(mut body: &mut Value, pointer: &str, text: &str) {
    for part in pointer.split('/').skip(1) {
        body = if part == "0" {
            if body.get(0).is_none() {
                *body = json!([{}]);
            }
            &mut body[0]
        } else {
            if !body.is_object() {
                *body = json!({});
            }
            &mut body[part]
        };
    }
    *body = text.into();
}
