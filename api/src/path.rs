//! What stands in a path.

use sea_orm::prelude::Uuid;

use crate::Error;

/// An id.
pub(crate) fn id(text: &str) -> Result<Uuid, Error> {
    text.parse().map_err(|_| Error::invalid("id", format!("found `{text}`"), "a UUID"))
}
