//! Every route of the plane: what is mounted, and what each call is judged by.

use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, web};
use tenancy::Scope;

use crate::Access::{AllOf, AnyOf, Owner, OwnerOr};
use crate::log_exports::EXPORT;
use crate::observed::observed;
use crate::{
    Access, Api, Error, admin, alerts, analytics, api_keys, audit_logs, auth, billing, configs, feedback,
    guardrails, invites, log_exports, logs, members, otel, otlp, pages, payments, prices, saved_filters,
    traces, usage, users, virtual_keys, workspaces,
};

/// One route.
pub struct Route {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: &'static str,
    /// With its parameters in braces.
    pub path: &'static str,
    pub access: Access,
    mount: fn(actix_web::Route) -> actix_web::Route,
}

const CREATE_KEYS: Access = AnyOf(&[
    Scope::OrganisationServiceApiKeysCreate,
    Scope::WorkspaceServiceApiKeysCreate,
    Scope::WorkspaceUserApiKeysCreate,
]);
const LIST_KEYS: Access = AnyOf(&[
    Scope::OrganisationServiceApiKeysList,
    Scope::WorkspaceServiceApiKeysList,
    Scope::WorkspaceUserApiKeysList,
]);
const READ_KEYS: Access = AnyOf(&[
    Scope::OrganisationServiceApiKeysRead,
    Scope::WorkspaceServiceApiKeysRead,
    Scope::WorkspaceUserApiKeysRead,
]);
const UPDATE_KEYS: Access = AnyOf(&[
    Scope::OrganisationServiceApiKeysUpdate,
    Scope::WorkspaceServiceApiKeysUpdate,
    Scope::WorkspaceUserApiKeysUpdate,
]);
const DELETE_KEYS: Access = AnyOf(&[
    Scope::OrganisationServiceApiKeysDelete,
    Scope::WorkspaceServiceApiKeysDelete,
    Scope::WorkspaceUserApiKeysDelete,
]);
const ROTATE_KEYS: Access = AnyOf(&[
    Scope::OrganisationServiceApiKeysRotate,
    Scope::WorkspaceServiceApiKeysRotate,
    Scope::WorkspaceUserApiKeysRotate,
]);
pub(crate) const READ_LOG: Access =
    AnyOf(&[Scope::LogsRead, Scope::CompletionsWrite, Scope::LogsWrite, Scope::LogsView]);

pub(crate) const REPLAY: Access = Access::PersonOr(Scope::CompletionsWrite);
pub(crate) const GIVE_FEEDBACK: Access = AllOf(&[Scope::LogsWrite]);

const READ_ORGANISATION: Access = AnyOf(&[Scope::OrganisationSettingsRead]);
const UPDATE_ORGANISATION: Access = AnyOf(&[Scope::OrganisationSettingsUpdate]);
const READ_DESTINATIONS: Access = AnyOf(&[Scope::OrganisationSettingsRead, Scope::WorkspacesRead]);
const UPDATE_DESTINATIONS: Access = AnyOf(&[Scope::OrganisationSettingsUpdate, Scope::WorkspacesUpdate]);
const RESTRICT_EXPORTS: Access = AnyOf(&[Scope::OrganisationSettingsUpdate, Scope::WorkspacesUpdate]);
const LIST_USERS: Access = AnyOf(&[Scope::OrganisationUsersList]);
const READ_USERS: Access = AnyOf(&[Scope::OrganisationUsersRead]);
const CREATE_USERS: Access = AnyOf(&[Scope::OrganisationUsersCreate]);
const DELETE_USERS: Access = AnyOf(&[Scope::OrganisationUsersDelete]);
/// The organisation's bills, for who keeps its books.
const READ_BILLING: Access = OwnerOr(Scope::OrganisationSettingsRead);

const MEMBER: &str = "/v1/admin/workspaces/{workspace}/users/{user}";

