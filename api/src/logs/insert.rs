use std::sync::Arc;

use actix_web::{HttpMessage as _, HttpRequest, web};
use futures_util::future::try_join_all;
use recorder::Record;
use sea_orm::prelude::Uuid;
use serde::Serialize;
use serde_json::Value;
use tenancy::TenantScope;
use utoipa::ToSchema;

use super::entry::NewLogs;
use super::foreign::Inserter;
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, body};

/// Logs of one request.
const MAX_ENTRIES: usize = 1000;

/// Bytes of one request.
const MAX_BODY: usize = 8 << 20;

/// A log a line. The first is the one that is documented.
const LINES: [&str; 3] = ["application/x-ndjson", "application/ndjson", "application/jsonl"];

/// How long this process itself remembers a client's own id: until the store has it, and well beyond.
const REMEMBERED_MS: i64 = 600_000;

/// What a line of the second kind of body looks like.
const A_LINE: &str = concat!(
    r#"{"id":"call-1","request":{"url":"/v1/chat/completions","body":{"model":"gpt-4o","messages":[]}},"#,
    r#""response":{"status":200,"body":{"choices":[]}}}"#,
    "\n"
);

#[derive(Serialize, ToSchema)]
pub(crate) struct Inserted {
    /// Always `success`.
    status: &'static str,
    /// The logs' ids, in the order of the request.
    ids: Vec<Uuid>,
}

/// Takes in the logs of calls that did not come through the gateway.
///
/// One, or an array of up to 1,000, or as many lines of NDJSON: all or none. Answered when all of them are safe on disk. With an `id` of the client's own, an
/// entry is safe to repeat.
#[utoipa::path(
    post,
    path = "/v1/logs",
    request_body(content((NewLogs = "application/json"), (String = "application/x-ndjson", example = json!(A_LINE)))),
    responses((status = 200, body = Inserted), (status = 402))
)]
pub(crate) async fn insert(
    request: HttpRequest,
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Inserted>, Error> {
    query.none()?;
    Inserter::of(&api, &caller)?;
    let entries = if LINES.contains(&request.content_type()) {
        body::lines(payload, MAX_BODY, MAX_ENTRIES, "logs").await?
    } else {
        body::entries(payload, MAX_BODY, MAX_ENTRIES, "logs").await?
    };
    let scope = caller.scope.clone();
    let (api, records) = read(api, caller, entries).await?;
    let ids = try_join_all(records.into_iter().map(|record| take_in(&api, &scope, record))).await?;
    Ok(web::Json(Inserted { status: "success", ids }))
}

/// All entries or none; on a thread of its own, because a long body may have to be measured.
async fn read(
    api: web::Data<Api>,
    caller: Caller,
    entries: Vec<(String, Value)>,
) -> Result<(web::Data<Api>, Vec<Record>), Error> {
    let read = move || {
        let inserter = Inserter::of(&api, &caller)?;
        let record = |(at, entry): (String, Value)| inserter.record(entry, &at);
        let records = entries.into_iter().map(record).collect::<Result<Vec<_>, _>>()?;
        Ok((api, records))
    };
    tokio::task::spawn_blocking(read).await.map_err(Error::internal)?
}

/// The id of the log: of the one that was inserted first where the client's own id comes again.
async fn take_in(api: &Api, scope: &TenantScope, record: Record) -> Result<Uuid, Error> {
    let id = record.id;
    let Some(external_id) = record.external_id.clone() else {
        api.recorder.record_synced(record).await?;
        return Ok(id);
    };
    let key = (scope.organisation(), external_id);
    if let Some(known) = api.recent_inserts.get(&key).await
        && clock::millis(known).is_none_or(|ms| api.clock.now_ms() - ms > REMEMBERED_MS)
    {
        api.recent_inserts.invalidate(&key).await;
    }
    let first = async {
        if let Some(first) = logstore::query::inserted(&api.db, scope, &key.1).await? {
            return Ok(first);
        }
        api.recorder.record_synced(record).await?;
        Ok::<_, Error>(id)
    };
    let taken = api.recent_inserts.try_get_with(key.clone(), first).await;
    taken.map_err(|error: Arc<Error>| Error::unavailable(error))
}
