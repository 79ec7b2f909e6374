//! One file a command: reads its input, does it, prints what came of it.

pub(crate) mod drain;
pub(crate) mod migrate;
pub(crate) mod organisation;
pub(crate) mod payments;
pub(crate) mod prices;
pub(crate) mod reconcile;
pub(crate) mod serve;
