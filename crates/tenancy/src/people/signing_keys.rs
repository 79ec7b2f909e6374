//! The keys that access tokens are signed with: a new one every 30 days, made when it is needed first.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use clock::{Clock, Ids};
use entity::signing_key::{Column, Entity, Model};
use jsonwebtoken::{DecodingKey, EncodingKey};
use sea_orm::prelude::*;
use sea_orm::{DatabaseConnection, IntoActiveModel, QueryOrder};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;
use vault::Vault;

use super::access_token::ACCESS_TOKEN_S;
use crate::IdentifyError;
use crate::cache::{Cache, Lifetimes};

/// How long a key signs. Milliseconds.
const SIGNS_MS: i64 = 30 * 86_400_000;

/// Why nothing can be signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    #[error("the database failed")]
    Database(#[from] DbErr),
    #[error("a signing key could not be sealed")]
    Vault(#[from] vault::Error),
    #[error("a signing key could not be made")]
    Make,
    #[error("an access token could not be signed")]
    Sign(#[from] jsonwebtoken::errors::Error),
}

/// A public key as JSON (RFC 7517; its fields for Ed25519 are in RFC 8037, 2).
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PublicKey {
    kty: &'static str,
    crv: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    alg: &'static str,
    kid: String,
    x: String,
}

/// A key that may sign.
#[derive(Clone)]
pub(super) struct Signer {
    pub kid: String,
    pub key: EncodingKey,
    retires_at: i64,
}

pub(super) struct SigningKeys {
    db: DatabaseConnection,
    clock: Clock,
    ids: Ids,
    vault: Vault,
    current: Mutex<Option<Signer>>,
    verifying: Cache<String, Model>,
}

impl SigningKeys {
    pub fn new(db: DatabaseConnection, clock: Clock, ids: Ids, vault: Vault, lifetimes: Lifetimes) -> Self {
        let verifying = Cache::new(lifetimes, clock.clone());
        Self { db, clock, ids, vault, current: Mutex::new(None), verifying }
    }

    /// The key to sign with now.
    pub async fn signer(&self) -> Result<Signer, SigningError> {
        let mut current = self.current.lock().await;
        let now_ms = self.clock.now_ms();
        if let Some(signer) = current.as_ref().filter(|signer| now_ms < signer.retires_at) {
            return Ok(signer.clone());
        }
        let newest = Entity::find()
            .filter(Column::RetiresAt.gt(now_ms))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Kid)
            .one(&self.db)
            .await?;
        let signer = match newest.and_then(|row| self.open(&row)) {
            Some(signer) => signer,
            None => self.make(now_ms).await?,
        };
        Ok(current.insert(signer).clone())
    }

    /// The key that a token says it is signed with; `Unknown` when there is none, or none any more.
    pub async fn verifying(&self, kid: String) -> Result<DecodingKey, IdentifyError> {
        let row = if let Some(row) = self.verifying.fresh(&kid) {
            Some(row)
        } else {
            let load = Entity::find_by_id(kid.clone()).one(&self.db);
            self.verifying.get(kid, load).await.map_err(|_| IdentifyError::Unavailable)?
        };
        let row = row.filter(|row| self.clock.now_ms() < verifies_until(row));
        row.map(|row| DecodingKey::from_ed_der(&row.public_key)).ok_or(IdentifyError::Unknown)
    }

    /// The public keys that tokens may be signed with, newest first.
    pub async fn public(&self) -> Result<Vec<PublicKey>, DbErr> {
        let now_ms = self.clock.now_ms();
        let rows = Entity::find()
            .filter(Column::RetiresAt.gt(now_ms - ACCESS_TOKEN_S * 1000))
            .order_by_desc(Column::CreatedAt)
            .all(&self.db)
            .await?;
        Ok(rows.into_iter().map(PublicKey::of).collect())
    }

    /// None when the row was sealed under another master key: a new key then signs in its place.
    fn open(&self, row: &Model) -> Option<Signer> {
        let opened = self.vault.open(&row.private_key, context(&row.kid).as_bytes());
        let pkcs8 = opened.map(|text| STANDARD.decode(text.expose_secret()).map(Zeroizing::new));
        let Ok(Ok(pkcs8)) = pkcs8 else {
            tracing::warn!(
                kid = row.kid,
                "a signing key does not open with this master key; a new one is made"
            );
            return None;
        };
        let key = EncodingKey::from_ed_der(&pkcs8);
        Some(Signer { kid: row.kid.clone(), key, retires_at: row.retires_at })
    }

    async fn make(&self, now_ms: i64) -> Result<Signer, SigningError> {
        let kid = self.ids.fresh().simple().to_string();
        let pair = Ed25519KeyPair::generate().map_err(|_| SigningError::Make)?;
        let pkcs8 = pair.to_pkcs8().map_err(|_| SigningError::Make)?;
        let text = SecretString::from(STANDARD.encode(pkcs8.as_ref()));
        let row = Model {
            public_key: pair.public_key().as_ref().to_vec(),
            private_key: self.vault.seal(&text, context(&kid).as_bytes())?,
            created_at: now_ms,
            retires_at: now_ms + SIGNS_MS,
            kid: kid.clone(),
        };
        let retires_at = row.retires_at;
        Entity::insert(row.into_active_model()).exec_without_returning(&self.db).await?;
        tracing::info!(kid, "a new key signs access tokens");
        Ok(Signer { kid, key: EncodingKey::from_ed_der(pkcs8.as_ref()), retires_at })
    }
}

/// Until the last token that the key may have signed is over. Unix milliseconds.
fn verifies_until(row: &Model) -> i64 {
    row.retires_at + ACCESS_TOKEN_S * 1000
}

fn context(kid: &str) -> String {
    format!("signing-key/{kid}")
}

impl PublicKey {
    fn of(row: Model) -> Self {
        Self {
            kty: "OKP",
            crv: "Ed25519",
            usage: "sig",
            alg: "EdDSA",
            x: URL_SAFE_NO_PAD.encode(row.public_key),
            kid: row.kid,
        }
    }
}
