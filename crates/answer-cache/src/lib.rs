//! Answers kept to be given again: their keys, the places they are kept in, and one call for many that are equal.
//!
//! An answer is kept under a [`Place`]: an organisation, and the hash of all that changes the answer. [`Answers`] is what the gateway
//! asks: it gives a kept answer, or says who is to ask upstream and keeps what comes of it. A new place to keep answers in is a
//! [`Store`] that passes the conformance suite; a cache that looks for questions of the same meaning would be asked by [`Answers`]
//! after the exact one has nothing.

mod answers;
mod canonical;
#[cfg(test)]
mod conformance;
mod embedded;
mod entry;
mod flights;
mod key;
mod redis;
mod store;
mod whole;

pub use answers::{Answers, Counts, Found, Keeping};
pub use embedded::Embedded;
pub use entry::{Answer, Entry};
pub use key::{Place, Question};
pub use redis::Redis;
pub use redis_link::BadUrl;
pub use store::{Store, Unavailable};
