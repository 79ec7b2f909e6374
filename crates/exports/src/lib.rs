//! Logs to the tracing tools of their organisations, by OTLP.

mod backoff;
pub mod destination;
pub mod outbox;
mod sender;
pub mod stored;

pub use destination::{BadHeader, Destination, Flavour, Protocol, check_header};
pub use logstore::exports::Filters;
pub use sender::{Accepted, SendError, Sender};
