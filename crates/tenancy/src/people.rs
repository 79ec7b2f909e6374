//! People: they sign in with a password, and read with the access token that they get for it.

mod accept;
mod access_token;
mod account;
mod browser;
mod download;
mod invited;
mod link_token;
mod lockout;
pub mod members;
mod membership;
mod password_change;
mod refresh;
mod replay;
mod reset;
mod session;
mod sign_in;
mod signing_keys;

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use clock::{Clock, Ids};
use entity::{organisation, user};
use sea_orm::prelude::*;
use sea_orm::{DatabaseConnection, TransactionTrait as _};
use secrecy::SecretString;
use tokio::sync::{OnceCell, Semaphore};
use vault::Vault;

pub use accept::{Acceptance, Accepted, INVITE_MS, OwnKey, Place, invite_token, places as invite_places};
pub use access_token::ACCESS_TOKEN_S;
pub use account::{Account, Belonging};
pub use download::{DownloadBy, DownloadedBy};
pub use invited::Invited;
pub(crate) use membership::reaches;
pub use replay::{REPLAY_TOKEN, Replay, ReplayedBy};
pub use reset::RESET_MS;
pub use session::{Client, REFRESH_TOKEN_S};
pub use sign_in::SignIn;
pub use signing_keys::{PublicKey, SigningError};

use crate::audit::{self, Actor, Author, Entry, Origin};
use crate::cache::{Cache, Lifetimes};
use crate::notices::{Change, Notices};
use crate::secret::NoRandomness;
use crate::{IdentifyError, MintError, PlanOverrides, Role, Tenant, password};
use access_token::Claims;
use lockout::Addresses;
use membership::role;
use session::RefreshToken;
use signing_keys::{Signer, SigningKeys};

