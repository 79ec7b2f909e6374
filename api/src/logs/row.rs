//! A log in a list.

use entity::log;
use logstore::status_labels::StatusLabels;
use sea_orm::prelude::*;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::url;
use crate::feedback::Opinions;
use crate::instant;

/// Pico-dollars in a cent.
pub(crate) const PUSD_A_CENT: f64 = 1e10;

#[derive(Serialize, ToSchema)]
#[schema(as = LogRow)]
pub(crate) struct Row {
    /// Always `log`.
    object: &'static str,
    pub id: Uuid,
    /// Its page, for members of its workspace.
    url: String,
    #[schema(format = DateTime)]
    created_at: String,
    trace_id: String,
    span_id: Option<String>,
    pub span_name: Option<String>,
    parent_span_id: Option<String>,
    pub request_type: String,
    request_method: String,
    request_path: String,
    request_url: String,
    pub provider: String,
    pub model: Option<String>,
    prompt_tokens: Option<i64>,
    completion_tokens: Option<i64>,
    /// Part of `completion_tokens`.
    reasoning_tokens: Option<i64>,
    total_tokens: Option<i64>,
    tokens_estimated: bool,
    /// Cents.
    pub cost: Option<f64>,
    cost_currency: &'static str,
    /// Milliseconds.
    pub response_time: i64,
    /// Milliseconds.
    time_to_first_byte: Option<i64>,
    pub response_status_code: i16,
    pub is_success: bool,
    status: StatusLabels,
    outcome: String,
    source: String,
    workspace_id: Option<String>,
    api_key_id: Option<Uuid>,
    virtual_key: Option<String>,
    /// The slug of the saved config that the call ran under.
    config_id: Option<String>,
    #[schema(value_type = std::collections::HashMap<String, String>)]
    metadata: Value,
    /// What the metadata has under `_user`.
    user: Option<String>,
    /// False under Do Not Track.
    debug: bool,
    payload: String,
    /// The client's own id of a log that it inserted.
    external_id: Option<String>,
}

/// A row with what is thought of its trace.
#[derive(Serialize, ToSchema)]
#[schema(as = RatedLogRow)]
pub(crate) struct RatedRow {
    #[serde(flatten)]
    pub row: Row,
    pub feedback: Opinions,
}

impl Row {
    pub fn of(log: log::Model, workspace_id: Option<String>, public_url: &str) -> Self {
        Self {
            object: "log",
            url: page(public_url, log.id),
            status: StatusLabels::of(&log),
            created_at: instant::iso(log.created_at),
            request_path: url::path(&log.url).to_owned(),
            total_tokens: total_tokens(&log),
            user: user(&log),
            cost: cents(log.cost_pusd),
            cost_currency: "USD",
            response_time: millis(log.latency_us),
            time_to_first_byte: log.first_byte_us.map(millis),
            is_success: is_success(&log),
            debug: log.payload != "withheld",
            id: log.id,
            trace_id: log.trace_id,
            span_id: log.span_id,
            span_name: log.span_name,
            parent_span_id: log.parent_span_id,
            request_type: log.endpoint,
            request_method: log.method,
            request_url: log.url,
            provider: log.provider,
            model: log.model,
            prompt_tokens: log.input_tokens,
            completion_tokens: log.output_tokens,
            reasoning_tokens: log.reasoning_tokens,
            tokens_estimated: log.tokens_estimated,
            response_status_code: log.status_code,
            outcome: log.outcome,
            source: log.source,
            workspace_id,
            api_key_id: log.api_key_id,
            virtual_key: log.virtual_key,
            config_id: log.config_id,
            metadata: log.metadata.unwrap_or_else(|| Value::Object(serde_json::Map::new())),
            payload: log.payload,
            external_id: log.external_id,
        }
    }
}

/// Where people see a log.
pub(super) fn page(public_url: &str, id: Uuid) -> String {
    format!("{public_url}/logs/{id}")
}

fn user(log: &log::Model) -> Option<String> {
    Some(log.metadata.as_ref()?.get("_user")?.as_str()?.to_owned())
}

pub(crate) fn total_tokens(log: &log::Model) -> Option<i64> {
    match (log.input_tokens, log.output_tokens) {
        (None, None) => None,
        (input, output) => Some(input.unwrap_or(0) + output.unwrap_or(0)),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "shown, not counted with: exact to 90 dollars, and near enough past it"
)]
pub(crate) fn cents(pusd: Option<i64>) -> Option<f64> {
    pusd.map(|pusd| pusd as f64 / PUSD_A_CENT)
}

/// What a filter's cents are in pico-dollars.
#[expect(clippy::cast_possible_truncation, reason = "saturates, and no cost is that high")]
pub(super) fn pusd(cents: f64) -> i64 {
    (cents * PUSD_A_CENT).round() as i64
}

pub(crate) fn millis(us: i64) -> i64 {
    us / 1000
}

pub(crate) fn is_success(log: &log::Model) -> bool {
    (200..300).contains(&log.status_code)
}
