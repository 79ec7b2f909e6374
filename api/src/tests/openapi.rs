//! The document and the plane are one: neither knows what the other does not.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

use super::fixture::{Answer, Fixture};
use crate::openapi::{openapi, parts};
use crate::{Access, ROUTES, Route, admin};

fn document() -> Value {
    serde_json::to_value(openapi()).unwrap()
}

/// Every operation, by method and path.
fn operations(document: &Value) -> BTreeMap<(String, String), &Value> {
    let paths = document["paths"].as_object().unwrap().iter();
    let all = paths.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(move |(method, operation)| ((method.to_uppercase(), path.clone()), operation))
    });
    all.collect()
}

#[test]
fn the_document_has_every_route_and_no_other() {
    let document = document();
    let documented: BTreeSet<_> = operations(&document).into_keys().collect();
    let of_tenants = ROUTES.iter().map(|route| (route.method.to_owned(), route.path.to_owned()));
    let of_operator = admin::ROUTES.iter().map(|route| ("GET".to_owned(), route.path.to_owned()));
    assert_eq!(documented, of_tenants.chain(of_operator).collect());
}

#[test]
fn every_operation_says_what_it_is_and_what_it_needs() {
    let document = document();
    let mut ids = BTreeSet::new();
    for ((method, path), operation) in operations(&document) {
        let what = format!("{method} {path}");
        assert!(operation["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{what}");
        assert!(operation["description"].as_str().unwrap().contains("Needs "), "{what}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{what}: its id is another's too");
        assert!(operation["security"].is_array(), "{what}");
        assert!(operation["tags"][0].is_string(), "{what}");
        let named: BTreeSet<String> =
            parameters(operation, "path").into_iter().map(|name| format!("{{{name}}}")).collect();
        let in_path: BTreeSet<String> =
            path.split('/').filter(|part| part.starts_with('{')).map(str::to_owned).collect();
        assert_eq!(named, in_path, "{what}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            let schema = &response["content"]["application/json"]["schema"];
            // Guardrails are refused in a shape of their own, and so are prices that are not known.
            let is_error = ["Error", "ErrorB", "NoModel"]
                .iter()
                .any(|name| schema["$ref"] == format!("#/components/schemas/{name}"));
            assert_eq!(is_error, status != "200", "{what}: {status}: {schema}");
        }
    }
    let logs = &document["paths"]["/v1/logs"];
    assert_eq!(
        logs["post"]["security"],
        json!([
            {"api_key": ["completions.write", "logs.write"]},
            {"access_token": ["completions.write", "logs.write"]}
        ])
    );
}

#[test]
fn all_that_is_referred_to_is_there_and_means_one_thing() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let text = document.to_string();
    for (_, rest) in
        text.match_indices("#/components/schemas/").map(|(at, name)| (at, &text[at + name.len()..]))
    {
        let name = rest.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name}");
    }
    let mut meant = BTreeMap::new();
    for part in parts() {
        let part = serde_json::to_value(part).unwrap();
        for (name, schema) in part["components"]["schemas"].as_object().unwrap() {
            let first = meant.entry(name.clone()).or_insert_with(|| schema.clone());
            assert_eq!(first, schema, "{name} means two things");
        }
    }
}

#[tokio::test]
async fn what_a_route_reads_is_what_its_operation_has() {
    let target = Target::new().await;
    let document = document();
    for route in ROUTES {
        let operation = operations(&document)[&(route.method.to_owned(), route.path.to_owned())];
        let refused = target.call(route, "?strange=1", None).await;
        assert_eq!(
            only(&refused, "strange: no such parameter"),
            parameters(operation, "query"),
            "{}",
            route.path
        );
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        if !schema.is_null() {
            target.check_body(route, &document, one_of(&document, schema)).await;
        }
    }
}

/// A plane with something to call on each route.
struct Target {
    fixture: Fixture,
    access_token: String,
    api_key: String,
    feedback: String,
    virtual_key: String,
    config: String,
    guardrail: String,
}

