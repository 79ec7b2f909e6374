use actix_web::web;
use entity::api_key::ActiveModel;
use sea_orm::Set;
use serde::Serialize;
use tenancy::KeyKind;

use super::{MAX_DESCRIPTION, MAX_NAME, NOT_YET, Verb, find, take_expiry, take_scopes};
use crate::access::Caller;
use crate::fields::Fields;
use crate::query::Query;
use crate::{Api, Error, body, db};

/// Says that it is done, and nothing more.
#[derive(Serialize)]
pub(crate) struct Done {}

/// `PUT /v1/api-keys/{id}`: changes what is sent. Whose key it is and of what kind cannot be changed.
pub(crate) async fn update(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Done>, Error> {
    query.none()?;
    let mut fields = body::object(payload).await?;
    let organisation = fields.line("organisation_id", 100)?;
    caller.check_organisation(organisation.as_deref())?;
    let workspace = fields.line("workspace_id", 100)?;
    let scope = caller.reach(&api, workspace.as_deref()).await?;
    let (row, kind) = find(&api, &caller, &scope, &id, Verb::Update).await?;
    let change = read(fields, kind, &caller, api.clock.now_ms())?;
    if !db::api_key::update(&api.db, &scope, row.id, change).await? {
        return Err(Error::not_found("API key", id.as_str()));
    }
    super::forget(&api, &row);
    Ok(web::Json(Done {}))
}

fn read(mut fields: Fields, kind: KeyKind, caller: &Caller, now_ms: i64) -> Result<ActiveModel, Error> {
    let mut change = ActiveModel { last_updated_at: Set(now_ms), ..Default::default() };
    if let Some(name) = fields.line("name", MAX_NAME)? {
        change.name = Set(name);
    }
    change.description = fields.sent_line("description", MAX_DESCRIPTION)?.change();
    if let Some(scopes) = take_scopes(&mut fields, kind, caller)? {
        change.scopes = Set(scopes.to_json());
    }
    change.expires_at = take_expiry(&mut fields, now_ms)?.change();
    for name in ["type", "user_id"] {
        if fields.take(name).is_some() {
            return Err(Error::invalid(name, "cannot be changed", "the field to be left out"));
        }
    }
    fields.not_yet(&NOT_YET)?;
    fields.not_yet(&["reset_usage"])?;
    fields.finish()?;
    Ok(change)
}
