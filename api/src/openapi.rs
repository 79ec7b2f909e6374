//! The plane's part of the OpenAPI document.
//!
//! A handler's `#[utoipa::path]` says what is its own: text, parameters, body, answer. What follows from its row in
//! [`ROUTES`] is added here: who may call it, and how it is refused.

mod bodies;

use tenancy::Scope;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Components, Content, OpenApi, PathItem, Ref, RefOr, Response, Schema, SecurityRequirement,
    path::Operation,
};
use utoipa::{OpenApi as _, PartialSchema as _, ToSchema as _};

use crate::error::Shape;
use crate::{
    Access, ROUTES, admin, alerts, analytics, api_keys, audit_logs, auth, billing, configs, feedback,
    guardrails, invites, log_exports, logs, members, otel, otlp, payments, prices, saved_filters, traces,
    usage, users, virtual_keys, workspaces,
};

const API_KEY: &str = "api_key";
const ACCESS_TOKEN: &str = "access_token";
const OPERATOR: &str = "operator_token";

/// Each resource's operations, as their handlers describe them.
pub(crate) fn parts() -> Vec<OpenApi> {
    vec![
        auth::Doc::openapi(),
        logs::Doc::openapi(),
        saved_filters::Doc::openapi(),
        log_exports::Doc::openapi(),
        otlp::openapi(),
        traces::Doc::openapi(),
        analytics::Doc::openapi(),
        usage::Doc::openapi(),
        api_keys::Doc::openapi(),
        virtual_keys::Doc::openapi(),
        configs::Doc::openapi(),
        prices::Doc::openapi(),
        guardrails::Doc::openapi(),
        alerts::Doc::openapi(),
        otel::Doc::openapi(),
        workspaces::Doc::openapi(),
        members::Doc::openapi(),
        users::Doc::openapi(),
        invites::Doc::openapi(),
        billing::Doc::openapi(),
        feedback::Doc::openapi(),
        audit_logs::Doc::openapi(),
        payments::Doc::openapi(),
        admin::Doc::openapi(),
    ]
}

/// The document of every route of the plane.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut document = OpenApi::default();
    for part in parts() {
        document.merge(part);
    }
    for route in ROUTES {
        if let Some(operation) = operation(&mut document, route.method, route.path) {
            complete(operation, route.path, Asks::Tenant(route.access));
        }
    }
    for route in admin::ROUTES {
        if let Some(operation) = operation(&mut document, "GET", route.path) {
            complete(operation, route.path, Asks::Operator);
        }
    }
    let place = |path: &str| ROUTES.iter().position(|route| route.path == path).unwrap_or(ROUTES.len());
    document.paths.paths.sort_by_key(|path, _| place(path));
    let bodies = bodies(&mut document);
    let components = document.components.get_or_insert_default();
    for body in &bodies {
        bodies::complete(components, body);
    }
    components.schemas.insert(Shape::name().into_owned(), Shape::schema());
    add_schemes(components);
    document
}

/// The schema of the body of each operation that has one.
fn bodies(document: &mut OpenApi) -> Vec<RefOr<Schema>> {
    let mut found = Vec::new();
    for route in ROUTES {
        let operation = operation(document, route.method, route.path);
        let body = operation.and_then(|operation| operation.request_body.as_ref());
        let Some(RefOr::T(body)) = body else { continue };
        for content in body.content.values() {
            if let RefOr::T(content) = content {
                found.extend(content.schema.clone());
            }
        }
    }
    found
}

/// What an operation asks of who calls.
#[derive(Clone, Copy)]
enum Asks {
    Tenant(Access),
    Operator,
}

/// The operation of a route, where the document has it.
pub(crate) fn operation<'a>(
    document: &'a mut OpenApi,
    method: &str,
    path: &str,
) -> Option<&'a mut Operation> {
    let PathItem { get, post, put, delete, .. } = document.paths.paths.get_mut(path)?;
    match method {
        "GET" => get.as_mut(),
        "POST" => post.as_mut(),
        "PUT" => put.as_mut(),
        "DELETE" => delete.as_mut(),
        _ => None,
    }
}

fn complete(operation: &mut Operation, path: &str, asks: Asks) {
    let resource = path.trim_start_matches("/v1/").split('/').next().unwrap_or_default();
    let verb = operation.operation_id.take().unwrap_or_default();
    operation.operation_id = Some(format!("{}_{verb}", resource.replace('-', "_")));
    operation.tags = Some(vec![resource.to_owned()]);
    let needs = needs(asks);
    let said = operation.description.take().map(|text| text + "\n\n").unwrap_or_default();
    operation.description = Some(said + &needs);
    operation.security = Some(security(asks));
    refusals(operation, path, asks);
}

