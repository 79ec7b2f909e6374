use std::collections::BTreeSet;

use entity::invoice::{Column, Entity, Model};
use plans::Month;
use sea_orm::prelude::*;
use sea_orm::{QueryOrder, QuerySelect};
use tenancy::TenantScope;

/// Some of the organisation's invoices, newest first, and how many there are.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    offset: u64,
    limit: u64,
) -> Result<(u64, Vec<Model>), DbErr> {
    let rows = Entity::find().filter(Column::OrganisationId.eq(scope.organisation()));
    let total = rows.clone().count(db).await?;
    if limit == 0 {
        return Ok((total, Vec::new()));
    }
    let page = rows.order_by_desc(Column::Month).offset(offset).limit(limit);
    Ok((total, page.all(db).await?))
}

pub(crate) async fn find(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    id: Uuid,
) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).filter(Column::OrganisationId.eq(scope.organisation())).one(db).await
}

pub(crate) async fn of_month(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    month: Month,
) -> Result<Option<Model>, DbErr> {
    let rows = Entity::find().filter(Column::OrganisationId.eq(scope.organisation()));
    rows.filter(Column::Month.eq(month.as_i32())).one(db).await
}

/// The months whose invoices are drafts.
pub(crate) async fn drafts(db: &impl ConnectionTrait, scope: &TenantScope) -> Result<BTreeSet<i32>, DbErr> {
    let months = Entity::find()
        .select_only()
        .column(Column::Month)
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .filter(Column::FinalisedAt.is_null());
    Ok(months.into_tuple().all(db).await?.into_iter().collect())
}
