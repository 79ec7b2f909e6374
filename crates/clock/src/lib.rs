//! Time and chance, given and not taken: `main` makes one [`Clock`] and one [`Ids`] and passes them on, so that a test
//! can live through a month in a second. The root `clippy.toml` bans reaching past them.

mod ids;
mod spread;
mod time;

pub use ids::{Error, Ids, ceil, floor, millis, pack, unpack};
pub use spread::spread;
pub use time::{Clock, iso};
