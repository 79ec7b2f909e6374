use std::net::IpAddr;

use entity::{membership, user};
use sea_orm::prelude::*;
use sea_orm::{DatabaseTransaction, QuerySelect, TransactionTrait};
use secrecy::SecretString;

use super::membership::parse_role;
use super::{Client, Inner, People, PeopleError, RefreshToken, SignedIn, lockout, session};
use crate::{Role, password};

/// What somebody shows to sign in.
#[derive(Clone, Debug)]
pub struct SignIn {
    pub email: String,
    pub password: SecretString,
    /// Needed by who is in several.
    pub organisation_id: Option<Uuid>,
    /// Where the client calls from.
    pub address: IpAddr,
    /// What the client says that it is.
    pub user_agent: Option<String>,
}

impl People {
    /// Begins a session. That there is no such account takes as long to say as that the password is wrong, and is said
    /// in the same way; it makes the same waits.
    ///
    /// # Errors
    /// [`PeopleError`].
    pub async fn sign_in(&self, sign_in: SignIn) -> Result<SignedIn, PeopleError> {
        let inner = &*self.0;
        let address = sign_in.address;
        if let Some(wait_ms) = inner.addresses.begin(address, inner.now_ms()) {
            return Err(PeopleError::TooSoon { wait_ms });
        }
        let outcome = inner.sign_in(sign_in).await;
        if !matches!(outcome, Err(PeopleError::Refused)) {
            inner.addresses.take_back(address, inner.now_ms());
        }
        outcome
    }
}

impl Inner {
    async fn sign_in(&self, sign_in: SignIn) -> Result<SignedIn, PeopleError> {
        let db = &self.parts.db;
        let email = sign_in.email.trim().to_lowercase();
        let account = lockout::account(&email);
        if let Some(wait_ms) = lockout::begin(db, &account, self.now_ms()).await? {
            return Err(PeopleError::TooSoon { wait_ms });
        }
        let user = self.user(&email, sign_in.password).await?;
        let (organisation_id, role) =
            organisation(db, user.id, sign_in.organisation_id, async || lockout::clear(db, &account).await)
                .await?;

        let signer = self.keys.signer().await?;
        let (id, token, now_ms) = (self.parts.ids.fresh(), RefreshToken::fresh()?, self.now_ms());
        let whose = (user.id, organisation_id);
        let txn = db.begin().await?;
        let client = Client { address: sign_in.address, user_agent: sign_in.user_agent };
        let session = session::insert(&txn, id, whose, &token, client, now_ms).await?;
        if !still_has(&txn, &user).await? {
            txn.rollback().await?;
            return Err(PeopleError::Refused);
        }
        txn.commit().await?;
        self.signed_in(&signer, &session, user, role, token)
    }

    /// Who has this address and password.
    async fn user(&self, email: &str, password: SecretString) -> Result<user::Model, PeopleError> {
        let nobodys = async || self.hash(password::one_time()?).await;
        let nobodys_hash = self.nobodys_hash.get_or_try_init(nobodys).await?;
        let user = user::Entity::find().filter(user::Column::Email.eq(email)).one(&self.parts.db).await?;
        let stored = user.as_ref().map_or(nobodys_hash, |user| &user.password_hash);
        let right = self.verify(password, stored.clone()).await?;
        user.filter(|_| right).ok_or(PeopleError::Refused)
    }
}

/// The organisation that is named, else the only one; `right` is called as soon as nothing is wrong.
async fn organisation(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    named: Option<Uuid>,
    right: impl AsyncFnOnce() -> Result<(), DbErr>,
) -> Result<(Uuid, Role), PeopleError> {
    let rows = membership::Entity::find().filter(membership::Column::UserId.eq(user_id)).all(db).await?;
    let mut fit = rows.iter().filter(|row| named.is_none_or(|id| row.organisation_id == id));
    let Some(first) = fit.next() else { return Err(PeopleError::Refused) };
    right().await?;
    if fit.next().is_some() {
        let ids = rows.iter().map(|row| row.organisation_id).collect();
        return Err(PeopleError::WhichOrganisation(ids));
    }
    Ok((first.organisation_id, parse_role(first)?))
}

/// Whether the password that was right is right still: a change of it ends all sessions that there are then, and must not
/// miss this one.
pub(super) async fn still_has(txn: &DatabaseTransaction, user: &user::Model) -> Result<bool, DbErr> {
    let row = user::Entity::find_by_id(user.id)
        .filter(user::Column::PasswordHash.eq(&user.password_hash))
        .lock_shared()
        .one(txn)
        .await?;
    Ok(row.is_some())
}
