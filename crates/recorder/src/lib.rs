//! From the end of a call to its log: the record, its hand-over to the spool, and the shipper into the store.
//!
//! Every way in (a gateway call, an inserted log) ends in [`Recorder::record`]; nothing else writes to the spool.

mod handed;
mod late;
mod prepare;
mod record;
mod recorder;
mod row;
mod shipper;
mod tally;
mod terms;
#[cfg(test)]
mod testing;

pub use late::Late;
pub use record::{
    Attempt, ConfigVersion, Feedback, Headers, Measured, Message, Outcome, Payload, Record, Routing, Source,
    Trace,
};
pub use recorder::{Error, OpenCall, Recorder};
pub use shipper::{Options, Parts, Shipped, Shipper};
pub use tally::Unrecorded;
pub use terms::TermsOf;
