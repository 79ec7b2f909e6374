use std::collections::{BTreeSet, HashMap};

use entity::workspace::{Column, Entity, Model};
use sea_orm::QueryTrait;
use sea_orm::prelude::*;
use tenancy::TenantScope;

/// The workspace with this slug or id within `scope`.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    named: &str,
) -> Result<Option<Model>, DbErr> {
    let rows = Entity::find()
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .apply_if(scope.only(Column::Id), QueryFilter::filter);
    let rows = match named.parse::<Uuid>() {
        Ok(id) => rows.filter(Column::Id.eq(id)),
        Err(_) => rows.filter(Column::Slug.eq(named)),
    };
    rows.one(db).await
}

/// The slugs of these workspaces of the scope's organisation.
pub(crate) async fn slugs(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    ids: impl Iterator<Item = Uuid>,
) -> Result<HashMap<Uuid, String>, DbErr> {
    let ids: BTreeSet<Uuid> = ids.collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = Entity::find()
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .filter(Column::Id.is_in(ids))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.slug)).collect())
}
