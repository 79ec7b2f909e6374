//! The store of logs: append, query, delete.

pub mod append;
pub mod content;
pub mod exports;
pub mod filter;
pub mod opinions;
pub mod page;
pub mod partitions;
pub mod query;
pub mod reconcile;
pub mod recost;
pub mod retention;
pub mod selection;
pub mod sort;
pub mod spending;
pub mod statistics;
pub mod status_labels;
pub mod text;
pub mod trace;
pub mod values;

pub use append::{Appended, Batch, Entry, MeterKey, Tally, append};
pub use content::{Content, Exchange, Headers, Packer};
pub use filter::{Filter, Range, Retry, Span};
pub use page::{Cursor, Page, Start};
pub use sort::Sort;
