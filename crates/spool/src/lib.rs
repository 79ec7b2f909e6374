//! The durable queue on local disk between a call and its log: bytes in, the same bytes out, in order.
//!
//! [`open`] gives two handles to one folder: [`Spool`] appends, from any task, and [`Drain`] takes batches
//! out and forgets them once they are in the store. A folder holds:
//!
//! | file | what |
//! | --- | --- |
//! | `lock` | held by the one process that works on the folder |
//! | `<sequence>-<id>.seg` | a segment: records as `frame.rs` lays them out |
//! | `mark` | how far the oldest segment is forgotten, and the batch that was begun there (`mark`) |
//!
//! A record is written where it comes from, with one `write(2)`, when nothing is in the way (`tail`);
//! else one thread (`writer`) takes all records that wait, writes them with one `write(2)`, then wakes the
//! callers. So what was acknowledged survives SIGKILL; with [`Options::fsync`] also a loss of power. Each
//! start opens a new segment with a random id, and a batch is a range of one segment, so (id, start, end)
//! names a batch for good.

mod age;
mod disk;
mod drain;
mod error;
mod frame;
mod mark;
mod open;
mod segment;
mod shelf;
mod spool;
mod tail;
mod writer;

pub use drain::{Batch, Drain};
pub use error::{AppendError, Error};
pub use frame::MAX_RECORD_BYTES;
pub use open::{DEFAULT_SEGMENT_BYTES, Options, open};
pub use shelf::{Depth, Level};
pub use spool::{Appended, Spool};
