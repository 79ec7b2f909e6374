use actix_web::web;
use logstore::trace::{self, MAX_PAGE};
use logstore::{Cursor, Range, Sort};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::shape::Trace;
use crate::access::Caller;
use crate::logs::CURSOR;
use crate::query::Query;
use crate::{Api, Error, db, feedback};

/// Traces of a page when the caller does not say.
const DEFAULT_LIMIT: u64 = 50;

/// Which traces, and which page of them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it says what is read from the query")]
struct Asked {
    /// When the first call was received, at the earliest; ISO 8601.
    #[param(format = DateTime)]
    time_of_generation_min: Option<String>,
    /// When the first call was received, at the latest; ISO 8601.
    #[param(format = DateTime)]
    time_of_generation_max: Option<String>,
    /// Traces of a page; 50 when left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// The slug or id of a workspace.
    workspace_slug: Option<String>,
    /// The same.
    workspace_id: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Traces)]
pub(crate) struct Listed {
    /// Always `list`.
    object: &'static str,
    data: Vec<Trace>,
    /// Null: this is the last page.
    next_cursor: Option<String>,
}

/// Traces, the last to begin first.
///
/// A trace is the logs with one trace id in one workspace. What comes into a trace later does not move it.
#[utoipa::path(get, path = "/v1/traces", operation_id = "list", params(Asked), responses((status = 200, body = Listed)))]
pub(crate) async fn list(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<Listed>, Error> {
    let mut query = query.parameters()?;
    let began =
        Range { min: query.moment("time_of_generation_min")?, max: query.moment("time_of_generation_max")? };
    let expected = format!("a number from 1 to {MAX_PAGE}");
    let limit = query.parsed("limit", |limit| (1..=MAX_PAGE).contains(limit), &expected)?;
    let cursor: Option<Cursor> =
        query.parsed("cursor", |cursor: &Cursor| cursor.sort == Sort::NEWEST, CURSOR)?;
    let workspace = query.workspace();
    query.finish()?;

    let scope = caller.reach(&api, workspace.as_deref()).await?;
    let cutoff = caller.cutoff_ms(&api);
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    let (heads, next) = trace::list(&api.db, &scope, began, cutoff, cursor, limit).await?;
    let ids = || heads.iter().map(|head| head.trace_id.clone());
    let mut sums = trace::sums(&api.db, &scope, ids(), cutoff).await?;
    let opinions = feedback::of_traces(&api.db, &scope, ids()).await?;
    let slugs = db::workspace::slugs(&api.db, &scope, heads.iter().map(|head| head.workspace_id)).await?;
    let trace = |head: trace::Head| {
        let key = (head.workspace_id, head.trace_id);
        // None: its logs were deleted in between.
        let sums = sums.remove(&key)?;
        let (slug, feedback) = (slugs.get(&key.0).cloned(), opinions.get(key.0, &key.1));
        Some(Trace::of(sums, (head.id, head.span_name), slug, feedback))
    };
    Ok(web::Json(Listed {
        object: "list",
        data: heads.into_iter().filter_map(trace).collect(),
        next_cursor: next.map(|cursor| cursor.to_string()),
    }))
}