impl Target {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let password = fixture.made.password.as_ref().unwrap().expose_secret();
        let sign_in = json!({"email": fixture.made.owner_email, "password": password});
        let (_, tokens) = fixture.post("/v1/auth/login", sign_in).await;
        let new = json!({"name": "x", "scopes": ["logs.list"]});
        let (_, api_key) = fixture.post("/v1/api-keys/workspace/service", new).await;
        let (_, virtual_key) =
            fixture.post("/v1/virtual-keys", json!({"name": "x", "provider": "echo"})).await;
        let new = json!({"name": "x", "config": {"provider": "echo"}});
        let (_, config) = fixture.post("/v1/configs", new).await;
        let new = json!({"name": "x", "checks": [{"id": "default.notNull"}], "actions": {}});
        let (_, guardrail) = fixture.post("/v1/guardrails", new).await;
        let (_, feedback) = fixture.post("/v1/feedback", json!({"trace_id": "x", "value": 1})).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            access_token: text(&tokens["access_token"]),
            api_key: text(&api_key["id"]),
            feedback: text(&feedback["feedback_ids"][0]),
            virtual_key: text(&virtual_key["data"]["slug"]),
            config: text(&config["data"]["slug"]),
            guardrail: text(&guardrail["slug"]),
            fixture,
        }
    }

    async fn call(&self, route: &Route, query: &str, body: Option<&Value>) -> Answer {
        let path = route
            .path
            .replace("{type}/{sub_type}", "workspace/service")
            .replace("feedback/{id}", &format!("feedback/{}", self.feedback))
            .replace("{id}", &self.api_key)
            .replace("configs/{slug}", &format!("configs/{}", self.config))
            .replace("{guardrail}", &self.guardrail)
            .replace("{slug}", &self.virtual_key)
            .replace("{trace_id}", "x")
            .replace("{provider}/{model}", "openai/gpt-4o")
            .replace("{workspace}", &self.fixture.made.workspace_id)
            .replace("{invite}", &self.api_key)
            .replace("{user}", &self.api_key);
        let bearer = format!("Bearer {}", self.access_token);
        let credential = match route.access {
            Access::Person | Access::Owner | Access::OwnerOr(_) => ("authorization", bearer.as_str()),
            _ => ("x-portkey-api-key", self.fixture.key_to(route).expose_secret()),
        };
        let body = body.map(ToString::to_string);
        self.fixture.send(route.method, &format!("{path}{query}"), &[credential], body.as_deref()).await
    }

    /// Each object of the example with a field too many is refused, with the documented ones as those that are known; each
    /// text is taken to its documented length and no further.
    async fn check_body(&self, route: &Route, document: &Value, schema: &Value) {
        let example = &schema["example"];
        assert!(example.is_object(), "{} {} has an example", route.method, route.path);
        for (pointer, object) in objects(document, schema, example) {
            let mut body = example.clone();
            body.pointer_mut(&pointer).unwrap()["strange"] = json!(1);
            let field = format!("{pointer}/strange").trim_start_matches('/').replace('/', ".");
            let refused = self.call(route, "", Some(&body)).await;
            let known = only(&refused, &format!("{field}: no such field"));
            assert_eq!(known, object.keys().cloned().collect(), "{} {field}", route.path);
            for (name, property) in object {
                let Some(max) = property["maxLength"].as_u64() else { continue };
                for (length, too_long) in [(max, false), (max + 1, true)] {
                    let mut body = example.clone();
                    let text = "x".repeat(usize::try_from(length).unwrap());
                    body.pointer_mut(&pointer).unwrap()[name] = json!(text);
                    // In case that it is taken, it is for nothing.
                    body["strange"] = json!(1);
                    let (_, answer) = self.call(route, "", Some(&body)).await;
                    let message = said(&answer);
                    assert_eq!(message.contains(&format!("{name}: too long")), too_long, "{message}");
                }
            }
        }
    }
}

/// The names of an operation's parameters.
fn parameters(operation: &Value, place: &str) -> BTreeSet<String> {
    let all = operation["parameters"].as_array().into_iter().flatten();
    all.filter(|parameter| parameter["in"] == place)
        .map(|it| it["name"].as_str().unwrap().to_owned())
        .collect()
}

/// What an error says, in either of its shapes.
fn said(body: &Value) -> &str {
    body["data"]["message"].as_str().or_else(|| body["error"]["message"].as_str()).unwrap()
}

/// The names that an error says there are.
fn only((status, body): &Answer, problem: &str) -> BTreeSet<String> {
    assert_eq!(*status, 400, "not {problem}: {body}");
    let message = said(body);
    let rest = message.strip_prefix(problem).unwrap_or_else(|| panic!("{message} is not: {problem}"));
    match rest.strip_prefix("; expected only ") {
        Some(names) => names.split(", ").map(str::to_owned).collect(),
        None => BTreeSet::new(),
    }
}

/// The schema itself; of several kinds of body the first.
fn one_of<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let schema = resolved(document, schema);
    // A body that may be left out is of the kind null too.
    let kinds = schema["oneOf"].as_array().into_iter().flatten();
    let first = kinds.into_iter().find(|kind| kind["type"] != "null");
    first.map_or(schema, |first| resolved(document, first))
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(name) => document.pointer(name.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

/// The properties of each object of the example that takes no others, by where it is.
fn objects<'a>(
    document: &'a Value,
    schema: &'a Value,
    example: &Value,
) -> Vec<(String, &'a Map<String, Value>)> {
    let properties = schema["properties"].as_object().unwrap();
    let mut found = vec![(String::new(), properties)];
    for (name, property) in properties {
        let schema = resolved(document, property);
        if schema["properties"].is_object() && example[name].is_object() {
            let within = objects(document, schema, &example[name]);
            found.extend(within.into_iter().map(|(pointer, object)| (format!("/{name}{pointer}"), object)));
        }
    }
    found
}
