use entity::api_key::{ActiveModel, Column, Entity, Model};
use sea_orm::Set;
use sea_orm::prelude::*;

/// Archives the keys of a person in an organisation; the hashes that they were known by, for [`super::Keys::invalidate`] once
/// the transaction is done.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn archive_of_user(
    txn: &impl ConnectionTrait,
    organisation_id: Uuid,
    user_id: Uuid,
    now_ms: i64,
) -> Result<Vec<[u8; 32]>, DbErr> {
    let archived = ActiveModel {
        status: Set("archived".to_owned()),
        last_updated_at: Set(now_ms),
        ..Default::default()
    };
    let rows = Entity::update_many()
        .set(archived)
        .filter(Column::OrganisationId.eq(organisation_id))
        .filter(Column::UserId.eq(user_id))
        .filter(Column::Status.eq("active"))
        .exec_with_returning(txn)
        .await?;
    Ok(rows.iter().flat_map(key_hashes).collect())
}

/// What a key is known by: its secret's hash, and that of the one before it, if there is one.
#[must_use]
pub fn key_hashes(row: &Model) -> Vec<[u8; 32]> {
    let all = [Some(&row.hash), row.former_hash.as_ref()].into_iter().flatten();
    all.filter_map(|hash| hash.as_slice().try_into().ok()).collect()
}
