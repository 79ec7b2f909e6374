//! One file a job: `run(..)` does what is due at the clock's now, and does nothing more when run again.

pub(crate) mod alert_deliveries;
pub(crate) mod dunning;
pub mod invoices;
pub(crate) mod key_rotation;
pub(crate) mod log_exports;
pub(crate) mod mails;
pub(crate) mod meter_events;
pub mod month_close;
pub mod partitions;
pub mod retention;
pub(crate) mod span_export;
pub(crate) mod text_index;
