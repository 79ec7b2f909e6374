use std::collections::HashMap;

use actix_web::web;
use entity::log;
use logstore::trace::tree::{Place, Span, tree};
use logstore::trace::{self, Sums};
use tenancy::TenantScope;
use utoipa::IntoParams;

use super::shape::{Trace, TraceTree, TracedLog};
use crate::access::Caller;
use crate::logs::row::Row;
use crate::query::Query;
use crate::{Api, Error, db, feedback};

/// Where to look.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it says what is read from the query")]
struct Asked {
    /// The slug or id of a workspace; needed where the trace id is in several.
    workspace_slug: Option<String>,
    /// The same.
    workspace_id: Option<String>,
}

/// A trace: its logs as a tree, and what they come to.
///
/// A log is below the one whose span it names as its parent. One without a parent, or with one that is not in the trace, is a root; so
/// is the first of those that name each other. Of several logs with one span id the first has those below it.
#[utoipa::path(get, path = "/v1/traces/{trace_id}", operation_id = "get", params(("trace_id" = String, Path), Asked), responses((status = 200, body = TraceTree)))]
pub(crate) async fn get(
    caller: Caller,
    api: web::Data<Api>,
    trace_id: web::Path<String>,
    query: Query,
) -> Result<web::Json<TraceTree>, Error> {
    let mut query = query.parameters()?;
    let workspace = query.workspace();
    query.finish()?;

    let scope = caller.reach(&api, workspace.as_deref()).await?;
    Ok(web::Json(tree_of(&api, &caller, &scope, &trace_id).await?))
}

/// A trace within a scope of the caller's.
pub(crate) async fn tree_of(
    api: &Api,
    caller: &Caller,
    scope: &TenantScope,
    trace_id: &str,
) -> Result<TraceTree, Error> {
    let none = || Error::not_found("trace", trace_id);
    if trace_id.contains('\0') {
        return Err(none());
    }
    let cutoff = caller.cutoff_ms(api);
    let logs = trace::logs(&api.db, scope, trace_id, cutoff).await?;
    let found = trace::sums(&api.db, scope, [trace_id.to_string()], cutoff).await?;
    let (sums, first) = one(found)?.zip(logs.first()).ok_or_else(none)?;
    let workspace = first.workspace_id;
    let slugs = db::workspace::slugs(&api.db, scope, std::iter::once(workspace)).await?;
    let slug = slugs.get(&workspace).cloned();
    let opinions = feedback::of_traces(&api.db, scope, std::iter::once(trace_id.to_string())).await?;
    let first = (first.id, first.span_name.clone());
    Ok(TraceTree {
        truncated: usize::try_from(sums.logs).is_ok_and(|all| all > logs.len()),
        data: placed(logs, slug.as_ref(), &api.public_url),
        trace: Trace::of(sums, first, slug, opinions.get(workspace, trace_id)),
    })
}

/// What is there, in one workspace.
fn one(found: HashMap<trace::Key, Sums>) -> Result<Option<Sums>, Error> {
    if found.len() > 1 {
        let expected = "the slug or id of one of the workspaces that have such a trace";
        return Err(Error::invalid("workspace_id", "missing", expected));
    }
    Ok(found.into_values().next())
}

fn placed(logs: Vec<log::Model>, slug: Option<&String>, public_url: &str) -> Vec<TracedLog> {
    let span = |log: &log::Model| (log.id, log.span_id.clone(), log.parent_span_id.clone());
    let spans: Vec<_> = logs.iter().map(span).collect();
    let named: Vec<Span<'_>> =
        spans.iter().map(|(_, id, parent)| Span { id: id.as_deref(), parent: parent.as_deref() }).collect();
    let mut logs: Vec<Option<log::Model>> = logs.into_iter().map(Some).collect();
    let traced = |place: Place| {
        let row = Row::of(logs.get_mut(place.log)?.take()?, slug.cloned(), public_url);
        let parent = place.parent.and_then(|parent| spans.get(parent)).map(|(id, ..)| *id);
        Some(TracedLog::of(place, row, parent))
    };
    tree(&named).into_iter().filter_map(traced).collect()
}
