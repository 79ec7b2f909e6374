//! Sets of filters that an organisation keeps by name: whoever may list logs sees, changes and deletes them (2.8).

mod create;
mod delete;
mod get;
mod list;
mod shape;
mod update;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use get::get;
pub(crate) use list::list;
pub(crate) use update::update;

use entity::saved_filter::Model;
use sea_orm::ConnectionTrait;
use sea_orm::prelude::{Json, Uuid};
use serde_json::{Value, json};
use utoipa::OpenApi;

use crate::access::Caller;
use crate::fields::Fields;
use crate::logs::{filter_set, filters};
use crate::{Error, db, path};

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(create::create, delete::delete, get::get, list::list, update::update))]
pub(crate) struct Doc;

/// Of an organisation.
const MAX_SAVED: u64 = 200;

/// Characters of a name.
const MAX_NAME: usize = 100;

/// The set in `filters`, as a query has it. What a list would refuse is refused.
fn take(fields: &mut Fields) -> Result<Option<Value>, Error> {
    let Some(named) = filter_set::take(fields)? else { return Ok(None) };
    let set = filter_set::texts(&named)?;
    if set.is_empty() {
        return Err(Error::invalid("filters", "there is none", "one or more"));
    }
    let shown = json!(set);
    filter_set::read(set, filters::take)?;
    Ok(Some(shown))
}

async fn find(db: &impl ConnectionTrait, caller: &Caller, id: &str) -> Result<Model, Error> {
    let row = db::saved_filter::find(db, &caller.scope, path::id(id)?).await?;
    row.ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> Error {
    Error::not_found("saved filter", id)
}

/// As the audit log names one.
fn subject(id: Uuid) -> String {
    format!("saved_filter:{id}")
}

fn noted(row: &Model) -> Json {
    json!({"name": row.name, "filters": row.filters})
}
