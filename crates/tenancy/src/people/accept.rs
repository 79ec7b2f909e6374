//! Accepting an invite: who has its token and is, or becomes, the account of its address is in.

use std::sync::Arc;

use entity::{api_key, invite, membership, user, workspace, workspace_member};
use sea_orm::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, IntoActiveModel, Set, TransactionTrait};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::membership::role;
use super::session::Client;
use super::sign_in::still_has;
use super::{Inner, People, PeopleError, RefreshToken, SignedIn, link_token, lockout, session};
use crate::audit::{self, Actor, Author, Entry, Origin};
use crate::secret::NoRandomness;
use crate::{KeyKind, Mint, Role, Scopes, organisation, password};

/// How long an invite is open.
pub const INVITE_MS: i64 = 7 * 86_400_000;

/// A place in a workspace that comes with an invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub workspace_id: Uuid,
    /// As [`crate::WorkspaceRole`].
    #[serde(with = "role_name")]
    pub role: crate::WorkspaceRole,
}

/// What somebody shows to accept an invite.
#[derive(Debug)]
pub struct Acceptance {
    pub token: SecretString,
    /// Of a new account.
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    /// A new account's, or the one of the account that is there.
    pub password: Option<SecretString>,
    /// Whose access token was shown.
    pub signed_in: Option<Uuid>,
    pub client: Client,
    pub origin: Arc<Origin>,
}

/// Somebody who is in, and signed in.
#[derive(Debug)]
pub struct Accepted {
    pub signed_in: SignedIn,
    pub keys: Vec<OwnKey>,
}

/// A key that was made for them. The secret is here and nowhere else.
#[derive(Debug)]
pub struct OwnKey {
    pub id: Uuid,
    /// The workspace's slug.
    pub workspace: String,
    pub secret: SecretString,
}

/// A new token of an invite, and what is stored of it.
///
/// # Errors
/// [`NoRandomness`].
pub fn invite_token() -> Result<(SecretString, Vec<u8>), NoRandomness> {
    link_token::fresh(link_token::INVITE)
}

/// Who accepts.
enum Who {
    Known(user::Model),
    New(user::Model),
}

impl People {
    /// Makes who shows the token of an open invite a member, and signs them in. The token works once.
    ///
    /// # Errors
    /// [`PeopleError`]; `Refused` when the account of the address is not shown to be theirs.
    pub async fn accept(&self, acceptance: Acceptance) -> Result<Accepted, PeopleError> {
        let inner = &*self.0;
        let db = &inner.parts.db;
        let hash = link_token::hash(link_token::INVITE, &acceptance.token).ok_or(PeopleError::NoInvite)?;
        let found = invite::Entity::find().filter(invite::Column::TokenHash.eq(hash.clone())).one(db).await?;
        let found = found.filter(|row| is_open(row, inner.now_ms())).ok_or(PeopleError::NoInvite)?;
        let known = user::Entity::find().filter(user::Column::Email.eq(&found.email)).one(db).await?;
        let who = match known {
            Some(user) => {
                self.shown(&user, &acceptance).await?;
                Who::Known(user)
            }
            None => Who::New(inner.new_user(&found.email, &acceptance).await?),
        };
        // First of all: what fails after the change would leave them without a token that works.
        let signer = inner.keys.signer().await?;
        let token = RefreshToken::fresh()?;

        let txn = db.begin().await?;
        organisation::hold(&txn, found.organisation_id).await?;
        if !claim(&txn, &hash, inner.now_ms()).await? {
            txn.rollback().await?;
            return Err(PeopleError::NoInvite);
        }
        let Some(user) = account(&txn, who).await? else {
            txn.rollback().await?;
            return Err(PeopleError::Refused);
        };
        let joined = inner.join(&txn, &found, &user, acceptance.origin).await?;
        let whose = (user.id, found.organisation_id);
        let id = inner.parts.ids.fresh();
        let session = session::insert(&txn, id, whose, &token, acceptance.client, inner.now_ms()).await?;
        txn.commit().await?;
        self.changed(user.id);
        let signed_in = inner.signed_in(&signer, &session, user, joined.role, token)?;
        Ok(Accepted { signed_in, keys: joined.keys })
    }

