use entity::user;
use sea_orm::prelude::*;
use sea_orm::{Set, TransactionTrait};
use secrecy::SecretString;

use super::{People, PeopleError, Person, lockout, session};

impl People {
    /// Gives a person a new password and ends their other sessions. A wrong current one counts as a failed sign-in.
    ///
    /// # Errors
    /// [`PeopleError`]; `Refused` when `current` is not their password.
    pub async fn change_password(
        &self,
        person: &Person,
        current: SecretString,
        new: SecretString,
    ) -> Result<(), PeopleError> {
        let inner = &*self.0;
        let db = &inner.parts.db;
        let user_id = person.tenant.user_id.ok_or(PeopleError::Refused)?;
        let user = user::Entity::find_by_id(user_id).one(db).await?.ok_or(PeopleError::Refused)?;
        let account = lockout::account(&user.email);
        if let Some(wait_ms) = lockout::begin(db, &account, inner.now_ms()).await? {
            return Err(PeopleError::TooSoon { wait_ms });
        }
        if !inner.verify(current, user.password_hash.clone()).await? {
            return Err(PeopleError::Refused);
        }
        lockout::clear(db, &account).await?;
        let change = user::ActiveModel { password_hash: Set(inner.hash(new).await?), ..Default::default() };

        let txn = db.begin().await?;
        // Of two who change it at once, the later one no longer knows the current password.
        let updated = user::Entity::update_many()
            .set(change)
            .filter(user::Column::Id.eq(user_id))
            .filter(user::Column::PasswordHash.eq(user.password_hash))
            .exec(&txn)
            .await?;
        if updated.rows_affected != 1 {
            txn.rollback().await?;
            return Err(PeopleError::Refused);
        }
        let ended = session::revoke_others(&txn, user_id, person.session_id, inner.now_ms()).await?;
        txn.commit().await?;
        self.ended(ended);
        Ok(())
    }
}
