use actix_web::web;
use logstore::query::{self, MAX_PAGE};
use logstore::sort::By;
use logstore::{Cursor, Page, Sort, Start};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::filters::{self, Filters, Times};
use super::row::{RatedRow, Row};
use crate::access::Caller;
use crate::query::{Parameters, Query};
use crate::{Api, Error, db, feedback};

/// Logs of a page when the caller does not say.
const DEFAULT_LIMIT: u64 = 50;

/// What a cursor is to be.
pub(crate) const CURSOR: &str = "the next_cursor of a page before, or no cursor";

/// Which page, and where to look.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it says what is read from the query")]
struct Paged {
    /// Logs of a page; 50 when left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
    /// The `next_cursor` of the page before, in the same order.
    cursor: Option<String>,
    /// `created_at` (when left out), `cost`, `total_tokens` or `response_time`; what is not known comes last.
    #[param(pattern = "^(created_at|cost|total_tokens|response_time)$")]
    sort: Option<String>,
    /// `desc` (when left out) or `asc`.
    #[param(pattern = "^(asc|desc)$")]
    order: Option<String>,
    /// The slug or id of a workspace.
    workspace_slug: Option<String>,
    /// The same.
    workspace_id: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Logs)]
pub(crate) struct Listed {
    /// Always `list`.
    object: &'static str,
    data: Vec<RatedRow>,
    /// Null: this is the last page.
    next_cursor: Option<String>,
}

/// Logs, the newest first if no other order is asked for.
///
/// Of the key's workspace, or of all where an organisation's key names none. Of several filters all must hold; of a list's
/// items one.
#[utoipa::path(get, path = "/v1/logs", params(Times, Filters, Paged), responses((status = 200, body = Listed)))]
pub(crate) async fn list(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<Listed>, Error> {
    let mut query = query.parameters()?;
    let filter = filters::take(&mut query)?;
    let expected = format!("a number from 1 to {MAX_PAGE}");
    let limit = query.parsed("limit", |limit| (1..=MAX_PAGE).contains(limit), &expected)?;
    let start = start(&mut query)?;
    let workspace = query.workspace();
    query.finish()?;
    filters::check_searched(&api, &filter)?;
    let scope = caller.reach(&api, workspace.as_deref()).await?;
    let cutoff = caller.cutoff_ms(&api);
    let page = query::list(&api.db, &scope, &filter, cutoff, start, limit.unwrap_or(DEFAULT_LIMIT)).await?;
    Ok(web::Json(listed(&api, &caller, page).await?))
}

/// Where the page begins, and the order.
fn start(query: &mut Parameters) -> Result<Start, Error> {
    let by = query.parsed("sort", |_| true, &By::ALL.map(By::as_str).join(", "))?;
    let expected = "asc or desc";
    let descending = match query.take("order").as_deref() {
        None | Some("desc") => true,
        Some("asc") => false,
        Some(other) => return Err(Error::invalid("order", format!("found `{other}`"), expected)),
    };
    let sort = Sort { by: by.unwrap_or(By::CreatedAt), descending };
    let cursor: Option<Cursor> = query.parsed("cursor", |_| true, CURSOR)?;
    match cursor {
        None => Ok(Start::First(sort)),
        Some(cursor) if cursor.sort == sort => Ok(Start::After(cursor)),
        Some(_) => Err(Error::invalid("cursor", "it is of a page in another order", CURSOR)),
    }
}

async fn listed(api: &Api, caller: &Caller, page: Page) -> Result<Listed, Error> {
    let ids = page.rows.iter().map(|row| row.workspace_id);
    let slugs = db::workspace::slugs(&api.db, &caller.scope, ids).await?;
    let traces = page.rows.iter().map(|row| row.trace_id.clone());
    let opinions = feedback::of_traces(&api.db, &caller.scope, traces).await?;
    let row = |log: entity::log::Model| {
        let slug = slugs.get(&log.workspace_id).cloned();
        let feedback = opinions.get(log.workspace_id, &log.trace_id);
        RatedRow { row: Row::of(log, slug, &api.public_url), feedback }
    };
    Ok(Listed {
        object: "list",
        next_cursor: page.next.map(|cursor| cursor.to_string()),
        data: page.rows.into_iter().map(row).collect(),
    })
}
