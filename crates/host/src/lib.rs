//! What a process of Turnpike is made of besides its plane: settings turned into a database, a spool and a server, and how
//! all of it ends. `gateway`, `api`, `workers` and the one process of all three are put together from this.
//!
//! [`Base`] is what every process has; [`Intake`] is that and what it takes to take calls in. Either serves, and gives a
//! [`Running`].

mod base;
mod intake;
mod numbers;
mod observed;
mod operator;
mod place;
mod probes;
mod process;
mod reference;
mod running;
mod server;
mod spooling;
mod task;

use tikv_jemallocator::Jemalloc;

pub use base::Base;
pub use intake::Intake;
pub use operator::{bearer, shows_token};
pub use place::{Unsupported, database, described, require_master_key};
pub use process::{
    INTERRUPTED, LIBRARIES, Service, Signals, complaint, exit_code, main, runtime, say, until_signal,
};
pub use reference::Reference;
pub use running::Running;
pub use server::{OnConnect, not_watched};
pub use spooling::{ledger, limits_ledger, open_spool, prices, shipper};
pub use task::Task;

/// A call makes and frees some two hundred things, on several threads. Measured, the C library's allocator takes more CPU for
/// them, and mimalloc twice the memory.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;
