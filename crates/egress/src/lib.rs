//! Where this process may connect to on a tenant's behalf: the one guard of every URL that a tenant gives us.
//!
//! A name is judged twice: as it is written ([`check_url`]), and by the addresses it resolves to at the moment of
//! connecting ([`Resolver`]), so that a name which changes its mind in between gains nothing.

mod address;
mod connector;
mod resolver;
mod url;

pub use address::Reach;
pub use connector::{connector, unanswered};
pub use resolver::{Resolver, resolves};
pub use url::{BadUrl, check_private_url, check_url};
