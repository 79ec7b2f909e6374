//! A new password for who has forgotten theirs: a token by mail, which works for an hour and once.

use std::net::IpAddr;
use std::sync::Arc;

use entity::{password_reset, user};
use sea_orm::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, IntoActiveModel, Set, TransactionTrait};
use secrecy::SecretString;

use super::{Inner, People, PeopleError, link_token, lockout, session};
use crate::audit::{Actor, Author, Origin};
use crate::password;

/// How long a token works.
pub const RESET_MS: i64 = 3_600_000;

/// Asking is counted apart from signing in: nobody is kept out by who asks in their name.
fn asked(email: &str) -> Vec<u8> {
    lockout::account(&format!("reset {email}"))
}

impl People {
    /// Counts that somebody asks for the account of this address, which is in lower case.
    ///
    /// # Errors
    /// [`PeopleError::TooSoon`], or that the database failed.
    pub async fn may_reset(&self, email: &str, address: IpAddr) -> Result<(), PeopleError> {
        let inner = &*self.0;
        if let Some(wait_ms) = inner.addresses.begin(address, inner.now_ms()) {
            return Err(PeopleError::TooSoon { wait_ms });
        }
        match lockout::begin(&inner.parts.db, &asked(email), inner.now_ms()).await? {
            Some(wait_ms) => Err(PeopleError::TooSoon { wait_ms }),
            None => Ok(()),
        }
    }

    /// Makes a token in the place of the one before, and tells whose it is. Where nobody is, the same is done, and nobody can use
    /// it.
    ///
    /// # Errors
    /// [`PeopleError`].
    pub async fn begin_reset(
        &self,
        txn: &impl ConnectionTrait,
        email: &str,
    ) -> Result<(SecretString, Option<user::Model>), PeopleError> {
        let now_ms = self.0.now_ms();
        let (token, token_hash) = link_token::fresh(link_token::RESET)?;
        let account = lockout::account(email);
        let row = password_reset::Model {
            account: account.clone(),
            user_id: None,
            token_hash,
            created_at: now_ms,
            expires_at: now_ms + RESET_MS,
        };
        let renewed = [
            password_reset::Column::TokenHash,
            password_reset::Column::CreatedAt,
            password_reset::Column::ExpiresAt,
        ];
        let same = OnConflict::column(password_reset::Column::Account).update_columns(renewed).to_owned();
        password_reset::Entity::insert(row.into_active_model())
            .on_conflict(same)
            .exec_without_returning(txn)
            .await?;
        let user = user::Entity::find().filter(user::Column::Email.eq(email)).one(txn).await?;
        let whose = password_reset::ActiveModel {
            user_id: Set(user.as_ref().map(|user| user.id)),
            ..Default::default()
        };
        password_reset::Entity::update_many()
            .set(whose)
            .filter(password_reset::Column::Account.eq(account))
            .exec(txn)
            .await?;
        Ok((token, user))
    }

    /// Whether a password may be reset with this token.
    ///
    /// # Errors
    /// [`DbErr`] if the database fails.
    pub async fn resets(&self, token: &SecretString) -> Result<bool, DbErr> {
        let Some(hash) = link_token::hash(link_token::RESET, token) else { return Ok(false) };
        Ok(self.0.resets(hash).await?.is_some())
    }

    /// Gives who shows the token a new password, and ends all of their sessions and waits. Each
    /// organisation that they are in gets entries of it in its audit log, as asked for from `origin`.
    ///
    /// # Errors
    /// [`PeopleError`]; after `Weak` the token still works.
    pub async fn finish_reset(
        &self,
        token: &SecretString,
        new: SecretString,
        origin: Arc<Origin>,
    ) -> Result<(), PeopleError> {
        let inner = &*self.0;
        let db = &inner.parts.db;
        let hash = link_token::hash(link_token::RESET, token).ok_or(PeopleError::NoReset)?;
        let user_id = inner.resets(hash.clone()).await?.ok_or(PeopleError::NoReset)?;
        let user = user::Entity::find_by_id(user_id).one(db).await?.ok_or(PeopleError::NoReset)?;
        password::check(&new, &user.email)?;
        let change = user::ActiveModel { password_hash: Set(inner.hash(new).await?), ..Default::default() };

        let txn = db.begin().await?;
        let once = password_reset::Entity::delete_many()
            .filter(password_reset::Column::TokenHash.eq(hash))
            .filter(password_reset::Column::ExpiresAt.gt(inner.now_ms()))
            .exec(&txn)
            .await?;
        if once.rows_affected != 1 {
            txn.rollback().await?;
            return Err(PeopleError::NoReset);
        }
        user::Entity::update_many().set(change).filter(user::Column::Id.eq(user_id)).exec(&txn).await?;
        let everywhere = entity::session::Column::UserId.eq(user_id);
        let ended = session::revoke_in(&txn, user_id, everywhere, inner.now_ms()).await?;
        for account in [lockout::account(&user.email), asked(&user.email)] {
            lockout::clear(&txn, &account).await?;
        }
        let author = Author { actor: Actor::Person(user_id), origin: Some(origin) };
        inner.note(&txn, user_id, &ended, &author).await?;
        txn.commit().await?;
        self.ended(ended.into_iter().map(|session| session.id));
        Ok(())
    }
}

impl Inner {
    /// Whose password may be reset with the token of which this is stored.
    async fn resets(&self, token_hash: Vec<u8>) -> Result<Option<Uuid>, DbErr> {
        let found = password_reset::Entity::find()
            .filter(password_reset::Column::TokenHash.eq(token_hash))
            .filter(password_reset::Column::ExpiresAt.gt(self.now_ms()))
            .one(&self.parts.db)
            .await?;
        Ok(found.and_then(|row| row.user_id))
    }
}

/// Lets a token that was asked for before work no more: the password has been changed since.
pub(super) async fn forget(txn: &impl ConnectionTrait, email: &str) -> Result<(), DbErr> {
    password_reset::Entity::delete_by_id(lockout::account(email)).exec(txn).await.map(|_| ())
}
