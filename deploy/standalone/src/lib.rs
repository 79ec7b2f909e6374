//! Turnpike in one process: the three planes on a database, a ledger and a folder.
//!
//! [`start`] puts them together, for the `turnpike` binary and for the suite. A new command is a file in `command/` and
//! a variant in [`cli`].

mod assembly;
mod banner;
pub mod cli;
mod command;
mod demo;
mod first;

pub use assembly::start;
