//! From the end of a call to its log: the record, its hand-over to the spool, and the shipper into the store.
//!
//! Every way in (a gateway call, an inserted log) ends in [`Recorder::record`]; nothing else writes to the spool.

mod record;
mod recorder;
mod row;
mod shipper;
mod tally;

pub use record::{Measured, Message, Outcome, Payload, Record, Routing, Source, Trace};
pub use recorder::{Error, Recorder};
pub use shipper::{Options, Shipped, Shipper};
pub use tally::Unrecorded;
