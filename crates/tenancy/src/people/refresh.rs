use entity::user;
use sea_orm::prelude::*;
use sea_orm::{DatabaseTransaction, TransactionTrait};
use secrecy::SecretString;

use super::{People, PeopleError, RefreshToken, SignedIn, role, session};
use crate::Role;

impl People {
    /// New tokens for a refresh token, which works once. One that was used before tells that somebody else has it too:
    /// its session ends for both.
    ///
    /// # Errors
    /// [`PeopleError`].
    pub async fn refresh(&self, token: SecretString) -> Result<SignedIn, PeopleError> {
        let inner = &*self.0;
        let token = RefreshToken::parse(token).ok_or(PeopleError::Refused)?;
        let next = token.next()?;
        // First of all: what fails after the change would leave the client without a token that works.
        let signer = inner.keys.signer().await?;
        let txn = inner.parts.db.begin().await?;
        if !session::rotate(&txn, &token, &next, inner.now_ms()).await? {
            txn.rollback().await?;
            self.end_if_used_up(&token).await?;
            return Err(PeopleError::Refused);
        }
        let found = session::of_family(&txn, &token).await?.ok_or(PeopleError::Refused)?;
        let Some((user, role)) = member(&txn, &found).await? else {
            txn.rollback().await?;
            self.end(found.id).await?;
            return Err(PeopleError::Refused);
        };
        txn.commit().await?;
        inner.signed_in(&signer, &found, user, role, next)
    }

    /// Ends the session of a refresh token, whether or not the token has been used. Safe to repeat.
    ///
    /// # Errors
    /// [`DbErr`] if the database fails.
    pub async fn sign_out(&self, token: SecretString) -> Result<(), DbErr> {
        let Some(token) = RefreshToken::parse(token) else { return Ok(()) };
        match session::of_family(&self.0.parts.db, &token).await? {
            Some(found) => self.end(found.id).await,
            None => Ok(()),
        }
    }

    async fn end_if_used_up(&self, token: &RefreshToken) -> Result<(), DbErr> {
        let found = session::of_family(&self.0.parts.db, token).await?;
        let used_up = found.filter(|found| found.revoked_at.is_none() && session::used_up(found, token));
        let Some(found) = used_up else { return Ok(()) };
        tracing::warn!(session.id = %found.id, "a refresh token was used twice; its session is revoked");
        self.end(found.id).await
    }

    /// Ends a session, as when somebody signs out of it. That it has ended already is as good.
    ///
    /// # Errors
    /// [`DbErr`] if the database fails.
    pub async fn end(&self, session_id: Uuid) -> Result<(), DbErr> {
        session::revoke(&self.0.parts.db, session_id, self.0.now_ms()).await?;
        self.ended([session_id]);
        Ok(())
    }
}

/// Whose session it is, if they are still in its organisation.
async fn member(
    txn: &DatabaseTransaction,
    session: &entity::session::Model,
) -> Result<Option<(user::Model, Role)>, DbErr> {
    let user = user::Entity::find_by_id(session.user_id).one(txn).await?;
    Ok(user.zip(role(txn, session.organisation_id, session.user_id).await?))
}
