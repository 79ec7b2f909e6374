use actix_web::web;
use utoipa::IntoParams;

use super::filters::{Filters, Sent};
use super::shape;
use crate::access::Caller;
use crate::paging::Paging;
use crate::query::Query;
use crate::{Api, Error, db};

/// Entries of a page, at most and when the caller does not say.
const PAGE: u64 = 100;

/// Which page.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it says what is read from the query")]
pub(crate) struct Page {
    /// The number of the page; the first is 0.
    #[param(minimum = 0, maximum = 100_000)]
    current_page: Option<u64>,
    /// Entries of a page.
    #[param(minimum = 1, maximum = 100)]
    page_size: Option<u64>,
}

/// The changes that were made of the organisation and of all in it, newest first.
///
/// Each with who made it, from where, and what was before and after. Of secrets there are hints.
#[utoipa::path(get, path = "/v1/audit-logs", params(Filters, Page), responses((status = 200, body = shape::Page)))]
pub(crate) async fn list(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<shape::Page>, Error> {
    let mut query = query.parameters()?;
    let paging = Paging::take_up_to(&mut query, PAGE, PAGE)?;
    let organisation = query.take("organisation_id");
    let sent = Sent::take(&mut query)?;
    query.finish()?;
    caller.check_organisation(organisation.as_deref())?;
    let workspace = match sent.workspace.as_deref() {
        None => None,
        // What was done to one that is gone is there still.
        Some(named) => {
            let found = db::workspace::ever(&api.db, &caller.scope, named).await?;
            Some(found.ok_or_else(|| Error::not_found("workspace", named))?.id)
        }
    };
    let filter = sent.filter(workspace)?;
    let (total, rows) = db::audit::list(&api.db, &caller.scope, &filter, paging).await?;
    let ids = rows.iter().filter_map(|row| row.workspace_id);
    let slugs = db::workspace::slugs(&api.db, &caller.scope, ids).await?;
    let record = |row: entity::audit_entry::Model| {
        let slug = row.workspace_id.and_then(|id| slugs.get(&id).cloned());
        shape::shown(row, slug)
    };
    Ok(web::Json(shape::Page::new(total, rows.into_iter().map(record).collect())))
}
