//! The plane through its HTTP: who may, what is refused and how it is said. What crosses planes is in the suite.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod access;
mod api_keys;
mod configs;
mod fixture;
mod logs;
mod openapi;
mod prices;
mod virtual_keys;
