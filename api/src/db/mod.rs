//! Queries of this plane's tables, a module each.

pub(crate) mod alert;
pub(crate) mod api_key;
pub(crate) mod audit;
pub(crate) mod config;
pub(crate) mod feedback;
pub(crate) mod guardrail;
pub(crate) mod invite;
pub(crate) mod invoice;
pub(crate) mod job;
pub(crate) mod limits;
pub(crate) mod log_export;
pub(crate) mod membership;
pub(crate) mod organisation;
pub(crate) mod otel_destination;
pub(crate) mod saved_filter;
pub(crate) mod session;
pub(crate) mod user;
pub(crate) mod virtual_key;
pub(crate) mod webhook_endpoint;
pub(crate) mod workspace;
pub(crate) mod workspace_member;
