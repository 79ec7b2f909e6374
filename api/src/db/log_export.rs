//! Exports of logs and what is never in one.

use entity::log_export::{ActiveModel, Column, Entity, Model};
use entity::{log_export_part, log_export_restriction};
use sea_orm::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{Condition, ExprTrait as _, IntoActiveModel, QueryOrder, Set};
use tenancy::TenantScope;

use crate::paging::Paging;

/// Whose exports.
pub(crate) struct Reach<'a> {
    pub scope: &'a TenantScope,
    /// Of a person's own key: that person's alone.
    pub user_id: Option<Uuid>,
}

pub(crate) async fn insert(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    Entity::insert(row.into_active_model()).exec_without_returning(db).await.map(|_| ())
}

/// How many a workspace has that is reached.
pub(crate) async fn count(db: &impl ConnectionTrait, scope: &TenantScope) -> Result<u64, DbErr> {
    Entity::find().filter(within(&Reach { scope, user_id: None })).count(db).await
}

/// The newest first, and how many there are in all.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    reach: &Reach<'_>,
    paging: Paging,
) -> Result<(u64, Vec<Model>), DbErr> {
    let rows = Entity::find().filter(within(reach));
    paging.read(db, rows.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id)).await
}

pub(crate) async fn find(
    db: &impl ConnectionTrait,
    reach: &Reach<'_>,
    id: Uuid,
) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).filter(within(reach)).one(db).await
}

/// Changes one that is in one of these states. False when it is not.
pub(crate) async fn change(
    db: &impl ConnectionTrait,
    reach: &Reach<'_>,
    id: Uuid,
    states: &[&str],
    change: ActiveModel,
) -> Result<bool, DbErr> {
    let changed = Entity::update_many().set(change).filter(one_of(reach, id, states)).exec(db).await?;
    Ok(changed.rows_affected == 1)
}

/// Has the logs of one chosen, from the first on, that is in one of these states. False when it is not.
pub(crate) async fn start(
    db: &impl ConnectionTrait,
    reach: &Reach<'_>,
    id: Uuid,
    states: &[&str],
    now_ms: i64,
) -> Result<bool, DbErr> {
    let started = ActiveModel {
        status: Set("in_progress".to_owned()),
        total_records: Set(0),
        last_updated_at: Set(now_ms),
        ..Default::default()
    };
    let started = Entity::update_many()
        .set(started)
        .col_expr(Column::Starts, Expr::col(Column::Starts).add(1))
        .filter(one_of(reach, id, states))
        .exec(db)
        .await?;
    if started.rows_affected == 0 {
        return Ok(false);
    }
    let before = log_export_part::Column::ExportId.eq(id);
    log_export_part::Entity::delete_many().filter(before).exec(db).await?;
    Ok(true)
}

/// The logs that an export has chosen, those of one part; none: there are no more.
pub(crate) async fn part(
    db: &impl ConnectionTrait,
    id: Uuid,
    position: i32,
) -> Result<Option<Vec<Uuid>>, DbErr> {
    let part = log_export_part::Entity::find_by_id((id, position)).one(db).await?;
    Ok(part.map(|part| clock::unpack(&part.log_ids).collect()))
}

/// What is never in an export of the organisation, and with a workspace, of that.
pub(crate) async fn denied(
    db: &impl ConnectionTrait,
    organisation: Uuid,
    workspace: Option<Uuid>,
) -> Result<Vec<Json>, DbErr> {
    use log_export_restriction::Column::{OrganisationId, SubjectId};
    let rows = log_export_restriction::Entity::find()
        .filter(OrganisationId.eq(organisation))
        .filter(SubjectId.is_in(std::iter::once(organisation).chain(workspace)));
    Ok(rows.all(db).await?.into_iter().map(|row| row.denied_fields).collect())
}

/// Says what is never in an export of the subject: an organisation or one of its workspaces.
pub(crate) async fn deny(db: &impl ConnectionTrait, row: log_export_restriction::Model) -> Result<(), DbErr> {
    use log_export_restriction::Column::{DeniedFields, SubjectId};
    let there = OnConflict::column(SubjectId).update_column(DeniedFields).to_owned();
    let insert = log_export_restriction::Entity::insert(row.into_active_model()).on_conflict(there);
    insert.exec_without_returning(db).await.map(|_| ())
}

/// That it is in one of these states.
fn one_of(reach: &Reach<'_>, id: Uuid, states: &[&str]) -> Condition {
    within(reach).add(Column::Id.eq(id)).add(Column::Status.is_in(states.iter().copied()))
}

fn within(reach: &Reach<'_>) -> Condition {
    Condition::all()
        .add(Column::OrganisationId.eq(reach.scope.organisation()))
        .add_option(reach.scope.only(Column::WorkspaceId))
        .add_option(reach.user_id.map(|id| Column::UserId.eq(id)))
}