/// Why somebody is not signed in, or a password not changed.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// Something of what they showed is wrong; which, is not for them to know.
    #[error("what was shown does not sign in")]
    Refused,
    /// Too many attempts failed before.
    #[error("too many attempts; the next one is looked at in {wait_ms} ms")]
    TooSoon { wait_ms: i64 },
    /// They are in several organisations and named none.
    #[error("one of several organisations has to be named")]
    WhichOrganisation(Vec<Uuid>),
    /// It is none that anybody may have.
    #[error("the password is {0}")]
    Weak(#[from] password::Weak),
    /// An account needs one: a new one, or that of the account that is there.
    #[error("a password is needed")]
    PasswordMissing,
    #[error("no open invite has this token")]
    NoInvite,
    #[error("no password may be reset with this token")]
    NoReset,
    #[error("an API key could not be made")]
    Key(#[from] MintError),
    #[error("the database failed")]
    Database(#[from] DbErr),
    #[error("the password could not be hashed or compared")]
    Password(#[from] password::Error),
    #[error("no access token could be made")]
    Signing(#[from] SigningError),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// Somebody who is signed in. The tokens are here and nowhere else.
#[derive(Debug)]
pub struct SignedIn {
    pub access_token: SecretString,
    pub refresh_token: SecretString,
    pub user_id: Uuid,
    pub email: String,
    pub name: String,
    pub organisation_id: Uuid,
    pub role: Role,
}

/// Whom an access token identifies, and in which session.
#[derive(Clone, Debug)]
pub struct Person {
    pub tenant: Arc<Tenant>,
    pub session_id: Uuid,
}

/// What [`People`] work with.
#[derive(Clone)]
pub struct PeopleParts {
    pub db: DatabaseConnection,
    pub clock: Clock,
    pub ids: Ids,
    pub vault: Vault,
    pub plan_overrides: PlanOverrides,
    /// Where the end of a session is told.
    pub notices: Notices,
}

/// Signs people in and identifies them. Clones share one cache; a warm look-up is one signature and one map access.
#[derive(Clone)]
pub struct People(Arc<Inner>);

struct Inner {
    parts: PeopleParts,
    keys: SigningKeys,
    /// By session.
    cache: Cache<Uuid, Tenant>,
    addresses: Addresses,
    /// Hashing takes a core and 19 MiB each: more at a time would starve all else.
    hashing: Semaphore,
    /// The hash that is compared with where there is no account, so that this takes as long.
    nobodys_hash: OnceCell<String>,
}

impl People {
    /// A session is looked up again after `ttl`; while the database fails it is believed until `stale_max` after that.
    #[must_use]
    pub fn new(parts: PeopleParts, ttl: Duration, stale_max: Duration) -> Self {
        let lifetimes = Lifetimes::new(ttl, stale_max);
        let PeopleParts { db, clock, ids, vault, .. } = parts.clone();
        let cores = available_parallelism().map_or(1, NonZero::get);
        Self(Arc::new(Inner {
            keys: SigningKeys::new(db, clock.clone(), ids, vault, lifetimes),
            cache: Cache::new(lifetimes, clock),
            addresses: Addresses::new(),
            hashing: Semaphore::new(cores),
            nobodys_hash: OnceCell::new(),
            parts,
        }))
    }

    /// Whether this looks like an access token, good or not.
    #[must_use]
    pub fn is_access_token(text: &str) -> bool {
        // Every JWT does: its header is a JSON object in base64url.
        text.starts_with("eyJ") && text.bytes().filter(|byte| *byte == b'.').count() == 2
    }

    /// Whom an access token is for, as the database has it: what its role is now decides what it may.
    ///
    /// # Errors
    /// [`IdentifyError`]; `Unknown` also for a session that was revoked.
    pub async fn identify(&self, token: &str) -> Result<Person, IdentifyError> {
        let inner = &*self.0;
        let kid = access_token::kid(token).ok_or(IdentifyError::Unknown)?;
        let key = inner.keys.verifying(kid).await?;
        let claims = access_token::verify(token, &key, inner.parts.clock.now_ms())?;
        let session_id = claims.sid;
        let tenant = match inner.cache.fresh(&session_id) {
            Some(tenant) => tenant,
            None => inner
                .cache
                .get(session_id, inner.load(session_id))
                .await
                .map_err(|_| IdentifyError::Unavailable)?
                .ok_or(IdentifyError::Unknown)?,
        };
        let same = tenant.user_id == Some(claims.sub) && tenant.organisation_id == claims.org;
        if same { Ok(Person { tenant, session_id }) } else { Err(IdentifyError::Unknown) }
    }

    /// Forgets what the change is about, here alone.
    pub(crate) fn forget(&self, change: &Change) {
        let cache = &self.0.cache;
        match change {
            Change::Session(id) => cache.invalidate(id),
            Change::Person(id) => cache.invalidate_where(|_, tenant| tenant.user_id == Some(*id)),
            Change::Organisation(id) => cache.invalidate_where(|_, tenant| tenant.organisation_id == *id),
            Change::ApiKey(_)
            | Change::VirtualKey { .. }
            | Change::Config { .. }
            | Change::Guardrail { .. } => {}
            Change::Everything => cache.doubt_all(),
        }
    }

    /// Forgets an organisation's people, here alone: its plan was changed.
    pub fn forget_organisation(&self, organisation_id: Uuid) {
        self.forget(&Change::Organisation(organisation_id));
    }

    /// Forgets what a person is, here alone: it was changed.
    pub fn forget_person(&self, user_id: Uuid) {
        self.forget(&Change::Person(user_id));
    }

    /// Forgets a person, everywhere.
    fn changed(&self, user_id: Uuid) {
        self.forget_person(user_id);
        self.0.parts.notices.tell(Change::Person(user_id));
    }

    /// Ends a person's session, as a change that is written down. False when they have none of that id, or not any more.
    ///
    /// # Errors
    /// [`DbErr`] if the database fails.
    pub async fn end_session(
        &self,
        user_id: Uuid,
        id: Uuid,
        origin: Option<Arc<Origin>>,
    ) -> Result<bool, DbErr> {
        let inner = &*self.0;
        let txn = inner.parts.db.begin().await?;
        let this = entity::session::Column::Id.eq(id);
        let ended = session::revoke_in(&txn, user_id, this, inner.now_ms()).await?;
        let Some(session) = ended.first() else { return Ok(false) };
        let entry = Entry {
            organisation_id: session.organisation_id,
            workspace_id: None,
            author: Author { actor: Actor::Person(user_id), origin },
            action: "session.delete",
            subject: Some(format!("user:{user_id}")),
            change: serde_json::json!({"sessions": [id]}),
        };
        audit::write(&txn, &inner.parts.ids, inner.now_ms(), entry).await?;
        txn.commit().await?;
        self.ended([id]);
        Ok(true)
    }

    /// Forgets sessions that have ended, everywhere.
    fn ended(&self, sessions: impl IntoIterator<Item = Uuid>) {
        for id in sessions {
            self.forget(&Change::Session(id));
            self.0.parts.notices.tell(Change::Session(id));
        }
    }

    /// The public keys that access tokens are signed with.
    ///
    /// # Errors
    /// [`DbErr`] if the database fails.
    pub async fn public_keys(&self) -> Result<Vec<PublicKey>, DbErr> {
        self.0.keys.public().await
    }
}

impl Inner {
    fn now_ms(&self) -> i64 {
        self.parts.clock.now_ms()
    }

    /// The tenant that a session reads as.
    async fn load(&self, session_id: Uuid) -> Result<Option<Tenant>, DbErr> {
        let db = &self.parts.db;
        let Some(session) = session::live(db, session_id).await? else { return Ok(None) };
        let Some(role) = role(db, session.organisation_id, session.user_id).await? else { return Ok(None) };
        let organisation = organisation::Entity::find_by_id(session.organisation_id).one(db).await?;
        let Some(organisation) = organisation else { return Ok(None) };
        let memberships = match role {
            Role::Owner | Role::Admin => Vec::new(),
            Role::Member => membership::memberships(db, organisation.id, session.user_id).await?,
        };
        let only = match memberships.as_slice() {
            [only] => Some(only),
            _ => None,
        };
        Ok(Some(Tenant {
            workspace_id: only.map(|of| of.workspace_id),
            workspace_slug: only.map(|of| of.slug.clone()),
            user_id: Some(session.user_id),
            kind: role.kind(),
            role: Some(role),
            scopes: memberships.iter().fold(role.scopes(), |all, of| all.and(of.role.scopes())),
            memberships,
            ..Tenant::of_organisation(&organisation, &self.parts.plan_overrides, self.now_ms())?
        }))
    }

    async fn verify(&self, password: SecretString, stored: String) -> Result<bool, password::Error> {
        let _turn = self.hashing.acquire().await;
        password::verify(password, stored).await
    }

    async fn hash(&self, password: SecretString) -> Result<String, password::Error> {
        let _turn = self.hashing.acquire().await;
        password::hash(password).await
    }

    /// What a person gets who is signed in to `session`.
    fn signed_in(
        &self,
        signer: &Signer,
        session: &entity::session::Model,
        user: user::Model,
        role: Role,
        refresh_token: RefreshToken,
    ) -> Result<SignedIn, PeopleError> {
        let parts = &self.parts;
        let claims = Claims::new(session, role, parts.clock.now_s(), parts.ids.fresh());
        let token = access_token::sign(&signer.kid, &signer.key, &claims).map_err(SigningError::from)?;
        Ok(SignedIn {
            access_token: token.into(),
            refresh_token: refresh_token.into_secret(),
            user_id: user.id,
            name: user.name(),
            email: user.email,
            organisation_id: session.organisation_id,
            role,
        })
    }
}

#[cfg(test)]
mod tests;
