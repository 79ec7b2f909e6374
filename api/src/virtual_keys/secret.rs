//! A provider's secret on its way into the vault.

use sea_orm::prelude::Uuid;
use secrecy::{ExposeSecret as _, SecretString};
use tenancy::virtual_keys::context;

use crate::{Api, Error};

/// What is stored of a secret.
pub(super) struct Sealed {
    pub secret: Vec<u8>,
    pub hint: String,
}

/// Seals `secret` for one row of one organisation.
pub(super) fn seal(
    api: &Api,
    secret: &SecretString,
    organisation_id: Uuid,
    id: Uuid,
) -> Result<Sealed, Error> {
    let sealed = api.vault.seal(secret, context(organisation_id, id).as_bytes());
    let hint = match secret.expose_secret() {
        "" => String::new(),
        secret => tenancy::secret::hint(secret),
    };
    Ok(Sealed { secret: sealed.map_err(Error::internal)?, hint })
}
