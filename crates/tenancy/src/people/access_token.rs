//! Access tokens: what is in them, and what makes one good. A JWT (RFC 7519) signed with Ed25519 (RFC 8037), and nothing
//! else: no other algorithm is ever looked at.

use std::sync::LazyLock;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::IdentifyError;

/// How long an access token is good. Seconds.
pub const ACCESS_TOKEN_S: i64 = 15 * 60;

pub(super) const ISSUER: &str = "turnpike";

/// Longer than any of ours: not worth decoding. Bytes.
const MAX_TOKEN: usize = 2048;
const MAX_KID: usize = 64;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Claims {
    iss: String,
    /// The user.
    pub sub: Uuid,
    /// The organisation.
    pub org: Uuid,
    /// The session.
    pub sid: Uuid,
    /// For who reads the token; what the holder may is looked up.
    pub role: String,
    /// Unix seconds.
    pub iat: i64,
    /// Unix seconds.
    pub exp: i64,
    pub jti: Uuid,
}

impl Claims {
    pub fn new(session: &entity::session::Model, role: crate::Role, now_s: i64, jti: Uuid) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            sub: session.user_id,
            org: session.organisation_id,
            sid: session.id,
            role: role.as_str().to_owned(),
            iat: now_s,
            exp: now_s + ACCESS_TOKEN_S,
            jti,
        }
    }
}

/// A token of ours that says this.
pub(super) fn sign(
    kid: &str,
    key: &EncodingKey,
    claims: &impl Serialize,
) -> Result<String, jsonwebtoken::errors::Error> {
    let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) };
    jsonwebtoken::encode(&header, claims, key)
}

/// Which key a token says that it is signed with; `None` when it is none of our tokens.
pub(super) fn kid(token: &str) -> Option<String> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let header = jsonwebtoken::decode_header(token).ok()?;
    header.kid.filter(|kid| header.alg == Algorithm::EdDSA && kid.len() <= MAX_KID)
}

/// What every token of ours has to be and to say: that, and nothing of the time, which is not the library's to tell.
pub(super) fn validation(claims: &[&str]) -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.validate_exp = false;
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(claims);
    validation
}

/// The same of tokens for another audience than access tokens have, so that neither is good for the other.
pub(super) fn validation_for(audience: &str) -> Validation {
    let mut validation = validation(&["aud", "exp", "iss", "sub"]);
    validation.set_audience(&[audience]);
    validation
}

/// What a token says that is signed with `key`, valid and good now; `until` tells from that how long it is good, in Unix seconds.
pub(super) fn read<C: DeserializeOwned + Clone>(
    token: &str,
    key: &DecodingKey,
    validation: &Validation,
    until: impl FnOnce(&C) -> i64,
    now_ms: i64,
) -> Result<C, IdentifyError> {
    let token = jsonwebtoken::decode::<C>(token, key, validation);
    let claims = token.map_err(|_| IdentifyError::Unknown)?.claims;
    // One from the future is of a server whose clock was ahead, maybe this one: nobody else signs any.
    if now_ms >= until(&claims).saturating_mul(1000) { Err(IdentifyError::Expired) } else { Ok(claims) }
}

/// The claims of an access token that is signed with `key` and good now.
pub(super) fn verify(token: &str, key: &DecodingKey, now_ms: i64) -> Result<Claims, IdentifyError> {
    static VALIDATION: LazyLock<Validation> = LazyLock::new(|| validation(&["exp", "iss", "sub"]));
    read(token, key, &VALIDATION, |claims: &Claims| claims.exp, now_ms)
}