    /// Whether they have shown that the account is theirs. A wrong password counts as a failed sign-in.
    async fn shown(&self, user: &user::Model, acceptance: &Acceptance) -> Result<(), PeopleError> {
        let inner = &*self.0;
        if acceptance.signed_in == Some(user.id) {
            return Ok(());
        }
        let password = acceptance.password.clone().ok_or(PeopleError::PasswordMissing)?;
        let address = acceptance.client.address;
        if let Some(wait_ms) = inner.addresses.begin(address, inner.now_ms()) {
            return Err(PeopleError::TooSoon { wait_ms });
        }
        let outcome = inner.check(user, password).await;
        if !matches!(outcome, Err(PeopleError::Refused)) {
            inner.addresses.take_back(address, inner.now_ms());
        }
        outcome
    }
}

/// What somebody became.
struct Joined {
    role: Role,
    keys: Vec<OwnKey>,
}

impl Inner {
    /// Whether the password is the account's.
    async fn check(&self, user: &user::Model, password: SecretString) -> Result<(), PeopleError> {
        let db = &self.parts.db;
        let account = lockout::account(&user.email);
        if let Some(wait_ms) = lockout::begin(db, &account, self.now_ms()).await? {
            return Err(PeopleError::TooSoon { wait_ms });
        }
        if !self.verify(password, user.password_hash.clone()).await? {
            return Err(PeopleError::Refused);
        }
        Ok(lockout::clear(db, &account).await?)
    }

    async fn new_user(&self, email: &str, acceptance: &Acceptance) -> Result<user::Model, PeopleError> {
        let password = acceptance.password.clone().ok_or(PeopleError::PasswordMissing)?;
        password::check(&password, email)?;
        Ok(user::Model {
            id: self.parts.ids.fresh(),
            email: email.to_owned(),
            first_name: acceptance.first_name.clone().unwrap_or_else(|| email.to_owned()),
            last_name: acceptance.last_name.clone().unwrap_or_default(),
            password_hash: self.hash(password).await?,
            created_at: self.now_ms(),
        })
    }

    /// Makes them what the invite says; who is something there already stays so.
    async fn join(
        &self,
        txn: &impl ConnectionTrait,
        invite: &invite::Model,
        user: &user::Model,
        origin: Arc<Origin>,
    ) -> Result<Joined, PeopleError> {
        let (organisation_id, now_ms) = (invite.organisation_id, self.now_ms());
        let row = membership::Model {
            organisation_id,
            user_id: user.id,
            role: invite.role.clone(),
            created_at: now_ms,
            last_updated_at: now_ms,
        };
        let same = [membership::Column::OrganisationId, membership::Column::UserId];
        membership::Entity::insert(row.into_active_model())
            .on_conflict(OnConflict::columns(same).do_nothing().to_owned())
            .exec_without_returning(txn)
            .await?;
        let role = role(txn, organisation_id, user.id).await?.ok_or(PeopleError::Refused)?;
        let places = places(invite)?;
        let at_work = workspace::Entity::find()
            .filter(workspace::Column::OrganisationId.eq(organisation_id))
            .filter(workspace::Column::Status.eq("active"))
            .filter(workspace::Column::Id.is_in(places.iter().map(|place| place.workspace_id)))
            .all(txn)
            .await?;
        let mut keys = Vec::new();
        for workspace in at_work {
            let Some(place) = places.iter().find(|place| place.workspace_id == workspace.id) else {
                continue;
            };
            self.enter(txn, &workspace, user, place).await?;
            if let Some(scopes) = &invite.key_scopes {
                keys.push(self.own_key(txn, workspace, user, invite, Scopes::from_json(scopes)).await?);
            }
        }
        let entry = Entry {
            organisation_id,
            workspace_id: None,
            author: Author { actor: Actor::Person(user.id), origin: Some(origin) },
            action: "invite.accept",
            subject: Some(format!("invite:{}", invite.id)),
            change: json!({"user_id": user.id, "role": role.as_str()}),
        };
        audit::write(txn, &self.parts.ids, now_ms, entry).await?;
        Ok(Joined { role, keys })
    }

