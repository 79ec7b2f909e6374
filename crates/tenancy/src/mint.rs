//! Making an API key: the row to store and the secret to show once.

use clock::Ids;
use entity::api_key;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use crate::secret::{self, NoRandomness};
use crate::{Defaults, KeyKind, Scopes};

/// Why a key cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// A bug of the caller, who is to turn such scopes away with a message.
    #[error("a key of this kind may not hold {0:?}")]
    Scopes(Scopes),
}

/// What a new API key is to be.
#[derive(Clone, Debug)]
pub struct Mint {
    pub organisation_id: Uuid,
    /// None for [`KeyKind::OrganisationService`] only.
    pub workspace_id: Option<Uuid>,
    pub user_id: Option<Uuid>,
    pub kind: KeyKind,
    pub name: String,
    pub description: Option<String>,
    pub scopes: Scopes,
    pub defaults: Option<Defaults>,
    /// Unix milliseconds.
    pub expires_at: Option<i64>,
    /// The person or the key that makes it.
    pub created_by: Option<Uuid>,
}

impl Mint {
    /// The row and the secret, which is nowhere in the row.
    ///
    /// # Errors
    /// [`MintError`] for scopes that the kind may not hold, or when there is no randomness.
    pub fn mint(self, ids: &Ids, now_ms: i64) -> Result<(api_key::Model, SecretString), MintError> {
        let forbidden = self.scopes.minus(self.kind.scopes());
        if !forbidden.is_empty() {
            return Err(MintError::Scopes(forbidden));
        }
        let secret = secret::generate()?;
        let row = api_key::Model {
            id: ids.fresh(),
            organisation_id: self.organisation_id,
            workspace_id: self.workspace_id,
            user_id: self.user_id,
            kind: self.kind.as_str().to_owned(),
            name: self.name,
            description: self.description,
            hash: secret::hash(secret.expose_secret()).to_vec(),
            hint: secret::hint(secret.expose_secret()),
            former_hash: None,
            former_until: None,
            rotation_policy: None,
            next_rotation_at: None,
            alert_emails: None,
            created_by: self.created_by,
            scopes: self.scopes.to_json(),
            defaults: self.defaults.as_ref().map(Defaults::to_json),
            status: "active".to_owned(),
            expires_at: self.expires_at,
            created_at: now_ms,
            last_updated_at: now_ms,
        };
        Ok((row, secret))
    }
}
