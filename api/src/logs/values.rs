//! What there is to choose from where logs are filtered.

use std::collections::HashMap;

use actix_web::web;
use logstore::Range;
use logstore::values::{self, Field, Found, LOOKED_AT, Of};
use sea_orm::prelude::{DbErr, Uuid};
use serde::Serialize;
use tenancy::TenantScope;
use utoipa::{IntoParams, ToSchema};

use super::filters::Times;
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, db};

/// Values when the caller does not say, and at most.
const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 1_000;

const FIELDS: &str = "provider, model, virtual_key, config, api_key, status_code, workspace, user, metadata_key or metadata_value";

/// Values of what, and which of them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it says what is read from the query")]
struct Asked {
    /// `provider`, `model`, `virtual_key`, `config`, `api_key`, `status_code`, `workspace`, `user`, `metadata_key`, or
    /// `metadata_value`.
    #[param(
        pattern = "^(provider|model|virtual_key|config|api_key|status_code|workspace|user|metadata_key|metadata_value)$",
        example = "model"
    )]
    field: String,
    /// Of which key of the metadata, where `field` is `metadata_value`.
    key: Option<String>,
    /// Only values that have this in them, or in their label, in whatever case.
    q: Option<String>,
    /// Values in the answer; 50 when left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// The slug or id of a workspace.
    workspace_slug: Option<String>,
    /// The same.
    workspace_id: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct LogValues {
    /// Always `list`.
    object: &'static str,
    /// How many of the newest logs were looked at, at most.
    newest: u64,
    data: Vec<LogValue>,
}

#[derive(Serialize, ToSchema)]
struct LogValue {
    /// As the filter of the list takes it.
    value: String,
    /// What an API key is named.
    label: Option<String>,
    /// How many of the logs looked at have it.
    logs: i64,
}

enum Wanted {
    Words(Field),
    Of(Of),
}

/// The values that logs have in a field, the most frequent first.
///
/// The newest 10,000 logs that were received in the time are looked at, not all of them.
#[utoipa::path(get, path = "/v1/logs/values", operation_id = "values", params(Asked, Times), responses((status = 200, body = LogValues)))]
pub(crate) async fn values(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<LogValues>, Error> {
    let mut query = query.parameters()?;
    let (field, key) = (query.take("field"), query.take("key"));
    let having = query.take("q").map(|text| text.to_lowercase()).unwrap_or_default();
    let expected = format!("a number from 1 to {MAX_LIMIT}");
    let limit = query.parsed("limit", |limit| (1..=MAX_LIMIT).contains(limit), &expected)?;
    let created_ms =
        Range { min: query.moment("time_of_generation_min")?, max: query.moment("time_of_generation_max")? };
    let workspace = query.workspace();
    query.finish()?;
    let wanted = wanted(field.as_deref(), key)?;

    let scope = caller.reach(&api, workspace.as_deref()).await?;
    let cutoff = caller.cutoff_ms(&api);
    let found = match wanted {
        Wanted::Words(field) => {
            let found = values::values(&api.db, &scope, &field, created_ms, cutoff).await?;
            found
                .into_iter()
                .map(|found| LogValue { value: found.value, label: None, logs: found.logs })
                .collect()
        }
        Wanted::Of(of) => {
            let found = values::ids(&api.db, &scope, of, created_ms, cutoff).await?;
            named(&api, &scope, of, found).await?
        }
    };
    let fits = |value: &LogValue| {
        let label = value.label.as_deref().unwrap_or_default();
        value.value.to_lowercase().contains(&having) || label.to_lowercase().contains(&having)
    };
    let data = found.into_iter().filter(fits).take(limit.unwrap_or(DEFAULT_LIMIT)).collect();
    Ok(web::Json(LogValues { object: "list", newest: LOOKED_AT, data }))
}

fn wanted(field: Option<&str>, key: Option<String>) -> Result<Wanted, Error> {
    if key.is_some() && field != Some("metadata_value") {
        return Err(Error::invalid("key", "it is for field=metadata_value", "the parameter to be left out"));
    }
    let needed = || Error::invalid("key", "missing", "a key of metadata");
    Ok(match field {
        Some("provider") => Wanted::Words(Field::Provider),
        Some("model") => Wanted::Words(Field::Model),
        Some("virtual_key") => Wanted::Words(Field::VirtualKey),
        Some("config") => Wanted::Words(Field::Config),
        Some("status_code") => Wanted::Words(Field::StatusCode),
        Some("user") => Wanted::Words(Field::Metadata("_user".to_owned())),
        Some("metadata_key") => Wanted::Words(Field::MetadataKey),
        Some("metadata_value") => Wanted::Words(Field::Metadata(key.ok_or_else(needed)?)),
        Some("api_key") => Wanted::Of(Of::ApiKey),
        Some("workspace") => Wanted::Of(Of::Workspace),
        None => return Err(Error::invalid("field", "missing", FIELDS)),
        Some(other) => return Err(Error::invalid("field", format!("found `{other}`"), FIELDS)),
    })
}

/// Keys by their ids, with their names; workspaces by their slugs.
async fn named(
    api: &Api,
    scope: &TenantScope,
    of: Of,
    found: Vec<Found<Uuid>>,
) -> Result<Vec<LogValue>, DbErr> {
    let ids = found.iter().map(|found| found.value);
    let names: HashMap<Uuid, String> = match of {
        Of::ApiKey => db::api_key::names(&api.db, scope, ids).await?,
        Of::Workspace => db::workspace::slugs(&api.db, scope, ids).await?,
    };
    let shown = |found: Found<Uuid>| {
        let (id, name) = (found.value.to_string(), names.get(&found.value).cloned());
        let (value, label) = match of {
            Of::ApiKey => (id, name),
            Of::Workspace => (name.unwrap_or(id), None),
        };
        LogValue { value, label, logs: found.logs }
    };
    Ok(found.into_iter().map(shown).collect())
}
