//! Another owner: by the operator, as no role may give away more than its own.

use clock::{Clock, Ids};
use entity::{membership, user};
use sea_orm::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{DatabaseConnection, IntoActiveModel, TransactionTrait};
use secrecy::SecretString;

use super::{Error, lock, valid_email};
use crate::audit::{self, Actor, Entry};
use crate::{Role, password};

/// Somebody who is an owner now.
#[derive(Debug)]
pub struct NewOwner {
    pub user_id: Uuid,
    pub email: String,
    /// The secret is here and nowhere else; none when they could sign in before already.
    pub password: Option<SecretString>,
}

/// Makes who has this address an owner of the organisation, beside those that it has, with an account if they have none.
///
/// Caches are not told: tell them of [`crate::notices::Change::Person`].
///
/// # Errors
/// [`Error::NotFound`] when there is no such organisation; [`Error::Invalid`] names the field.
pub async fn add_owner(
    db: &DatabaseConnection,
    ids: &Ids,
    clock: &Clock,
    organisation_id: Uuid,
    email: &str,
) -> Result<NewOwner, Error> {
    let email = valid_email(email)?;
    let password = password::one_time()?;
    let now_ms = clock.now_ms();
    let account = user::Model {
        id: ids.fresh(),
        email: email.clone(),
        first_name: email.clone(),
        last_name: String::new(),
        password_hash: password::hash(password.clone()).await?,
        created_at: now_ms,
    };
    let txn = db.begin().await?;
    lock(&txn, organisation_id).await?;
    let made = user::Entity::insert(account.into_active_model())
        .on_conflict(OnConflict::column(user::Column::Email).do_nothing().to_owned())
        .exec_without_returning(&txn)
        .await?;
    let found = user::Entity::find().filter(user::Column::Email.eq(&email)).one(&txn).await?;
    let user_id = found.ok_or_else(|| DbErr::RecordNotFound("the owner".to_owned()))?.id;
    let was = membership::Entity::find_by_id((organisation_id, user_id)).one(&txn).await?;
    let row = membership::Model {
        organisation_id,
        user_id,
        role: Role::Owner.as_str().to_owned(),
        created_at: now_ms,
        last_updated_at: now_ms,
    };
    let same = [membership::Column::OrganisationId, membership::Column::UserId];
    let changed = [membership::Column::Role, membership::Column::LastUpdatedAt];
    membership::Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::columns(same).update_columns(changed).to_owned())
        .exec_without_returning(&txn)
        .await?;
    let entry = Entry {
        organisation_id,
        workspace_id: None,
        author: Actor::Operator.into(),
        action: if was.is_some() { "user.update" } else { "user.create" },
        subject: Some(format!("user:{user_id}")),
        change: serde_json::json!({"was": was.map(|row| row.role), "now": Role::Owner.as_str()}),
    };
    audit::write(&txn, ids, now_ms, entry).await?;
    txn.commit().await?;
    Ok(NewOwner { user_id, email, password: (made == 1).then_some(password) })
}
