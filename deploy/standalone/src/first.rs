//! The first start: somebody to serve.

use clock::{Clock, Ids};
use entity::organisation;
use plans::Plan;
use sea_orm::{DatabaseConnection, EntityTrait as _};
use tenancy::organisation::{Created, NewOrganisation};

/// Makes the first organisation, when there is none.
pub(crate) async fn organisation(
    db: &DatabaseConnection,
    ids: &Ids,
    clock: &Clock,
) -> anyhow::Result<Option<Created>> {
    if organisation::Entity::find().one(db).await?.is_some() {
        return Ok(None);
    }
    let new = NewOrganisation {
        name: "My organisation".to_owned(),
        plan: Plan::Developer,
        owner_email: "owner@localhost".to_owned(),
    };
    Ok(Some(tenancy::organisation::create(db, ids, clock, new).await?))
}
