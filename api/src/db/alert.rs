//! Alerts and their deliveries.

use std::collections::HashMap;

use entity::alert_delivery::{ActiveModel, Column, Entity, Model};
use entity::{alert, webhook_endpoint};
use sea_orm::prelude::*;
use sea_orm::{IntoActiveModel, QueryOrder, Select};
use tenancy::TenantScope;

use crate::paging::Paging;

/// A page of the alerts, newest first, and how many there are in all.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    paging: Paging,
) -> Result<(u64, Vec<alert::Model>), DbErr> {
    let rows = alert::Entity::find().filter(alert::Column::OrganisationId.eq(scope.organisation()));
    let rows = rows.order_by_desc(alert::Column::CreatedAt).order_by_desc(alert::Column::Id);
    paging.read(db, rows).await
}

/// The deliveries of these alerts, by alert.
pub(crate) async fn deliveries_of(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    alerts: &[alert::Model],
) -> Result<HashMap<Uuid, Vec<Model>>, DbErr> {
    let mut of: HashMap<Uuid, Vec<Model>> = HashMap::new();
    let ids = alerts.iter().map(|alert| alert.id);
    let rows = within(scope).filter(Column::AlertId.is_in(ids)).order_by_asc(Column::Destination);
    for row in rows.all(db).await? {
        if let Some(alert) = row.alert_id {
            of.entry(alert).or_default().push(row);
        }
    }
    Ok(of)
}

/// A page of an endpoint's deliveries, newest first, each with its alert, and how many there are in all.
pub(crate) async fn deliveries_to(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    endpoint: &webhook_endpoint::Model,
    paging: Paging,
) -> Result<(u64, Vec<(Model, Option<alert::Model>)>), DbErr> {
    let rows = within(scope).filter(Column::EndpointId.eq(endpoint.id));
    let rows = rows.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id);
    let (total, page) = paging.read(db, rows).await?;
    let ids = page.iter().filter_map(|row| row.alert_id);
    let alerts = alert::Entity::find()
        .filter(alert::Column::OrganisationId.eq(scope.organisation()))
        .filter(alert::Column::Id.is_in(ids))
        .all(db)
        .await?;
    let alerts: HashMap<Uuid, alert::Model> = alerts.into_iter().map(|row| (row.id, row)).collect();
    let with_alert = |row: Model| {
        let alert = row.alert_id.and_then(|id| alerts.get(&id).cloned());
        (row, alert)
    };
    Ok((total, page.into_iter().map(with_alert).collect()))
}

/// A delivery and its alert; without one it is a test.
pub(crate) async fn find_delivery(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    id: Uuid,
) -> Result<Option<(Model, Option<alert::Model>)>, DbErr> {
    let Some(row) = within(scope).filter(Column::Id.eq(id)).one(db).await? else { return Ok(None) };
    let alert = match row.alert_id {
        Some(id) => alert::Entity::find_by_id(id).one(db).await?,
        None => None,
    };
    Ok(Some((row, alert)))
}

/// The test of an endpoint that is on its way.
pub(crate) async fn pending_test(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    endpoint: Uuid,
) -> Result<Option<Model>, DbErr> {
    let tests = within(scope).filter(Column::EndpointId.eq(endpoint)).filter(Column::AlertId.is_null());
    tests.filter(Column::State.eq("pending")).one(db).await
}

pub(crate) async fn insert_delivery(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    Entity::insert(row.into_active_model()).exec_without_returning(db).await.map(|_| ())
}

/// Changes what `change` sets. False when the delivery is not within `scope` any more.
pub(crate) async fn update_delivery(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    id: Uuid,
    change: ActiveModel,
) -> Result<bool, DbErr> {
    let updated = Entity::update_many()
        .set(change)
        .filter(Column::Id.eq(id))
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .exec(db)
        .await?;
    Ok(updated.rows_affected == 1)
}

fn within(scope: &TenantScope) -> Select<Entity> {
    Entity::find().filter(Column::OrganisationId.eq(scope.organisation()))
}
