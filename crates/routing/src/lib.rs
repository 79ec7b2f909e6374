//! Gateway configs: where a call may go and how; parsed into a typed tree, and the walk through it. Pure.
//!
//! The wire shape is the contract's, section 2. [`Config::parse`] checks all of it and says of each mistake where it is; what targets
//! inherit is in the leaves then, so that nothing is looked up while a call is made. [`Walk`] gives the leaves to ask, one by one.

mod condition;
mod config;
mod merge;
mod parse;
mod retry;
mod sticky;
mod walk;

pub use condition::{Condition, Facts, Field};
pub use config::{Cache, CacheMode, Config, Given, Hook, Kind, Leaf, Node, Policy, Sticky, Strategy};
pub use merge::{BadBody, with_params};
pub use parse::{Invalid, MAX_TEXT_BYTES, Mistake};
pub use retry::{Next, Pauses, Retry, retry_after};
pub use walk::{NoRoute, Walk};
