//! The fields of a feedback, read.

use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::Error;
use crate::fields::{Fields, shown};

/// Characters of a trace id, as in logs.
const MAX_TRACE_ID: usize = 256;
/// Bytes of metadata.
const MAX_METADATA: usize = 16 << 10;

/// Feedback on the calls of a trace.
#[derive(ToSchema)]
#[schema(example = json!({"trace_id": "trace-1", "value": 5, "weight": 0.5, "metadata": {"text": "helpful", "_user": "u1"}}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct NewFeedback {
    #[schema(min_length = 1, max_length = 256)]
    trace_id: String,
    #[schema(minimum = -10, maximum = 10)]
    value: i16,
    /// How much it counts: 1 where it is left out.
    #[schema(minimum = 0, maximum = 1)]
    weight: Option<f64>,
    /// An object, or one written as a JSON string.
    metadata: Option<Metadata>,
    /// The slug or id of the workspace whose logs it is about, which a person of several has to name.
    #[schema(min_length = 1, max_length = 100)]
    workspace_id: Option<String>,
}

/// One, or an array of them.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) enum NewFeedbacks {
    One(NewFeedback),
    Many(Vec<NewFeedback>),
}

/// What is changed of a feedback. Its trace is what it is.
#[derive(ToSchema)]
#[schema(example = json!({"value": -5}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct FeedbackChange {
    #[schema(minimum = -10, maximum = 10)]
    value: i16,
    #[schema(minimum = 0, maximum = 1)]
    weight: Option<f64>,
    metadata: Option<Metadata>,
}

#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) enum Metadata {
    Object(Map<String, Value>),
    Json(String),
}

pub(super) struct Opinion {
    pub value: i16,
    pub weight: Option<f64>,
    pub metadata: Option<Value>,
}

pub(super) fn trace_id(fields: &mut Fields) -> Result<String, Error> {
    let trace_id = fields.line("trace_id", MAX_TRACE_ID)?;
    fields.required("trace_id", trace_id, "the trace id of the calls, a string")
}

/// The rest of the fields: there may be no others.
pub(super) fn opinion(mut fields: Fields) -> Result<Opinion, Error> {
    let value = fields.take("value");
    let value = fields.required("value", value, "a whole number from -10 to 10")?;
    let value = value
        .as_i64()
        .filter(|value| (-10..=10).contains(value))
        .and_then(|n| i16::try_from(n).ok())
        .ok_or_else(|| {
            Error::invalid(
                fields.path("value"),
                format!("found {}", shown(&value)),
                "a whole number from -10 to 10",
            )
        })?;
    let weight = fields.number("weight")?;
    if let Some(weight) = weight.filter(|weight| *weight > 1.0) {
        return Err(Error::invalid(fields.path("weight"), format!("found {weight}"), "a number from 0 to 1"));
    }
    let metadata = metadata(&mut fields)?;
    fields.finish()?;
    Ok(Opinion { value, weight, metadata })
}

/// Text of a JSON object is as good as the object: documentation of the contract has it so.
fn metadata(fields: &mut Fields) -> Result<Option<Value>, Error> {
    let Some(sent) = fields.take("metadata") else { return Ok(None) };
    let object = match &sent {
        Value::String(text) => serde_json::from_str(text).ok().filter(Value::is_object),
        Value::Object(_) => Some(sent.clone()),
        _ => None,
    };
    let invalid =
        |problem: String| Error::invalid(fields.path("metadata"), problem, "a JSON object of at most 16 KiB");
    let object = object.ok_or_else(|| invalid(format!("found {}", shown(&sent))))?;
    let text = object.to_string();
    if text.len() > MAX_METADATA {
        return Err(invalid(format!("{} bytes", text.len())));
    }
    if text.contains("\\u0000") {
        return Err(invalid("the character U+0000 is in it".to_owned()));
    }
    Ok(Some(object))
}
