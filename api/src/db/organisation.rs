use entity::organisation::{Entity, Model};
use sea_orm::prelude::*;
use tenancy::TenantScope;

/// The organisation of `scope`.
pub(crate) async fn get(db: &impl ConnectionTrait, scope: &TenantScope) -> Result<Model, DbErr> {
    let id = scope.organisation();
    let row = Entity::find_by_id(id).one(db).await?;
    row.ok_or_else(|| DbErr::RecordNotFound(format!("organisation {id}")))
}
