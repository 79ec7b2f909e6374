use entity::session::{Column, Entity, Model};
use sea_orm::QueryOrder;
use sea_orm::prelude::*;

use crate::paging::Paging;

/// A page of a person's own sessions that go on, the one that was used last first, and how many there are in all.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    now_ms: i64,
    paging: Paging,
) -> Result<(u64, Vec<Model>), DbErr> {
    let rows = Entity::find()
        .filter(Column::UserId.eq(user_id))
        .filter(Column::RevokedAt.is_null())
        .filter(Column::ExpiresAt.gt(now_ms))
        .order_by_desc(Column::LastUsedAt)
        .order_by_desc(Column::Id);
    paging.read(db, rows).await
}
