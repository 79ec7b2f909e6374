//! The file itself: a JSON object a line, made of the logs as they are now.

use std::collections::{BTreeSet, VecDeque};
use std::mem;

use actix_web::http::header::{self, ContentDisposition, DispositionParam, DispositionType};
use actix_web::{HttpResponse, web};
use bytes::Bytes;
use entity::log;
use futures_util::stream;
use logstore::{exports, selection};
use sea_orm::prelude::Uuid;
use tenancy::TenantScope;

use super::field::Field;
use super::line::Line;
use super::{EXPORT, denied, find, not_now, scope_of};
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, db, path};

/// Logs read at a time.
const AT_A_TIME: usize = 50;

/// Bytes of lines after which they are sent: content is unpacked no sooner than it is its turn.
const ENOUGH: usize = 1 << 20;

/// The file of an export, by the link that was given for it: a log a line, the oldest first.
///
/// What retention has deleted since, and what is not to be exported any more, is not in it.
#[utoipa::path(get, path = "/v1/logs/exports/{id}/file", operation_id = "log_export_file", params(("id" = Uuid, Path), ("token" = String, Query, example = "eyJhbGciOiJFZERTQSIsImtpZCI6IngifQ.e30.c2ln")), responses((status = 200, content_type = "application/jsonl", body = String), (status = 401), (status = 403)))]
pub(crate) async fn file(
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<HttpResponse, Error> {
    let mut query = query.parameters()?;
    let token = query.take("token");
    query.finish()?;
    let token = token.ok_or_else(|| Error::invalid("token", "missing", "that of a link to the file"))?;
    let caller = Caller::of_link(&api, &token, path::id(&id)?, EXPORT).await?;
    let row = find(&api, &caller, &id).await?;
    if row.status != "success" {
        return Err(not_now(&row, "success"));
    }
    let scope = scope_of(&caller, &row)?;
    let denied = denied(&api, &scope, Some(row.workspace_id)).await?;
    let fields: BTreeSet<Field> = Field::stored(&row.requested_data).difference(&denied).copied().collect();
    let name = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(format!("logs-{}.jsonl", row.id))],
    };
    let cutoff_ms = caller.cutoff_ms(&api);
    let (export_id, left) = (row.id, row.total_records);
    let (ids, read) = (Vec::new(), VecDeque::new());
    let reading = Reading { api, export_id, scope, cutoff_ms, fields, position: 0, left, ids, read };
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

/// A log, with its content as it is packed.
type Read = (log::Model, Option<Vec<u8>>);

/// A file that is being read.
struct Reading {
    api: web::Data<Api>,
    export_id: Uuid,
    scope: TenantScope,
    cutoff_ms: Option<i64>,
    fields: BTreeSet<Field>,
    /// The part that is next.
    position: i32,
    /// Logs of the parts that are to come.
    left: i64,
    /// What is left of the part before them.
    ids: Vec<Uuid>,
    /// What is to be written.
    read: VecDeque<Read>,
}

impl Reading {
    /// The next lines; none: that was all.
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        while self.read.is_empty() {
            let Some(ids) = self.next_ids().await? else { return Ok(None) };
            self.read = self.read(&ids).await?;
        }
        let (read, fields) = (mem::take(&mut self.read), self.fields.clone());
        let written = web::block(move || write(read, &fields)).await;
        let (lines, rest) = written.map_err(Error::internal)?.map_err(Error::internal)?;
        self.read = rest;
        Ok(Some(lines.into()))
    }

    async fn next_ids(&mut self) -> Result<Option<Vec<Uuid>>, Error> {
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
        Ok(Some(self.ids.drain(..n).collect()))
    }

    /// Those of the logs that are still shown, with what is wanted of their content.
    async fn read(&self, ids: &[Uuid]) -> Result<VecDeque<Read>, Error> {
        let db = &self.api.db;
        let logs = selection::read(db, &self.scope, ids, self.cutoff_ms).await?;
        let has_content = self.fields.iter().any(|field| field.is_content());
        let of_content = logs.iter().filter(|_| has_content);
        let mut contents = exports::contents(db, self.scope.organisation(), of_content).await?;
        let with_content = |log: log::Model| {
            let content = contents.remove(&log.id);
            (log, content)
        };
        Ok(logs.into_iter().map(with_content).collect())
    }
}

/// Writes lines until they are enough for once; with them what is left.
fn write(
    mut read: VecDeque<Read>,
    fields: &BTreeSet<Field>,
) -> Result<(Vec<u8>, VecDeque<Read>), serde_json::Error> {
    let mut lines = Vec::new();
    while lines.len() < ENOUGH
        && let Some((log, content)) = read.pop_front()
    {
        let exchange = content.and_then(|packed| exports::opened(log.id, &packed));
        serde_json::to_writer(&mut lines, &Line::of(&log, exchange, fields))?;
        lines.push(b'\n');
    }
    Ok((lines, read))
}
