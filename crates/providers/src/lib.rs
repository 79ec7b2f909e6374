//! What is known of the LLM providers: where they are, how they speak, what they count and what they cost.
//! Pure functions and data: nothing here does I/O or reads a clock.
//!
//! - To add a provider that speaks the `OpenAI` wire format: a row in `registry.toml`.
//! - To add or change a price: `prices.toml`, with its page and its date.

pub mod echo;
mod endpoint;
mod measure;
mod most;
mod object;
mod peek;
mod price;
mod registry;
pub mod sse;
mod usage;

pub use endpoint::{Endpoint, UnknownEndpoint};
pub use measure::{Measured, answer_text, measure, request_text};
pub use most::{Most, most};
pub use object::fields;
pub use peek::{Peek, PeekError, peek, with_model};
pub use price::{
    ANY, BadPrice, Format, Import, ImportError, InvalidPrices, LeftOut, Multiplier, NotADecimal, PerToken,
    Price, Prices, built_in, cost, import, models, named, prices_version, slug,
};
pub use registry::{AWAITED, Auth, Provider, Shape, all, provider};
pub use usage::{ServiceTier, Usage};
