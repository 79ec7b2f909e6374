use entity::subject_limits::{Column, Entity, Model};
use limits::Limits;
use sea_orm::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{DatabaseTransaction, IntoActiveModel, QuerySelect};
use tenancy::TenantScope;

/// The limits of a subject of the scope's organisation, nobody else's to change until the transaction ends; `none` where there are
/// none.
pub(crate) async fn lock(
    txn: &DatabaseTransaction,
    scope: &TenantScope,
    none: &Limits,
    now_ms: i64,
) -> Result<Limits, DbErr> {
    // Written first: SQLite lets nobody write who has read what another has written since.
    Entity::insert(row(none, now_ms)?.into_active_model())
        .on_conflict(OnConflict::column(Column::SubjectId).do_nothing().to_owned())
        .exec_without_returning(txn)
        .await?;
    let found = Entity::find_by_id(none.subject.id)
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .lock_exclusive()
        .one(txn)
        .await?;
    found.map_or_else(|| Err(DbErr::RecordNotFound("limits".to_owned())), Limits::of)
}

/// Puts these in place of the subject's.
pub(crate) async fn save(txn: &DatabaseTransaction, limits: &Limits, now_ms: i64) -> Result<(), DbErr> {
    row(limits, now_ms)?.into_active_model().reset_all().update(txn).await?;
    Ok(())
}

fn row(limits: &Limits, now_ms: i64) -> Result<Model, DbErr> {
    let json = |error: serde_json::Error| DbErr::Custom(error.to_string());
    Ok(Model {
        subject_id: limits.subject.id,
        subject_kind: limits.subject.kind.as_str().to_owned(),
        organisation_id: limits.organisation_id,
        name: limits.name.clone(),
        rate_limits: serde_json::to_value(&limits.rates).map_err(json)?,
        usage_limits: serde_json::to_value(&limits.budgets).map_err(json)?,
        counted_from: limits.counted_from_ms,
        updated_at: now_ms,
    })
}
