use std::collections::HashMap;

use entity::user::{Column, Entity, Model};
use sea_orm::prelude::*;
use sea_orm::sea_query::{Query, SelectStatement};

/// The accounts of people who are known by their membership.
pub(crate) async fn of(
    db: &impl ConnectionTrait,
    ids: impl Iterator<Item = Uuid>,
) -> Result<HashMap<Uuid, Model>, DbErr> {
    let rows = Entity::find().filter(Column::Id.is_in(ids)).all(db).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// The id of who has this address.
pub(crate) fn known_by(email: &str) -> SelectStatement {
    Query::select().column(Column::Id).from(Entity).and_where(Column::Email.eq(email)).to_owned()
}
