//! The statistics of a log under the contract's names (2.2).

use entity::log;
use sea_orm::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::row::{cents, is_success, millis, total_tokens};
use crate::instant;

#[derive(Serialize, ToSchema)]
pub(super) struct Metrics {
    id: Uuid,
    organisation_id: Uuid,
    workspace_slug: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    is_success: bool,
    ai_org: String,
    ai_model: Option<String>,
    requested_model: Option<String>,
    req_units: Option<i64>,
    res_units: Option<i64>,
    total_units: Option<i64>,
    cached_req_units: Option<i64>,
    cache_write_units: Option<i64>,
    reasoning_units: Option<i64>,
    units_estimated: bool,
    /// Cents.
    cost: Option<f64>,
    cost_currency: &'static str,
    /// The date of the prices that the cost was taken from.
    prices_version: Option<String>,
    request_type: String,
    request_url: String,
    request_method: String,
    response_status_code: i16,
    /// Milliseconds.
    response_time: i64,
    /// Milliseconds.
    time_to_first_byte: Option<i64>,
    is_proxy_call: bool,
    cache_status: String,
    cache_type: Option<&'static str>,
    stream_mode: u8,
    retry_success_count: i16,
    trace_id: String,
    span_id: Option<String>,
    span_name: Option<String>,
    parent_span_id: Option<String>,
    mode: String,
    last_used_option_index: String,
    /// The slug of the saved config that the call ran under.
    config_id: Option<String>,
    config_version_id: Option<Uuid>,
    prompt_id: Option<Uuid>,
    prompt_version_id: Option<Uuid>,
    prompt_slug: Option<String>,
    virtual_key: Option<String>,
    api_key_id: Option<Uuid>,
    source: String,
    #[serde(rename = "metadata.key")]
    metadata_keys: Vec<String>,
    #[serde(rename = "metadata.value")]
    metadata_values: Vec<String>,
}

impl Metrics {
    pub fn of(log: &log::Model, workspace_slug: Option<&str>) -> Self {
        let (metadata_keys, metadata_values) = pairs(log);
        Self {
            id: log.id,
            organisation_id: log.organisation_id,
            workspace_slug: workspace_slug.map(str::to_owned),
            created_at: instant::iso(log.created_at),
            is_success: is_success(log),
            ai_org: log.provider.clone(),
            ai_model: log.model.clone(),
            requested_model: log.requested_model.clone(),
            req_units: log.input_tokens,
            res_units: log.output_tokens,
            total_units: total_tokens(log),
            cached_req_units: log.cached_input_tokens,
            cache_write_units: log.cache_write_tokens,
            reasoning_units: log.reasoning_tokens,
            units_estimated: log.tokens_estimated,
            cost: cents(log.cost_pusd),
            cost_currency: "USD",
            prices_version: log.prices_version.clone(),
            request_type: log.endpoint.clone(),
            request_url: log.url.clone(),
            request_method: log.method.clone(),
            response_status_code: log.status_code,
            response_time: millis(log.latency_us),
            time_to_first_byte: log.first_byte_us.map(millis),
            is_proxy_call: log.endpoint == providers::Endpoint::Proxy.name(),
            cache_status: log.cache_status.clone(),
            cache_type: cache_type(&log.cache_status),
            stream_mode: u8::from(log.streamed),
            retry_success_count: log.retry_count,
            trace_id: log.trace_id.clone(),
            span_id: log.span_id.clone(),
            span_name: log.span_name.clone(),
            parent_span_id: log.parent_span_id.clone(),
            mode: log.mode.clone(),
            last_used_option_index: log.option_path.clone(),
            config_id: log.config_id.clone(),
            config_version_id: log.config_version_id,
            prompt_id: log.prompt_id,
            prompt_version_id: log.prompt_version_id,
            prompt_slug: log.prompt_slug.clone(),
            virtual_key: log.virtual_key.clone(),
            api_key_id: log.api_key_id,
            source: log.source.clone(),
            metadata_keys,
            metadata_values,
        }
    }
}

fn pairs(log: &log::Model) -> (Vec<String>, Vec<String>) {
    let pairs = log.metadata.as_ref().and_then(|metadata| metadata.as_object()).into_iter().flatten();
    pairs.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).unzip()
}

fn cache_type(status: &str) -> Option<&'static str> {
    match status {
        "DISABLED" => None,
        "SEMANTIC HIT" | "SEMANTIC MISS" => Some("SEMANTIC"),
        _ => Some("SIMPLE"),
    }
}