/// Who may, in words.
fn needs(asks: Asks) -> String {
    let join = |scopes: &[Scope], between: &str| {
        let names: Vec<String> = scopes.iter().map(|scope| format!("`{scope}`")).collect();
        names.join(between)
    };
    match asks {
        Asks::Operator => "Needs the operator's token.".to_owned(),
        Asks::Tenant(Access::Public) => "Needs no credential.".to_owned(),
        Asks::Tenant(Access::Person) => "Needs the access token of a person.".to_owned(),
        Asks::Tenant(Access::Owner) => "Needs the access token of the organisation's owner.".to_owned(),
        Asks::Tenant(Access::OwnerOr(scope)) => {
            format!(
                "Needs the access token of the organisation's owner, or a key of the organisation with `{scope}`."
            )
        }
        Asks::Tenant(Access::PersonOr(scope)) => {
            format!(
                "Needs a workspace's key with {scope}, or the access token of a person who is in the workspace."
            )
        }
        Asks::Tenant(Access::AnyOf(scopes)) => format!("Needs {}.", join(scopes, " or ")),
        Asks::Tenant(Access::AllOf(scopes)) => format!("Needs {}.", join(scopes, " and ")),
    }
}

/// The alternatives of a credential and the scopes it must have.
fn security(asks: Asks) -> Vec<SecurityRequirement> {
    let either = |scopes: &[Scope]| {
        let names: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
        [API_KEY, ACCESS_TOKEN].map(|scheme| SecurityRequirement::new(scheme, names.clone()))
    };
    match asks {
        Asks::Operator => vec![SecurityRequirement::new(OPERATOR, [""; 0])],
        Asks::Tenant(Access::Public) => Vec::new(),
        Asks::Tenant(Access::Person | Access::Owner) => {
            vec![SecurityRequirement::new(ACCESS_TOKEN, [""; 0])]
        }
        Asks::Tenant(Access::OwnerOr(scope)) => vec![
            SecurityRequirement::new(ACCESS_TOKEN, [""; 0]),
            SecurityRequirement::new(API_KEY, [scope.as_str()]),
        ],
        Asks::Tenant(Access::PersonOr(scope)) => vec![
            SecurityRequirement::new(API_KEY, [scope.as_str()]),
            SecurityRequirement::new(ACCESS_TOKEN, [] as [&str; 0]),
        ],
        Asks::Tenant(Access::AnyOf(scopes)) => scopes.iter().flat_map(|scope| either(&[*scope])).collect(),
        Asks::Tenant(Access::AllOf(scopes)) => either(scopes).into(),
    }
}

/// The answers that are not the handler's own, all of shape A.
fn refusals(operation: &mut Operation, path: &str, asks: Asks) {
    let named = |name: &str| {
        let parameters = operation.parameters.iter().flatten();
        parameters.into_iter().any(|parameter| matches!(parameter, RefOr::T(it) if it.name == name))
    };
    let found = path.contains('{') || named("workspace_id") || matches!(asks, Asks::Operator);
    let has_body = operation.request_body.is_some();
    let tenant = matches!(asks, Asks::Tenant(access) if access != Access::Public);
    let refused = [
        ("400", true),
        ("401", tenant || matches!(asks, Asks::Operator)),
        ("403", tenant),
        ("404", found || (tenant && has_body)),
        ("413", has_body),
        ("500", true),
        ("503", true),
    ];
    let responses = &mut operation.responses.responses;
    for (status, _) in refused.into_iter().filter(|(_, is)| *is) {
        responses.entry(status.to_owned()).or_insert_with(|| Response::new("").into());
    }
    for (status, response) in responses {
        if let RefOr::T(response) = response {
            describe(status, response);
        }
    }
}

fn describe(status: &str, response: &mut Response) {
    let text = match status {
        "200" => "Done.",
        "400" => "A parameter or a field is not right: the message names it.",
        "401" => "There is no credential, or none that is good.",
        "402" => "The organisation's invoices are not paid: its logs are read-only.",
        "403" => "The credential is good and may not do this.",
        "404" => "There is none within the caller's reach.",
        "409" => "It does not go with what is there already: the message says with what.",
        "413" => "The body is too large.",
        "415" => "The body is of a type, or compressed in a way, that is not taken.",
        "429" => "Too many attempts failed before: `retry-after` says how many seconds to wait.",
        "503" => "This cannot be answered at the moment: try again.",
        _ => "A fault of the server's.",
    };
    if response.description.is_empty() {
        text.clone_into(&mut response.description);
    }
    if response.content.is_empty() {
        let error = Content::new(Some(Ref::from_schema_name(Shape::name())));
        response.content.insert("application/json".to_owned(), error.into());
    }
}

fn add_schemes(components: &mut Components) {
    let bearer = |text: &str| {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(text));
        SecurityScheme::Http(scheme.build())
    };
    let key = "A key of the organisation or of a workspace; `Authorization: Bearer` takes it too.";
    let key = ApiKeyValue::with_description("x-portkey-api-key", key);
    components.add_security_scheme(API_KEY, SecurityScheme::ApiKey(ApiKey::Header(key)));
    let token = "The access token of a person, as `/v1/auth/login` gives it.";
    components.add_security_scheme(ACCESS_TOKEN, bearer(token));
    components.add_security_scheme(OPERATOR, bearer("The token of the operator, as the settings have it."));
}
