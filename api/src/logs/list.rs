use actix_web::web;
use logstore::query::{self, MAX_PAGE};
use logstore::{Cursor, Page};
use serde::Serialize;

use super::filters;
use super::row::Row;
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, db};

/// Logs of a page when the caller does not say.
const DEFAULT_LIMIT: u64 = 50;

#[derive(Serialize)]
pub(crate) struct Listed {
    object: &'static str,
    data: Vec<Row>,
    next_cursor: Option<String>,
}

/// `GET /v1/logs`: logs newest first, of the key's workspace, or of all where an organisation's key names none.
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
