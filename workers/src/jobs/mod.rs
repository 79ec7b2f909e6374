//! One file a job: `run(..)` does what is due at the clock's now, and does nothing more when run again.

pub(crate) mod alert_deliveries;
pub mod invoices;
pub mod month_close;
pub mod partitions;
pub mod retention;
