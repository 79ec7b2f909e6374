use std::sync::Arc;

use entity::{membership, user};
use sea_orm::prelude::*;
use sea_orm::{Set, TransactionTrait};
use secrecy::SecretString;
use serde_json::json;

use super::{Inner, People, PeopleError, Person, lockout, reset, session};
use crate::audit::{self, Actor, Author, Entry, Origin};
use crate::password;

impl People {
    /// Gives a person a new password and ends their other sessions. A wrong current one counts as a failed sign-in. Each
    /// organisation that they are in gets entries of it in its audit log, as asked for from `origin`.
    ///
    /// # Errors
    /// [`PeopleError`]; `Refused` when `current` is not their password, `Weak` when `new` is none to have.
    pub async fn change_password(
        &self,
        person: &Person,
        current: SecretString,
        new: SecretString,
        origin: Option<Arc<Origin>>,
    ) -> Result<(), PeopleError> {
        let inner = &*self.0;
        let db = &inner.parts.db;
        let user_id = person.tenant.user_id.ok_or(PeopleError::Refused)?;
        let user = user::Entity::find_by_id(user_id).one(db).await?.ok_or(PeopleError::Refused)?;
        password::check(&new, &user.email)?;
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
        reset::forget(&txn, &user.email).await?;
        let ended = session::revoke_others(&txn, user_id, person.session_id, inner.now_ms()).await?;
        inner.note(&txn, user_id, &ended, &Author { actor: Actor::Person(user_id), origin }).await?;
        txn.commit().await?;
        self.ended(ended.into_iter().map(|session| session.id));
        Ok(())
    }
}

impl Inner {
    /// Writes down that a person has another password, and which of their sessions that has ended.
    pub(super) async fn note(
        &self,
        txn: &impl ConnectionTrait,
        user_id: Uuid,
        ended: &[session::Ended],
        author: &Author,
    ) -> Result<(), DbErr> {
        let of = membership::Entity::find().filter(membership::Column::UserId.eq(user_id)).all(txn).await?;
        for organisation_id in of.into_iter().map(|row| row.organisation_id) {
            let here = ended.iter().filter(|session| session.organisation_id == organisation_id);
            let here: Vec<Uuid> = here.map(|session| session.id).collect();
            let changed = (!here.is_empty()).then(|| ("session.delete", json!({"sessions": here})));
            for (action, change) in [("password.update", json!({}))].into_iter().chain(changed) {
                let subject = Some(format!("user:{user_id}"));
                let author = author.clone();
                let entry = Entry { organisation_id, workspace_id: None, author, action, subject, change };
                audit::write(txn, &self.parts.ids, self.now_ms(), entry).await?;
            }
        }
        Ok(())
    }
}
