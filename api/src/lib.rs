//! The control plane: what an organisation asks about its calls, and what it keeps here for them.
//!
//! To add an endpoint: a file for its verb in its resource's folder, and a row in [`ROUTES`], which is what is mounted
//! and what each call is judged by. Its queries are in `db`, each with a `TenantScope`. Its `#[utoipa::path]` is its entry in
//! the document ([`openapi()`]), by way of the `Doc` in its resource's `mod.rs`.

mod access;
pub mod admin;
mod alerts;
mod analytics;
mod api_keys;
mod audit_logs;
mod auth;
mod billing;
mod body;
mod configs;
mod db;
mod error;
mod feedback;
mod fields;
mod guardrails;
mod instant;
mod invites;
mod limits;
mod log_exports;
mod logs;
mod members;
mod metadata;
mod observed;
mod openapi;
mod origin;
mod otel;
pub mod otlp;
pub mod pages;
mod paging;
mod path;
mod payments;
mod prices;
mod query;
mod routes;
mod saved_filters;
mod service;
mod state;
mod traces;
mod usage;
mod users;
mod virtual_keys;
mod workspaces;
mod wrapped;

pub use access::Access;
pub use error::Error;
pub use logs::{BadGatewayUrl, GatewayClient};
pub use openapi::openapi;
pub use routes::{ROUTES, Route, configure};
pub use service::{main, start};
pub use state::{Api, Parts};

#[cfg(test)]
mod tests;
