use actix_web::web;
use entity::api_key::ActiveModel;
use sea_orm::Set;

use super::update::Done;
use super::{Verb, find};
use crate::access::{Caller, InWorkspace};
use crate::query::Query;
use crate::{Api, Error, db};

/// Archives a key, which ends at once.
#[utoipa::path(delete, path = "/v1/api-keys/{id}", params(("id" = Uuid, Path), InWorkspace), responses((status = 200, body = Done)))]
pub(crate) async fn delete(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<Done>, Error> {
    let mut query = query.parameters()?;
    let workspace = query.take("workspace_id");
    query.finish()?;
    let scope = caller.reach(&api, workspace.as_deref()).await?;
    let (row, _) = find(&api, &caller, &scope, &id, Verb::Delete).await?;
    let archived = ActiveModel {
        status: Set("archived".to_owned()),
        last_updated_at: Set(api.clock.now_ms()),
        ..Default::default()
    };
    if !db::api_key::update(&api.db, &scope, row.id, archived).await? {
        return Err(Error::not_found("API key", id.as_str()));
    }
    super::forget(&api, &row);
    Ok(web::Json(Done {}))
}
