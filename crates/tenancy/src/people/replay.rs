//! Tokens by which the control plane has the gateway make one call once more, for who asked for it and in their name. A JWT (RFC 7519) under
//! the keys of access tokens, for another audience: neither is good for the other.

use std::sync::{Arc, LazyLock};

use entity::{organisation, workspace};
use jsonwebtoken::{DecodingKey, Validation};
use sea_orm::prelude::*;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::access_token::{self, ISSUER};
use super::signing_keys::SigningError;
use super::{Inner, People, membership};
use crate::{IdentifyError, Scope, Tenant};

/// The header of the gateway that takes one. Its name says that it is a secret.
pub const REPLAY_TOKEN: &str = "x-portkey-replay-token";

/// How long one is good. Seconds.
const GOOD_S: i64 = 60;

const AUDIENCE: &str = "replay";

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    /// The person, or the key.
    sub: Uuid,
    /// Whether it is a key.
    key: bool,
    org: Uuid,
    workspace: Uuid,
    /// The log whose call is to be made once more.
    log: Uuid,
    /// Unix seconds.
    iat: i64,
    /// Unix seconds.
    exp: i64,
    jti: Uuid,
}

/// What a token is for.
#[derive(Clone, Debug)]
pub struct Replay {
    pub by: ReplayedBy,
    pub workspace_id: Uuid,
    /// The log whose call is to be made once more.
    pub log_id: Uuid,
}

/// In whose name the call is made.
#[derive(Clone, Debug)]
pub enum ReplayedBy {
    /// A key's, by its id.
    Key(Uuid),
    /// A person's, who calls as a key to the workspace would.
    Person(Arc<Tenant>),
}

impl People {
    /// A token for `caller` to have the call of a log of a workspace made once more.
    ///
    /// # Errors
    /// [`SigningError`].
    pub async fn replay_token(
        &self,
        caller: &Tenant,
        workspace_id: Uuid,
        log_id: Uuid,
    ) -> Result<SecretString, SigningError> {
        let parts = &self.0.parts;
        let signer = self.0.keys.signer().await?;
        let now_s = parts.clock.now_s();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: caller.api_key_id.or(caller.user_id).unwrap_or_default(),
            key: caller.api_key_id.is_some(),
            org: caller.organisation_id,
            workspace: workspace_id,
            log: log_id,
            iat: now_s,
            exp: now_s + GOOD_S,
            jti: parts.ids.fresh(),
        };
        Ok(access_token::sign(&signer.kid, &signer.key, &claims)?.into())
    }

    /// What a token is for, if it is good and its holder still is who they were.
    ///
    /// # Errors
    /// [`IdentifyError`].
    pub async fn replay(&self, token: &str) -> Result<Replay, IdentifyError> {
        let inner = &*self.0;
        let kid = access_token::kid(token).ok_or(IdentifyError::Unknown)?;
        let key = inner.keys.verifying(kid).await?;
        let claims = verify(token, &key, inner.now_ms())?;
        let by = if claims.key {
            ReplayedBy::Key(claims.sub)
        } else {
            let found = inner.caller(&claims).await.map_err(|_| IdentifyError::Unavailable)?;
            ReplayedBy::Person(Arc::new(found.ok_or(IdentifyError::Unknown)?))
        };
        Ok(Replay { by, workspace_id: claims.workspace, log_id: claims.log })
    }
}

impl Inner {
    /// The person as a caller of the gateway, within the workspace and its limits.
    async fn caller(&self, claims: &Claims) -> Result<Option<Tenant>, DbErr> {
        let db = &self.parts.db;
        let reaches = membership::reaches(db, claims.org, claims.sub, Some(claims.workspace)).await?;
        let workspace = workspace::Entity::find_by_id(claims.workspace)
            .filter(workspace::Column::OrganisationId.eq(claims.org))
            .filter(workspace::Column::Status.eq("active"))
            .one(db)
            .await?;
        let organisation = organisation::Entity::find_by_id(claims.org).one(db).await?;
        let (true, Some(workspace), Some(organisation)) = (reaches, workspace, organisation) else {
            return Ok(None);
        };
        Ok(Some(Tenant {
            workspace_id: Some(workspace.id),
            workspace_slug: Some(workspace.slug),
            user_id: Some(claims.sub),
            scopes: [Scope::CompletionsWrite].into_iter().collect(),
            limits: limits::load(db, [workspace.id]).await?,
            ..Tenant::of_organisation(&organisation, &self.parts.plan_overrides, self.now_ms())?
        }))
    }
}

/// The claims of a token that is signed with `key` and good now.
fn verify(token: &str, key: &DecodingKey, now_ms: i64) -> Result<Claims, IdentifyError> {
    static VALIDATION: LazyLock<Validation> = LazyLock::new(|| access_token::validation_for(AUDIENCE));
    access_token::read(token, key, &VALIDATION, |claims: &Claims| claims.exp, now_ms)
}
