//! Queries of this plane's tables, a module each.

pub(crate) mod api_key;
pub(crate) mod job;
pub(crate) mod membership;
pub(crate) mod virtual_key;
pub(crate) mod workspace;
