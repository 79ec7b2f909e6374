//! Budgets and rate limits of keys, virtual keys and workspaces (1.4, 7.2, 8.2): the fields that all of them take and show.

mod body;
mod change;
mod shown;

pub(crate) use body::{RateLimit, UsageLimits};
pub(crate) use change::Change;
pub(crate) use shown::{RateShown, Shown, UsageShown, of};

/// Rate limits of one thing: each of the types in each of the units.
const MAX_RATES: usize = 6;

/// Usage limits of a workspace.
const MAX_BUDGETS: usize = 4;
