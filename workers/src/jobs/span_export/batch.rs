//! What is sent to a destination at a time.

use entity::{feedback, log, organisation, usage};
use exports::Destination;
use exports::outbox::{self, Kind, Taken};
use genai::emit::{self, Call, Opinion, Options, Quota};
use logstore::Exchange;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use plans::Month;
use sea_orm::prelude::*;

use crate::{Error, Parts};

/// Logs of a batch, and bytes of their content, which is read even where it is not sent.
const BATCH: usize = 1_000;
const BYTES: usize = 16 << 20;

/// Logs of a batch with their messages, and bytes of them: receivers take some megabytes at a time.
const BATCH_WITH_MESSAGES: usize = 100;
const BYTES_OF_MESSAGES: usize = 2 << 20;

/// Contents that are read at a time.
const CONTENTS: usize = 100;

/// Logs that a feedback is linked to: the newest of its trace.
const LINKS: u64 = 32;

pub(super) struct Batch {
    pub taken: Taken,
    /// How many of what was taken it is about.
    pub n: usize,
    /// How many of those are still there.
    pub there: usize,
    pub traces: ExportTraceServiceRequest,
    pub metrics: Option<ExportMetricsServiceRequest>,
}

impl Batch {
    /// Nothing is to be sent: all of it is gone, or is what the destination does not want.
    pub fn is_empty(&self) -> bool {
        self.traces.resource_spans.iter().flat_map(|of| &of.scope_spans).all(|of| of.spans.is_empty())
    }
}

/// The next batch; none where nothing waits.
pub(super) async fn next(parts: &Parts, to: &Destination) -> Result<Option<Batch>, Error> {
    let db = &parts.db;
    let taken = outbox::take(db, to.id, if to.content { BATCH_WITH_MESSAGES } else { BATCH }).await?;
    if taken.subjects.is_empty() {
        return Ok(None);
    }
    let options = Options { content: to.content, resource: to.resource.clone(), ..Options::default() };
    match taken.kind {
        Kind::Log => of_logs(parts, to, taken, &options).await.map(Some),
        Kind::Feedback => of_feedback(db, to, taken, &options).await.map(Some),
    }
}

async fn of_logs(parts: &Parts, to: &Destination, taken: Taken, options: &Options) -> Result<Batch, Error> {
    let (n, logs) = with_content(&parts.db, to, &taken).await?;
    let calls: Vec<Call<'_>> =
        logs.iter().map(|(log, content)| Call { log, content: content.as_ref() }).collect();
    let traces = emit::traces(&calls, options);
    let metrics = if to.metrics {
        Some(emit::metrics(&calls, quota(parts, to.organisation_id).await?.as_ref(), options))
    } else {
        None
    };
    Ok(Batch { taken, n, there: calls.len(), traces, metrics })
}

/// The running month's meter; none where the organisation is gone.
async fn quota(parts: &Parts, organisation: Uuid) -> Result<Option<Quota>, Error> {
    let at_ms = parts.clock.now_ms();
    let Some(row) = organisation::Entity::find_by_id(organisation).one(&parts.db).await? else {
        return Ok(None);
    };
    let (_, terms) = tenancy::terms(&row, &parts.plan_overrides, at_ms)?;
    let month = Month::of(at_ms).as_i32();
    let meter = usage::Entity::find_by_id((organisation, month)).one(&parts.db).await?;
    let (used, dropped) = meter.map_or((0, 0), |meter| (meter.used, meter.dropped));
    let limit = terms.limit().and_then(|limit| i64::try_from(limit).ok());
    Ok(Some(Quota { organisation, at_ms, used, limit, dropped }))
}

/// The logs from the first on and how many were looked for. Contents are read wherever they are kept, for parameters and reasons that
/// are no content are in them, as far as they are not too much for one batch.
async fn with_content(
    db: &DatabaseConnection,
    to: &Destination,
    taken: &Taken,
) -> Result<(usize, Vec<(log::Model, Option<Exchange>)>), Error> {
    let most_bytes = if to.content { BYTES_OF_MESSAGES } else { BYTES };
    let logs = logstore::exports::logs(db, to.organisation_id, &taken.subjects).await?;
    let (mut bytes, mut with_content) = (0, Vec::with_capacity(logs.len()));
    let mut logs = logs.into_iter();
    loop {
        let chunk: Vec<log::Model> = logs.by_ref().take(CONTENTS).collect();
        if chunk.is_empty() {
            return Ok((taken.subjects.len(), with_content));
        }
        let packed = logstore::exports::contents(db, to.organisation_id, chunk.iter()).await?;
        for log in chunk {
            let content = packed.get(&log.id).and_then(|packed| logstore::exports::opened(log.id, packed));
            bytes += content.as_ref().map_or(0, |it| it.request.body.len() + it.response.body.len());
            if bytes > most_bytes && !with_content.is_empty() {
                // It begins the next batch.
                let n = taken.subjects.iter().position(|id| *id == log.id);
                return Ok((n.unwrap_or(taken.subjects.len()), with_content));
            }
            with_content.push((log, content));
        }
    }
}

/// Of traces that have logs which the destination filters out, and none that it does not, nothing is sent.
async fn of_feedback(
    db: &DatabaseConnection,
    to: &Destination,
    taken: Taken,
    options: &Options,
) -> Result<Batch, Error> {
    let rows = feedback::Entity::find()
        .filter(feedback::Column::OrganisationId.eq(to.organisation_id))
        .filter(feedback::Column::Id.is_in(taken.subjects.iter().copied()))
        .all(db)
        .await?;
    let mut with_logs = Vec::with_capacity(rows.len());
    for row in &rows {
        let whose = (row.organisation_id, row.workspace_id);
        let mut logs = logstore::exports::logs_of_trace(db, whose, &row.trace_id, LINKS).await?;
        let any = !logs.is_empty();
        logs.retain(|log| to.filters.pass(log));
        if !(any && logs.is_empty()) {
            with_logs.push((row, logs));
        }
    }
    let opinions: Vec<Opinion<'_>> =
        with_logs.iter().map(|(feedback, logs)| Opinion { feedback, logs }).collect();
    let traces = emit::feedback(&opinions, options);
    Ok(Batch { n: taken.subjects.len(), there: rows.len(), taken, traces, metrics: None })
}
