use actix_web::web;
use logstore::query::{self, MAX_PAGE};
use logstore::{Cursor, Page};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::filters::{self, Filters};
use super::row::Row;
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, db};

/// Logs of a page when the caller does not say.
const DEFAULT_LIMIT: u64 = 50;

/// Which page, and where to look.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it says what is read from the query")]
struct Paged {
    /// Logs of a page; 50 when left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
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
    data: Vec<Row>,
    /// Null: this is the last page.
    next_cursor: Option<String>,
}

/// Logs, newest first.
///
/// Of the key's workspace, or of all where an organisation's key names none. Of several filters all must hold; of a list's
/// items one.
#[utoipa::path(get, path = "/v1/logs", params(Filters, Paged), responses((status = 200, body = Listed)))]
pub(crate) async fn list(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<Listed>, Error> {
    let mut query = query.parameters()?;
    let filter = filters::take(&mut query)?;
    let expected = format!("a number from 1 to {MAX_PAGE}");
    let limit = query.parsed("limit", |limit| (1..=MAX_PAGE).contains(limit), &expected)?;
    let cursor: Option<Cursor> =
        query.parsed("cursor", |_| true, "the next_cursor of a page before, or no cursor")?;
    let workspace = query.take("workspace_slug").or(query.take("workspace_id"));
    query.finish()?;

    let scope = caller.reach(&api, workspace.as_deref()).await?;
    let cutoff = plans::retention_cutoff(&caller.tenant.terms, api.clock.now_ms());
    let page = query::list(&api.db, &scope, &filter, cutoff, cursor, limit.unwrap_or(DEFAULT_LIMIT)).await?;
    Ok(web::Json(listed(&api, &caller, page).await?))
}

async fn listed(api: &Api, caller: &Caller, page: Page) -> Result<Listed, Error> {
    let ids = page.rows.iter().map(|row| row.workspace_id);
    let slugs = db::workspace::slugs(&api.db, &caller.scope, ids).await?;
    let row = |log: entity::log::Model| {
        let slug = slugs.get(&log.workspace_id).cloned();
        Row::of(log, slug)
    };
    Ok(Listed {
        object: "list",
        next_cursor: page.next.map(|cursor| cursor.to_string()),
        data: page.rows.into_iter().map(row).collect(),
    })
}
