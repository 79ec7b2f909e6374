//! A log as a line of an export's file.

use std::collections::BTreeSet;

use entity::log;
use logstore::Exchange;
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::field::Field;
use crate::instant;
use crate::logs::row::{cents, is_success, millis, total_tokens};
use crate::logs::{Request, Response};

/// Those fields that are asked for, in their order. Requests and responses are as in a log by itself.
pub(super) struct Line<'a> {
    log: &'a log::Model,
    request: Option<Request>,
    response: Option<Response>,
    fields: &'a BTreeSet<Field>,
}

impl<'a> Line<'a> {
    /// `exchange`: what is kept of the content.
    pub fn of(log: &'a log::Model, exchange: Option<Exchange>, fields: &'a BTreeSet<Field>) -> Self {
        let (request, response) = exchange.map(|exchange| (exchange.request, exchange.response)).unzip();
        let wanted = |field| fields.contains(&field);
        Self {
            log,
            request: wanted(Field::Request).then(|| Request::of(log, request)),
            response: wanted(Field::Response).then(|| Response::of(log, response)),
            fields,
        }
    }
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let log = self.log;
        let mut line = serializer.serialize_map(Some(self.fields.len()))?;
        for field in self.fields {
            line.serialize_key(field)?;
            match field {
                Field::Id => line.serialize_value(&log.id),
                Field::TraceId => line.serialize_value(&log.trace_id),
                Field::CreatedAt => line.serialize_value(&instant::iso(log.created_at)),
                Field::Request => line.serialize_value(&self.request),
                Field::Response => line.serialize_value(&self.response),
                Field::IsSuccess => line.serialize_value(&is_success(log)),
                Field::AiOrg => line.serialize_value(&log.provider),
                Field::AiModel => line.serialize_value(&log.model),
                Field::ReqUnits => line.serialize_value(&log.input_tokens),
                Field::ResUnits => line.serialize_value(&log.output_tokens),
                Field::TotalUnits => line.serialize_value(&total_tokens(log)),
                Field::RequestUrl => line.serialize_value(&log.url),
                Field::Cost => line.serialize_value(&cents(log.cost_pusd)),
                Field::CostCurrency => line.serialize_value("USD"),
                Field::ResponseTime => line.serialize_value(&millis(log.latency_us)),
                Field::ResponseStatusCode => line.serialize_value(&log.status_code),
                Field::Mode => line.serialize_value(&log.mode),
                Field::Config => line.serialize_value(&log.config_id),
                Field::PromptSlug => line.serialize_value(&log.prompt_slug),
                Field::Metadata => line.serialize_value(&log.metadata),
            }?;
        }
        line.end()
    }
}
