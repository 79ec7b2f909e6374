use std::collections::{BTreeSet, HashMap};

use entity::api_key::{ActiveModel, Column, Entity, Model};
use sea_orm::prelude::*;
use sea_orm::{Condition, IntoActiveModel, QueryOrder, QuerySelect, QueryTrait, Select, UpdateMany};
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

/// Changes what `change` sets; the row as it is now. None when the key is not within `scope` any more.
pub(crate) async fn update(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    id: Uuid,
    change: ActiveModel,
) -> Result<Option<Model>, DbErr> {
    Ok(active(scope, id).set(change).exec_with_returning(db).await?.pop())
}

/// Changes what `change` sets, and makes the secret that it replaces the former one; the row as it is now. None when there is a
/// former one already that works, or the key is not within `scope` any more.
pub(crate) async fn rotate(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    id: Uuid,
    change: ActiveModel,
    now_ms: i64,
) -> Result<Option<Model>, DbErr> {
    let free = Condition::any().add(Column::FormerUntil.is_null()).add(Column::FormerUntil.lte(now_ms));
    // What is on the right of an assignment is as it was before the statement.
    let rotated =
        active(scope, id).set(change).col_expr(Column::FormerHash, Expr::col(Column::Hash)).filter(free);
    Ok(rotated.exec_with_returning(db).await?.pop())
}

/// Takes the former secret away that `row` has. False when it has another one by now, or none.
pub(crate) async fn end_former(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    row: &Model,
    change: ActiveModel,
) -> Result<bool, DbErr> {
    let ended = active(scope, row.id).set(change).filter(Column::FormerHash.eq(row.former_hash.clone()));
    Ok(ended.exec(db).await?.rows_affected == 1)
}

fn active(scope: &TenantScope, id: Uuid) -> UpdateMany<Entity> {
    Entity::update_many()
        .filter(Column::Id.eq(id))
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .filter(Column::Status.eq("active"))
}

fn within(scope: &TenantScope) -> Select<Entity> {
    Entity::find()
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .filter(Column::Status.eq("active"))
        .apply_if(scope.only(Column::WorkspaceId), QueryFilter::filter)
}
