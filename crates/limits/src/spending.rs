//! What was spent, as rows have it. They are written with the logs.

use entity::spending::{Column, Entity};
use sea_orm::prelude::*;
use sea_orm::{ConnectionTrait, ExprTrait as _};

use crate::Spent;

/// What a subject has spent in a period: nothing where there is no row.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn read(db: &impl ConnectionTrait, subject: Uuid, period: &str) -> Result<Spent, DbErr> {
    let row = Entity::find_by_id((subject, period.to_owned())).one(db).await?;
    Ok(row.map_or_else(Spent::default, |row| Spent { tokens: row.tokens, cost_pusd: row.cost_pusd }))
}

/// What these subjects have spent in the periods that are not over, by subject and period.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn of_now(
    db: &impl ConnectionTrait,
    subjects: impl IntoIterator<Item = Uuid>,
    now_ms: i64,
) -> Result<Vec<(Uuid, String, Spent)>, DbErr> {
    let rows = Entity::find()
        .filter(Column::SubjectId.is_in(subjects))
        .filter(Column::EndsAt.is_null().or(Column::EndsAt.gt(now_ms)))
        .all(db)
        .await?;
    let spent = |row: entity::spending::Model| {
        (row.subject_id, row.period, Spent { tokens: row.tokens, cost_pusd: row.cost_pusd })
    };
    Ok(rows.into_iter().map(spent).collect())
}
