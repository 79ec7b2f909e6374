use std::collections::{BTreeSet, HashMap};

use entity::api_key::{ActiveModel, Column, Entity, Model};
use sea_orm::prelude::*;
use sea_orm::{IntoActiveModel, QueryOrder, QuerySelect, QueryTrait, Select};
use tenancy::{KeyKind, TenantScope};

use crate::paging::Paging;

pub(crate) async fn insert(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    Entity::insert(row.into_active_model()).exec_without_returning(db).await.map(|_| ())
}

pub(crate) async fn find(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    id: Uuid,
) -> Result<Option<Model>, DbErr> {
    within(scope).filter(Column::Id.eq(id)).one(db).await
}

/// A page of the keys of these kinds, newest first, and how many there are in all.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    kinds: &[KeyKind],
    paging: Paging,
) -> Result<(u64, Vec<Model>), DbErr> {
    let rows = within(scope).filter(Column::Kind.is_in(kinds.iter().map(|kind| kind.as_str())));
    let rows = rows.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id);
    paging.read(db, rows).await
}

/// The names of these keys of the scope's organisation, archived ones too.
pub(crate) async fn names(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    ids: impl Iterator<Item = Uuid>,
) -> Result<HashMap<Uuid, String>, DbErr> {
    let ids: BTreeSet<Uuid> = ids.collect();
    let named: Vec<(Uuid, String)> = Entity::find()
        .select_only()
        .column(Column::Id)
        .column(Column::Name)
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .filter(Column::Id.is_in(ids))
        .into_tuple()
        .all(db)
        .await?;
    Ok(named.into_iter().collect())
}

/// Changes what `change` sets. False when the key is not within `scope` any more.
pub(crate) async fn update(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    id: Uuid,
    change: ActiveModel,
) -> Result<bool, DbErr> {
    let updated = Entity::update_many()
        .set(change)
        .filter(Column::Id.eq(id))
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .filter(Column::Status.eq("active"))
        .exec(db)
        .await?;
    Ok(updated.rows_affected == 1)
}

fn within(scope: &TenantScope) -> Select<Entity> {
    Entity::find()
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .filter(Column::Status.eq("active"))
        .apply_if(scope.only(Column::WorkspaceId), QueryFilter::filter)
}
