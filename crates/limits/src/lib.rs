//! Budgets and rate limits: of API keys, virtual keys and workspaces.
//!
//! What a limit says ([`Budget`], [`RateLimit`], and [`Limits`], all those of one [`Subject`]) and the arithmetic of its periods
//! are pure. A [`Ledger`] counts; the embedded one and the one in Redis pass one conformance suite. The [`Limiter`] asks it for a
//! call, and tells it what the store knows where it knows nothing.
//!
//! - **Rate limits** have fixed windows: the minute, the hour or the day in UTC that the call came in. A request counts when it
//!   is admitted. Tokens are reserved by an estimate, and settled by what was used.
//! - **Budgets** are reserved by the most that the call can cost, under its log's id, until its deadline. What was spent is a
//!   row (`spending`), incremented with the logs; a counter that is missing is unknown, never 0, and set from the row.
//!
//! All limits of a call are reserved in one step, all or none.
//!
//! Money is in pico-dollars in rows and in nano-dollars, rounded up, in counters, whose numbers Lua must tell apart.

mod budget;
#[cfg(test)]
mod conformance;
mod embedded;
mod ledger;
mod limiter;
mod rate;
mod redis;
mod set;
pub mod spending;
mod subject;

pub use budget::{Budget, BudgetOf, MAX_COST_USD, MAX_TOKENS, Period, Reset, Spent};
pub use embedded::Embedded;
pub use ledger::{Answer, Ask, Call, Error, Kind, Ledger, Settling};
pub use limiter::{AwayPolicy, Limiter, Refusal, Worst};
pub use rate::{RateLimit, RateOf, Unit};
pub use redis::Redis;
pub use redis_link::BadUrl;
pub use set::{Limits, load, load_readable};
pub use subject::{Subject, SubjectKind};
