//! A trace as it is shown.

use logstore::trace::Sums;
use logstore::trace::tree::Place;
use sea_orm::prelude::Uuid;
use serde::Serialize;
use utoipa::ToSchema;

use crate::feedback::Opinions;
use crate::instant;
use crate::logs::PUSD_A_CENT;
use crate::logs::row::{Row, millis};

/// What the logs of a trace come to.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the wire's name")]
pub(crate) struct Trace {
    /// Always `trace`.
    object: &'static str,
    trace_id: String,
    workspace_id: Option<String>,
    /// Its first log, and the span of that.
    first_log_id: Uuid,
    span_name: Option<String>,
    /// When the first call was received.
    #[schema(format = DateTime)]
    started_at: String,
    /// When the last answer ended.
    #[schema(format = DateTime)]
    ended_at: String,
    /// From the one to the other, in milliseconds.
    duration: i64,
    pub logs: i64,
    /// Those with a status other than 2xx.
    failed: i64,
    prompt_tokens: i64,
    completion_tokens: i64,
    total_tokens: i64,
    /// Cents, of the logs whose cost is known; null where that is none.
    pub cost: Option<f64>,
    cost_currency: &'static str,
    feedback: Opinions,
}

impl Trace {
    pub fn of(
        sums: Sums,
        first: (Uuid, Option<String>),
        workspace_id: Option<String>,
        feedback: Opinions,
    ) -> Self {
        let (input, output) = (whole(sums.input_tokens), whole(sums.output_tokens));
        Self {
            object: "trace",
            trace_id: sums.trace_id,
            workspace_id,
            first_log_id: first.0,
            span_name: first.1,
            started_at: instant::iso(sums.started_ms),
            ended_at: instant::iso(millis(sums.ended_us)),
            duration: millis(sums.ended_us) - sums.started_ms,
            logs: sums.logs,
            failed: sums.failed,
            prompt_tokens: input,
            completion_tokens: output,
            total_tokens: input.saturating_add(output),
            cost: sums.cost_pusd.map(|pusd| pusd / PUSD_A_CENT),
            cost_currency: "USD",
            feedback,
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "saturates")]
fn whole(sum: f64) -> i64 {
    sum as i64
}

/// A trace with its logs.
#[derive(Serialize, ToSchema)]
pub(crate) struct TraceTree {
    #[serde(flatten)]
    pub trace: Trace,
    /// Whether there are more than its first 1,000 logs, which are shown.
    pub truncated: bool,
    /// Each log right before those below it.
    pub data: Vec<TracedLog>,
}

/// A log and its place in the trace.
#[derive(Serialize, ToSchema)]
pub(crate) struct TracedLog {
    #[serde(flatten)]
    pub row: Row,
    /// The log above it, whose span it names as its parent; null: it is a root.
    parent_id: Option<Uuid>,
    /// 0: it is a root.
    pub depth: usize,
}

impl TracedLog {
    pub fn of(place: Place, row: Row, parent_id: Option<Uuid>) -> Self {
        Self { row, parent_id, depth: place.depth }
    }
}
