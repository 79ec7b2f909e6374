//! The span of a feedback.

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use serde_json::Value;

use super::attributes::Attributes;
use super::{Opinion, Options, ids, span};
use crate::names;

/// An INTERNAL span of no duration, with the conventions' event of an evaluation. What was written with the feedback is content.
pub(super) fn span(Opinion { feedback, logs }: Opinion<'_>, options: &Options) -> Span {
    let trace_id = ids::trace_id(feedback.organisation_id, &feedback.trace_id).to_vec();
    let at = u64::try_from(feedback.last_updated_at).unwrap_or(0).saturating_mul(1_000_000);
    let link =
        |log| Link { trace_id: trace_id.clone(), span_id: span::root(log).to_vec(), ..Link::default() };
    let pairs = feedback.metadata.as_ref().and_then(Value::as_object).filter(|_| options.content);
    let mut attributes = Attributes::default();
    attributes.text(names::FEEDBACK_ID, &feedback.id.to_string());
    attributes.int(names::FEEDBACK_VALUE, Some(feedback.value.into()));
    attributes.double(names::FEEDBACK_WEIGHT, Some(feedback.weight));
    attributes.text(names::ORGANISATION_ID, &feedback.organisation_id.to_string());
    attributes.text(names::WORKSPACE_ID, &feedback.workspace_id.to_string());
    attributes.text(names::TRACE_ID, &feedback.trace_id);
    for (key, value) in pairs.into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        attributes.text(&format!("{}{key}", names::FEEDBACK_METADATA), &text);
    }
    let mut result = Attributes::default();
    result.text(names::EVALUATION_NAME, "feedback");
    result.double(names::EVALUATION_SCORE_VALUE, Some(f64::from(feedback.value) * feedback.weight));
    let explanation = pairs.and_then(|pairs| pairs.get("text")?.as_str());
    result.text_if(names::EVALUATION_EXPLANATION, explanation);
    let event = Event {
        time_unix_nano: at,
        name: names::EVALUATION_RESULT.to_owned(),
        attributes: result.done(),
        ..Event::default()
    };
    Span {
        span_id: ids::of_feedback(feedback.id, feedback.last_updated_at).to_vec(),
        parent_span_id: logs.last().map(|log| span::root(log).to_vec()).unwrap_or_default(),
        name: "feedback".to_owned(),
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: at,
        end_time_unix_nano: at,
        attributes: attributes.done(),
        events: vec![event],
        links: logs.iter().map(link).collect(),
        trace_id,
        ..Span::default()
    }
}
