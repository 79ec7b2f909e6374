//! Tokens in links by which a file is downloaded, by whatever client, for who asked for the link. A JWT (RFC 7519) under the keys of access
//! tokens, for another audience: neither is good for the other.

use std::sync::{Arc, LazyLock};

use jsonwebtoken::Validation;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::access_token::{self, ISSUER};
use super::signing_keys::SigningError;
use super::{People, Person};
use crate::IdentifyError;

/// How long one is good to begin with. Seconds.
const DOWNLOAD_TOKEN_S: i64 = 15 * 60;

const AUDIENCE: &str = "download";

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    /// The key, or the person's session.
    sub: Uuid,
    /// Whether it is a key.
    key: bool,
    /// The file.
    file: Uuid,
    /// Unix seconds.
    iat: i64,
    /// Unix seconds.
    exp: i64,
    jti: Uuid,
}

/// Who may download by a link.
#[derive(Clone, Copy, Debug)]
pub enum DownloadBy {
    /// A key, by its id.
    Key(Uuid),
    /// A person, by their session.
    Session(Uuid),
}

/// In whose name a file is downloaded.
#[derive(Clone, Debug)]
pub enum DownloadedBy {
    /// A key's, by its id: what it may is to be looked up.
    Key(Uuid),
    Person(Person),
}

impl People {
    /// A token to download `file`, for as long as who it is for may.
    ///
    /// # Errors
    /// [`SigningError`].
    pub async fn download_token(&self, by: DownloadBy, file: Uuid) -> Result<SecretString, SigningError> {
        let parts = &self.0.parts;
        let signer = self.0.keys.signer().await?;
        let now_s = parts.clock.now_s();
        let (sub, key) = match by {
            DownloadBy::Key(id) => (id, true),
            DownloadBy::Session(id) => (id, false),
        };
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub,
            key,
            file,
            iat: now_s,
            exp: now_s + DOWNLOAD_TOKEN_S,
            jti: parts.ids.fresh(),
        };
        Ok(access_token::sign(&signer.kid, &signer.key, &claims)?.into())
    }

    /// Who may download `file` by this token, if it is good for that and its holder still is who they were.
    ///
    /// # Errors
    /// [`IdentifyError`].
    pub async fn download(&self, token: &str, file: Uuid) -> Result<DownloadedBy, IdentifyError> {
        static VALIDATION: LazyLock<Validation> = LazyLock::new(|| access_token::validation_for(AUDIENCE));
        let inner = &*self.0;
        let kid = access_token::kid(token).ok_or(IdentifyError::Unknown)?;
        let key = inner.keys.verifying(kid).await?;
        let until = |claims: &Claims| claims.exp;
        let claims = access_token::read(token, &key, &VALIDATION, until, inner.now_ms())?;
        if claims.file != file {
            return Err(IdentifyError::Unknown);
        }
        if claims.key {
            return Ok(DownloadedBy::Key(claims.sub));
        }
        let tenant = inner.load(claims.sub).await.map_err(|_| IdentifyError::Unavailable)?;
        let tenant = Arc::new(tenant.ok_or(IdentifyError::Unknown)?);
        Ok(DownloadedBy::Person(Person { tenant, session_id: claims.sub }))
    }
}
