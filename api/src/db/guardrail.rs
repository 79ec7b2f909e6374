use std::collections::HashMap;

use entity::guardrail::{ActiveModel, Column, Entity, Model};
use entity::guardrail_version::{self, Model as Version};
use sea_orm::prelude::*;
use sea_orm::{Condition, IntoActiveModel, QueryOrder, QueryTrait, Select};
use tenancy::TenantScope;

use crate::paging::Paging;

pub(crate) async fn insert(txn: &impl ConnectionTrait, row: Model, version: Version) -> Result<(), DbErr> {
    insert_version(txn, version).await?;
    Entity::insert(row.into_active_model()).exec_without_returning(txn).await.map(|_| ())
}

pub(crate) async fn insert_version(txn: &impl ConnectionTrait, version: Version) -> Result<(), DbErr> {
    let version = guardrail_version::Entity::insert(version.into_active_model());
    version.exec_without_returning(txn).await.map(|_| ())
}

/// By slug or id.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    named: &str,
) -> Result<Option<Model>, DbErr> {
    if named.contains('\0') {
        return Ok(None); // PostgreSQL refuses even to look for one.
    }
    let rows = within(scope);
    let rows = match named.parse::<Uuid>() {
        Ok(id) => rows.filter(Column::Id.eq(id)),
        Err(_) => rows.filter(Column::Slug.eq(named)),
    };
    rows.one(db).await
}

/// The statuses of those that there are of these, by what they were named by: slug or id. Of the whole organisation's too.
pub(crate) async fn statuses(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    named: impl Iterator<Item = &str>,
) -> Result<HashMap<String, String>, DbErr> {
    // PostgreSQL refuses even to look for one with a NUL.
    let named: Vec<&str> = named.filter(|name| !name.contains('\0')).collect();
    let id_of = |name: &str| name.parse::<Uuid>().ok();
    let any = Condition::any()
        .add(Column::Id.is_in(named.iter().filter_map(|name| id_of(name))))
        .add(Column::Slug.is_in(named.iter().copied()));
    let rows: Vec<Model> = Entity::find()
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .apply_if(scope.only(Column::WorkspaceId), |rows, reached| {
            rows.filter(Condition::any().add(reached).add(Column::WorkspaceId.is_null()))
        })
        .filter(any)
        .all(db)
        .await?;
    let found = |name: &str| match id_of(name) {
        Some(id) => rows.iter().find(|row| row.id == id),
        None => rows.iter().find(|row| row.slug == name),
    };
    Ok(named.iter().filter_map(|name| Some(((*name).to_owned(), found(name)?.status.clone()))).collect())
}

/// Of the whole organisation.
pub(crate) async fn count(db: &impl ConnectionTrait, organisation: Uuid) -> Result<u64, DbErr> {
    at_work(organisation).count(db).await
}

/// A page, newest first, and how many there are in all.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    paging: Paging,
) -> Result<(u64, Vec<Model>), DbErr> {
    let rows = within(scope).order_by_desc(Column::CreatedAt).order_by_desc(Column::Id);
    paging.read(db, rows).await
}

/// Changes what `change` sets of a guardrail that was found within the scope.
pub(crate) async fn update(db: &impl ConnectionTrait, of: &Model, change: ActiveModel) -> Result<(), DbErr> {
    Entity::update_many()
        .set(change)
        .filter(Column::Id.eq(of.id))
        .filter(Column::OrganisationId.eq(of.organisation_id))
        .exec(db)
        .await
        .map(|_| ())
}

/// A version of a guardrail that was found within the scope.
pub(crate) async fn version(
    db: &impl ConnectionTrait,
    of: &Model,
    id: Uuid,
) -> Result<Option<Version>, DbErr> {
    guardrail_version::Entity::find_by_id(id)
        .filter(guardrail_version::Column::GuardrailId.eq(of.id))
        .filter(guardrail_version::Column::OrganisationId.eq(of.organisation_id))
        .one(db)
        .await
}

/// A workspace's key reaches its workspace's alone.
fn within(scope: &TenantScope) -> Select<Entity> {
    at_work(scope.organisation()).apply_if(scope.only(Column::WorkspaceId), QueryFilter::filter)
}

fn at_work(organisation: Uuid) -> Select<Entity> {
    Entity::find().filter(Column::OrganisationId.eq(organisation)).filter(Column::Status.eq("active"))
}
