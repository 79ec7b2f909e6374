//! The crate from outside: tables of cases (`../cases`) and properties.
#![expect(clippy::unwrap_used, reason = "tests")]

mod endpoints;
mod measuring;
mod peeking;
mod registry;