    async fn enter(
        &self,
        txn: &impl ConnectionTrait,
        workspace: &workspace::Model,
        user: &user::Model,
        place: &Place,
    ) -> Result<(), DbErr> {
        let now_ms = self.now_ms();
        let row = workspace_member::Model {
            workspace_id: workspace.id,
            user_id: user.id,
            organisation_id: workspace.organisation_id,
            role: place.role.as_str().to_owned(),
            created_at: now_ms,
            last_updated_at: now_ms,
        };
        let same = [workspace_member::Column::WorkspaceId, workspace_member::Column::UserId];
        workspace_member::Entity::insert(row.into_active_model())
            .on_conflict(OnConflict::columns(same).do_nothing().to_owned())
            .exec_without_returning(txn)
            .await?;
        Ok(())
    }

    async fn own_key(
        &self,
        txn: &impl ConnectionTrait,
        workspace: workspace::Model,
        user: &user::Model,
        invite: &invite::Model,
        scopes: Scopes,
    ) -> Result<OwnKey, PeopleError> {
        let mint = Mint {
            organisation_id: workspace.organisation_id,
            workspace_id: Some(workspace.id),
            user_id: Some(user.id),
            kind: KeyKind::WorkspaceUser,
            name: user.name().chars().take(MAX_KEY_NAME).collect(),
            description: None,
            scopes,
            defaults: None,
            expires_at: None,
            created_by: invite.invited_by,
        };
        let (row, secret) = mint.mint(&self.parts.ids, self.now_ms())?;
        let id = row.id;
        api_key::Entity::insert(row.into_active_model()).exec_without_returning(txn).await?;
        Ok(OwnKey { id, workspace: workspace.slug, secret })
    }
}

/// Characters of a key's name.
const MAX_KEY_NAME: usize = 100;

/// Whether an invite can be accepted.
pub(super) fn is_open(row: &invite::Model, now_ms: i64) -> bool {
    row.accepted_at.is_none() && row.cancelled_at.is_none() && now_ms < row.expires_at
}

/// The places that come with an invite.
///
/// # Errors
/// [`DbErr::Json`] when they cannot be read.
pub fn places(row: &invite::Model) -> Result<Vec<Place>, DbErr> {
    serde_json::from_value(row.workspaces.clone())
        .map_err(|error| DbErr::Json(format!("workspaces of invite {}: {error}", row.id)))
}

/// Takes the invite. Of many who try it at once, one gets true.
async fn claim(txn: &impl ConnectionTrait, hash: &[u8], now_ms: i64) -> Result<bool, DbErr> {
    let change = invite::ActiveModel { accepted_at: Set(Some(now_ms)), ..Default::default() };
    let claimed = invite::Entity::update_many()
        .set(change)
        .filter(invite::Column::TokenHash.eq(hash))
        .filter(invite::Column::AcceptedAt.is_null())
        .filter(invite::Column::CancelledAt.is_null())
        .filter(invite::Column::ExpiresAt.gt(now_ms))
        .exec(txn)
        .await?;
    Ok(claimed.rows_affected == 1)
}

/// The account, made if it is new. None: it is another than it was a moment ago.
async fn account(txn: &sea_orm::DatabaseTransaction, who: Who) -> Result<Option<user::Model>, DbErr> {
    match who {
        Who::Known(user) => Ok(still_has(txn, &user).await?.then_some(user)),
        Who::New(user) => {
            let made = user::Entity::insert(user.clone().into_active_model())
                .on_conflict(OnConflict::column(user::Column::Email).do_nothing().to_owned())
                .exec_without_returning(txn)
                .await?;
            Ok((made == 1).then_some(user))
        }
    }
}

mod role_name {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::WorkspaceRole;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub fn serialize<S: Serializer>(role: &WorkspaceRole, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(role.as_str())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<WorkspaceRole, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}
