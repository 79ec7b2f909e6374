//! The file itself: a JSON object a line, made of the logs as they are now.

use std::collections::BTreeSet;

use actix_web::http::header::{self, ContentDisposition, DispositionParam, DispositionType};
use actix_web::{HttpResponse, web};
use bytes::Bytes;
use futures_util::stream;
use logstore::{exports, selection};
use sea_orm::prelude::Uuid;
use tenancy::TenantScope;

use super::field::Field;
use super::line::Line;
use super::{EXPORT, denied, find, not_now};
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, db, path};

/// Logs read at a time: their content is in memory until they are sent.
const AT_A_TIME: usize = 50;

/// The file of an export, by the link that was given for it: a log a line, the oldest first.
///
/// What retention has deleted since, and what is not to be exported any more, is not in it.
#[utoipa::path(get, path = "/v1/logs/exports/{id}/file", operation_id = "log_export_file", params(("id" = Uuid, Path), ("token" = String, Query, example = "eyJ0eXAiOiJKV1QifQ.e30.c2ln")), responses((status = 200, content_type = "application/jsonl", body = String), (status = 401), (status = 403)))]
pub(crate) async fn file(
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<HttpResponse, Error> {
    let mut query = query.parameters()?;
    let token = query.take("token");
    query.finish()?;
    let token = token.ok_or(Error::Unauthorised("expected the token of a link to the file"))?;
    let caller = Caller::of_link(&api, &token, path::id(&id)?, EXPORT).await?;
    let row = find(&api, &caller, &id).await?;
    if row.status != "success" {
        return Err(not_now(&row, "success"));
    }
    let scope = TenantScope::of_workspace(row.organisation_id, row.workspace_id);
    let denied = denied(&api, &scope, Some(row.workspace_id)).await?;
    let fields: BTreeSet<Field> = Field::stored(&row.requested_data).difference(&denied).copied().collect();
    let name = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(format!("logs-{}.jsonl", row.id))],
    };
    let cutoff_ms = caller.cutoff_ms(&api);
    let (export_id, left) = (row.id, row.total_records);
    let reading = Reading { api, export_id, scope, cutoff_ms, fields, position: 0, ids: Vec::new(), left };
    let lines = stream::try_unfold(reading, |mut reading| async move {
        let lines = reading.next().await.inspect_err(Error::log)?;
        Ok::<_, Error>(lines.map(|lines| (lines, reading)))
    });
    // Of what fails on the way the client hears that the answer is cut, and takes it for no whole file.
    Ok(HttpResponse::Ok()
        .content_type("application/jsonl")
        .insert_header(name)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(lines))
}

/// A file that is being read.
struct Reading {
    api: web::Data<Api>,
    export_id: Uuid,
    scope: TenantScope,
    cutoff_ms: Option<i64>,
    fields: BTreeSet<Field>,
    /// The part that is next.
    position: i32,
    /// What is left of the part before it.
    ids: Vec<Uuid>,
    /// Logs of the parts that are to come.
    left: i64,
}

impl Reading {
    /// The next lines; none: that was all.
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if self.ids.is_empty() {
                if self.left <= 0 {
                    return Ok(None);
                }
                let part = db::log_export::part(&self.api.db, self.export_id, self.position).await?;
                let part = part.ok_or_else(|| Error::internal("a part of an export is gone"))?;
                self.left -= i64::try_from(part.len()).unwrap_or(i64::MAX);
                (self.ids, self.position) = (part, self.position + 1);
            }
            let n = AT_A_TIME.min(self.ids.len());
            let ids: Vec<Uuid> = self.ids.drain(..n).collect();
            let lines = self.lines(&ids).await?;
            if !lines.is_empty() {
                return Ok(Some(lines));
            }
        }
    }

    /// Those of the logs that are still shown, a line each.
    async fn lines(&self, ids: &[Uuid]) -> Result<Bytes, Error> {
        let db = &self.api.db;
        let logs = selection::read(db, &self.scope, ids, self.cutoff_ms).await?;
        let has_content = self.fields.iter().any(|field| field.is_content());
        let of_content = logs.iter().filter(|_| has_content);
        let contents = exports::contents(db, self.scope.organisation(), of_content).await?;
        let fields = self.fields.clone();
        let written = web::block(move || {
            let mut lines = Vec::new();
            for log in &logs {
                let exchange = contents.get(&log.id).and_then(|packed| exports::opened(log.id, packed));
                serde_json::to_writer(&mut lines, &Line::of(log, exchange, &fields))?;
                lines.push(b'\n');
            }
            Ok::<_, serde_json::Error>(lines)
        });
        Ok(written.await.map_err(Error::internal)?.map_err(Error::internal)?.into())
    }
}
