//! The payment provider (Stripe): it is told of each finished block of overage, and tells who has paid.
//!
//! - [`outbox`]: a row for each finished block, sent until it is acknowledged. Its identifier is made from the block, so that
//!   whoever sends it, however often, sends the same.
//! - [`signature`] and [`event`]: what it tells us, believed when it is signed, applied once and in order.
//! - [`standing`]: what becomes of who does not pay; [`dunning`] by the clock.
//!
//! Its REST API is called as it is: two calls do not need a client of hundreds of types.

pub mod customer;
pub mod dunning;
pub mod event;
pub mod outbox;
pub mod signature;
pub mod standing;
mod stripe;

pub use stripe::{BadSettings, Failure, Stripe};