/// The routes, those of one path next to each other. A path without parameters goes before one that would match it.
pub static ROUTES: &[Route] = &[
    route("POST", "/v1/auth/login", Access::Public, |r| r.to(auth::login)),
    route("POST", "/v1/auth/refresh", Access::Public, |r| r.to(auth::refresh)),
    route("POST", "/v1/auth/logout", Access::Public, |r| r.to(auth::logout)),
    route("GET", "/v1/auth/sessions", Access::Person, |r| r.to(auth::sessions)),
    route("DELETE", "/v1/auth/sessions/{id}", Access::Person, |r| r.to(auth::end_session)),
    route("POST", "/v1/auth/password", Access::Person, |r| r.to(auth::password)),
    route("POST", "/v1/auth/password/reset", Access::Public, |r| r.to(auth::begin_reset)),
    route("POST", "/v1/auth/password/reset/confirm", Access::Public, |r| r.to(auth::finish_reset)),
    route("POST", "/v1/auth/invites/accept", Access::Public, |r| r.to(auth::accept)),
    route("GET", "/v1/auth/jwks", Access::Public, |r| r.to(auth::jwks)),
    route("GET", "/v1/logs", AnyOf(&[Scope::LogsList]), |r| r.to(logs::list)),
    route("POST", "/v1/logs", AllOf(&[Scope::CompletionsWrite, Scope::LogsWrite]), |r| r.to(logs::insert)),
    route("POST", "/v1/logs/{id}/replay", REPLAY, |r| r.to(logs::replay::replay)),
    route("GET", "/v1/logs/values", AnyOf(&[Scope::LogsList]), |r| r.to(logs::values)),
    route("GET", "/v1/logs/filters", AnyOf(&[Scope::LogsList]), |r| r.to(saved_filters::list)),
    route("POST", "/v1/logs/filters", AnyOf(&[Scope::LogsList]), |r| r.to(saved_filters::create)),
    route("GET", "/v1/logs/filters/{id}", AnyOf(&[Scope::LogsList]), |r| r.to(saved_filters::get)),
    route("PUT", "/v1/logs/filters/{id}", AnyOf(&[Scope::LogsList]), |r| r.to(saved_filters::update)),
    route("DELETE", "/v1/logs/filters/{id}", AnyOf(&[Scope::LogsList]), |r| r.to(saved_filters::delete)),
    route("GET", "/v1/logs/exports", EXPORT, |r| r.to(log_exports::list)),
    route("POST", "/v1/logs/exports", EXPORT, |r| r.to(log_exports::create)),
    route("GET", "/v1/logs/exports/field-restrictions", EXPORT, |r| r.to(log_exports::restrictions)),
    route("PUT", "/v1/logs/exports/field-restrictions", RESTRICT_EXPORTS, |r| r.to(log_exports::restrict)),
    route("GET", "/v1/logs/exports/{id}", EXPORT, |r| r.to(log_exports::get)),
    route("PUT", "/v1/logs/exports/{id}", EXPORT, |r| r.to(log_exports::update)),
    route("POST", "/v1/logs/exports/{id}/start", EXPORT, |r| r.to(log_exports::start)),
    route("POST", "/v1/logs/exports/{id}/cancel", EXPORT, |r| r.to(log_exports::cancel)),
    route("GET", "/v1/logs/exports/{id}/download", EXPORT, |r| r.to(log_exports::download)),
    route("GET", "/v1/logs/exports/{id}/file", Access::Public, |r| r.to(log_exports::file)),
    route("GET", "/v1/logs/{id}", READ_LOG, |r| r.to(logs::get)),
    route("POST", "/v1/feedback", GIVE_FEEDBACK, |r| r.to(feedback::create)),
    route("PUT", "/v1/feedback/{id}", GIVE_FEEDBACK, |r| r.to(feedback::update)),
    route("POST", "/v1/logs/otel/v1/traces", otlp::ACCESS, |r| r.to(otlp::traces)),
    route("POST", "/v1/logs/otel/v1/logs", otlp::ACCESS, |r| r.to(otlp::logs)),
    route("POST", "/v1/otel/v1/traces", otlp::ACCESS, |r| r.to(otlp::traces)),
    route("POST", "/v1/otel/v1/logs", otlp::ACCESS, |r| r.to(otlp::logs)),
    route("GET", "/v1/traces", AnyOf(&[Scope::LogsList]), |r| r.to(traces::list)),
    route("POST", "/v1/traces", otlp::ACCESS, |r| r.to(otlp::traces)),
    route("GET", "/v1/traces/{trace_id}", AnyOf(&[Scope::LogsList]), |r| r.to(traces::get)),
    route("GET", "/v1/analytics/graphs/feedbacks", AnyOf(&[Scope::AnalyticsView]), |r| {
        r.to(analytics::feedbacks)
    }),
    route("GET", "/v1/analytics/graphs/feedbacks/scores", AnyOf(&[Scope::AnalyticsView]), |r| {
        r.to(analytics::scores)
    }),
    route("GET", "/v1/analytics/graphs/feedbacks/weighted", AnyOf(&[Scope::AnalyticsView]), |r| {
        r.to(analytics::weighted)
    }),
    route("GET", "/v1/analytics/graphs/feedbacks/ai-models", AnyOf(&[Scope::AnalyticsView]), |r| {
        r.to(analytics::models)
    }),
    route("GET", "/v1/usage", AnyOf(&[Scope::AnalyticsView, Scope::LogsList]), |r| r.to(usage::get)),
    route("GET", "/v1/api-keys", LIST_KEYS, |r| r.to(api_keys::list)),
    route("POST", "/v1/api-keys/{id}/rotate", ROTATE_KEYS, |r| r.to(api_keys::rotate)),
    route("DELETE", "/v1/api-keys/{id}/rotate", ROTATE_KEYS, |r| r.to(api_keys::end_rotation)),
    route("POST", "/v1/api-keys/{type}/{sub_type}", CREATE_KEYS, |r| r.to(api_keys::create)),
    route("GET", "/v1/api-keys/{id}", READ_KEYS, |r| r.to(api_keys::get)),
    route("PUT", "/v1/api-keys/{id}", UPDATE_KEYS, |r| r.to(api_keys::update)),
    route("DELETE", "/v1/api-keys/{id}", DELETE_KEYS, |r| r.to(api_keys::delete)),
    route("GET", "/v1/audit-logs", AnyOf(&[Scope::AuditLogsList]), |r| r.to(audit_logs::list)),
    route("GET", "/v1/virtual-keys", AnyOf(&[Scope::VirtualKeysList]), |r| r.to(virtual_keys::list)),
    route("POST", "/v1/virtual-keys", AnyOf(&[Scope::VirtualKeysCreate]), |r| r.to(virtual_keys::create)),
    route("GET", "/v1/virtual-keys/{slug}", AnyOf(&[Scope::VirtualKeysRead]), |r| r.to(virtual_keys::get)),
    route("PUT", "/v1/virtual-keys/{slug}", AnyOf(&[Scope::VirtualKeysUpdate]), |r| {
        r.to(virtual_keys::update)
    }),
    route("DELETE", "/v1/virtual-keys/{slug}", AnyOf(&[Scope::VirtualKeysDelete]), |r| {
        r.to(virtual_keys::delete)
    }),
    route("GET", "/v1/configs", AnyOf(&[Scope::ConfigsList]), |r| r.to(configs::list)),
    route("POST", "/v1/configs", AnyOf(&[Scope::ConfigsCreate]), |r| r.to(configs::create)),
    route("GET", "/v1/configs/{slug}/versions", AnyOf(&[Scope::ConfigsRead]), |r| r.to(configs::versions)),
    route("GET", "/v1/configs/{slug}", AnyOf(&[Scope::ConfigsRead]), |r| r.to(configs::get)),
    route("PUT", "/v1/configs/{slug}", AnyOf(&[Scope::ConfigsUpdate]), |r| r.to(configs::update)),
    route("DELETE", "/v1/configs/{slug}", AnyOf(&[Scope::ConfigsDelete]), |r| r.to(configs::delete)),
    route("GET", "/v1/model-configs/pricing/{provider}/{model}", Access::Public, |r| r.to(prices::get)),
    route("GET", "/v1/guardrails", AnyOf(&[Scope::GuardrailsList]), |r| r.to(guardrails::list)),
    route("POST", "/v1/guardrails", AnyOf(&[Scope::GuardrailsCreate]), |r| r.to(guardrails::create)),
    route("GET", "/v1/guardrails/{guardrail}", AnyOf(&[Scope::GuardrailsRead]), |r| r.to(guardrails::get)),
    route("PUT", "/v1/guardrails/{guardrail}", AnyOf(&[Scope::GuardrailsUpdate]), |r| {
        r.to(guardrails::update)
    }),
    route("DELETE", "/v1/guardrails/{guardrail}", AnyOf(&[Scope::GuardrailsDelete]), |r| {
        r.to(guardrails::delete)
    }),
    route("GET", "/v1/otel/destinations", READ_DESTINATIONS, |r| r.to(otel::list)),
    route("POST", "/v1/otel/destinations", UPDATE_DESTINATIONS, |r| r.to(otel::create)),
    route("POST", "/v1/otel/destinations/{id}/test", UPDATE_DESTINATIONS, |r| r.to(otel::test)),
    route("GET", "/v1/otel/destinations/{id}", READ_DESTINATIONS, |r| r.to(otel::get)),
    route("PUT", "/v1/otel/destinations/{id}", UPDATE_DESTINATIONS, |r| r.to(otel::update)),
    route("DELETE", "/v1/otel/destinations/{id}", UPDATE_DESTINATIONS, |r| r.to(otel::delete)),
    route("GET", "/v1/billing/alerts", READ_ORGANISATION, |r| r.to(alerts::list)),
    route("POST", "/v1/billing/alerts/deliveries/{id}/redeliver", UPDATE_ORGANISATION, |r| {
        r.to(alerts::redeliver)
    }),
    route("GET", "/v1/billing/alerts/webhooks", READ_ORGANISATION, |r| r.to(alerts::webhooks::list)),
    route("POST", "/v1/billing/alerts/webhooks", UPDATE_ORGANISATION, |r| r.to(alerts::webhooks::create)),
    route("GET", "/v1/billing/alerts/webhooks/{id}/deliveries", READ_ORGANISATION, |r| {
        r.to(alerts::webhooks::deliveries)
    }),
    route("POST", "/v1/billing/alerts/webhooks/{id}/rotate", UPDATE_ORGANISATION, |r| {
        r.to(alerts::webhooks::rotate)
    }),
    route("POST", "/v1/billing/alerts/webhooks/{id}/test", UPDATE_ORGANISATION, |r| {
        r.to(alerts::webhooks::test)
    }),
    route("GET", "/v1/billing/alerts/webhooks/{id}", READ_ORGANISATION, |r| r.to(alerts::webhooks::get)),
    route("PUT", "/v1/billing/alerts/webhooks/{id}", UPDATE_ORGANISATION, |r| r.to(alerts::webhooks::update)),
    route("DELETE", "/v1/billing/alerts/webhooks/{id}", UPDATE_ORGANISATION, |r| {
        r.to(alerts::webhooks::delete)
    }),
    route("GET", "/v1/admin/users", LIST_USERS, |r| r.to(users::list)),
    route("GET", "/v1/admin/users/invites", LIST_USERS, |r| r.to(invites::list)),
    route("POST", "/v1/admin/users/invites", CREATE_USERS, |r| r.to(invites::create)),
    route("POST", "/v1/admin/users/invites/{invite}/resend", CREATE_USERS, |r| r.to(invites::resend)),
    route("GET", "/v1/admin/users/invites/{invite}", READ_USERS, |r| r.to(invites::get)),
    route("DELETE", "/v1/admin/users/invites/{invite}", DELETE_USERS, |r| r.to(invites::cancel)),
    route("GET", "/v1/admin/users/{user}", READ_USERS, |r| r.to(users::get)),
    route("PUT", "/v1/admin/users/{user}", AnyOf(&[Scope::OrganisationUsersUpdate]), |r| r.to(users::update)),
    route("DELETE", "/v1/admin/users/{user}", DELETE_USERS, |r| r.to(users::remove)),
    route("GET", "/v1/admin/workspaces", AnyOf(&[Scope::WorkspacesList]), |r| r.to(workspaces::list)),
    route("POST", "/v1/admin/workspaces", AnyOf(&[Scope::WorkspacesCreate]), |r| r.to(workspaces::create)),
    route("GET", "/v1/admin/workspaces/{workspace}/users", AnyOf(&[Scope::WorkspaceUsersList]), |r| {
        r.to(members::list)
    }),
    route("POST", "/v1/admin/workspaces/{workspace}/users", AnyOf(&[Scope::WorkspaceUsersCreate]), |r| {
        r.to(members::add)
    }),
    route("GET", MEMBER, AnyOf(&[Scope::WorkspaceUsersRead]), |r| r.to(members::get)),
    route("PUT", MEMBER, AnyOf(&[Scope::WorkspaceUsersUpdate]), |r| r.to(members::update)),
    route("DELETE", MEMBER, AnyOf(&[Scope::WorkspaceUsersDelete]), |r| r.to(members::remove)),
    route("GET", "/v1/admin/workspaces/{workspace}", AnyOf(&[Scope::WorkspacesRead]), |r| {
        r.to(workspaces::get)
    }),
    route("PUT", "/v1/admin/workspaces/{workspace}", AnyOf(&[Scope::WorkspacesUpdate]), |r| {
        r.to(workspaces::update)
    }),
    route("DELETE", "/v1/admin/workspaces/{workspace}", AnyOf(&[Scope::WorkspacesDelete]), |r| {
        r.to(workspaces::delete)
    }),
    route("GET", "/v1/billing/plan", READ_BILLING, |r| r.to(billing::get_plan)),
    route("PUT", "/v1/billing/plan", Owner, |r| r.to(billing::put_plan)),
    route("PUT", "/v1/billing/caps", Owner, |r| r.to(billing::put_caps)),
    route("GET", "/v1/billing/invoices", READ_BILLING, |r| r.to(billing::list_invoices)),
    route("GET", "/v1/billing/invoices/{id}", READ_BILLING, |r| r.to(billing::get_invoice)),
    route("GET", "/v1/billing/invoices/{id}/html", READ_BILLING, |r| r.to(billing::get_invoice_html)),
    route("POST", "/v1/billing/stripe/webhook", Access::Public, |r| r.to(payments::webhook)),
];

