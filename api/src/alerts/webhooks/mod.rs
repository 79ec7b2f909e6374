//! Webhooks: where an organisation wants its alerts to be sent. They are signed as Standard Webhooks has it
//! (<https://www.standardwebhooks.com>).

pub(super) mod create;
pub(super) mod delete;
pub(super) mod deliveries;
pub(super) mod get;
pub(super) mod list;
pub(super) mod rotate;
pub(super) mod test;
pub(super) mod update;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use deliveries::deliveries;
pub(crate) use get::get;
pub(crate) use list::list;
pub(crate) use rotate::rotate;
pub(crate) use test::test;
pub(crate) use update::update;

use ::alerts::Kind;
use egress::Reach;
use entity::webhook_endpoint::Model;
use sea_orm::prelude::{Json, Uuid};
use serde_json::Value;
use utoipa::openapi::schema::{Array, ArrayBuilder, ObjectBuilder, Type};

use crate::access::Caller;
use crate::fields::{Fields, Sent, kind};
use crate::{Api, Error, db, path};

/// Of an organisation.
const MAX_WEBHOOKS: u64 = 10;

/// An endpoint within the caller's reach.
async fn find(api: &Api, caller: &Caller, id: &str) -> Result<Model, Error> {
    let row = db::webhook_endpoint::find(&api.db, &caller.scope, path::id(id)?).await?;
    row.ok_or_else(|| Error::not_found("webhook", id))
}

/// As the audit log names a webhook.
fn subject(id: Uuid) -> String {
    format!("webhook:{id}")
}

/// Where to: a URL that this server may connect to.
fn take_url(fields: &mut Fields, reach: Reach) -> Result<Option<String>, Error> {
    fields.private_url("url", reach, "a URL such as https://hooks.example.com/turnpike")
}

/// Of which events: the names, as they are stored; null is for all of them.
fn take_events(fields: &mut Fields) -> Result<Sent<Json>, Error> {
    let at = fields.path("events");
    let expected = || {
        let names: Vec<&str> = Kind::ALL.into_iter().map(Kind::event).collect();
        format!("an array of {}, or null for all of them", names.join(", "))
    };
    let sent = fields.sent("events").read(|value| {
        let named = match &value {
            Value::Array(named) if named.is_empty() => Err("found an empty array".to_owned()),
            Value::Array(named) => named.iter().map(|name| event(name)).collect::<Result<Vec<_>, _>>(),
            other => Err(format!("found {}", kind(other))),
        };
        let mut named = named.map_err(|problem| Error::invalid(at, problem, expected()))?;
        named.sort_unstable();
        named.dedup();
        Ok(Json::from(named))
    })?;
    Ok(match sent {
        Sent::Null => Sent::As(Json::Array(Vec::new())),
        sent => sent,
    })
}

fn event(name: &Value) -> Result<&'static str, String> {
    match name.as_str() {
        None => Err(format!("found {} in it", kind(name))),
        Some(text) => Kind::of_event(text).map(Kind::event).ok_or_else(|| format!("found `{text}`")),
    }
}

/// The names of the events that there are.
fn events() -> Array {
    let names = Kind::ALL.into_iter().map(Kind::event);
    let name = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
    let of = "Which events are sent; null: all of them.";
    ArrayBuilder::new().items(name).min_items(Some(1)).description(Some(of)).build()
}