const fn route(
    method: &'static str,
    path: &'static str,
    access: Access,
    mount: fn(actix_web::Route) -> actix_web::Route,
) -> Route {
    Route { method, path, access, mount }
}

/// Mounts every route at the root of the application.
pub fn configure(config: &mut web::ServiceConfig, api: Api) {
    config.app_data(web::Data::new(api));
    admin::configure(config);
    pages::configure(config);
    for routes in ROUTES.chunk_by(|one, next| one.path == next.path) {
        let mut resource = web::resource(routes[0].path);
        for route in routes {
            resource = resource.route((route.mount)(method(route.method)));
        }
        let path = routes[0].path;
        let observed = from_fn(move |request, next| observed(path, request, next));
        config.service(resource.default_service(web::to(refuse_method)).wrap(observed));
    }
}

pub(crate) fn method(name: &'static str) -> actix_web::Route {
    match name {
        "POST" => web::post(),
        "PUT" => web::put(),
        "DELETE" => web::delete(),
        _ => web::get(),
    }
}

/// The route that a request was matched to.
pub(crate) fn called(request: &HttpRequest) -> Option<&'static Route> {
    let path = request.match_pattern()?;
    ROUTES.iter().find(|route| route.path == path && route.method == request.method().as_str())
}

async fn refuse_method(request: HttpRequest) -> Result<&'static str, Error> {
    let path = request.match_pattern();
    let here = ROUTES.iter().filter(|route| Some(route.path) == path.as_deref());
    let allowed: Vec<&str> = here.map(|route| route.method).collect();
    Err(Error::Method { method: request.method().to_string(), allowed: allowed.join(", ") })
}
