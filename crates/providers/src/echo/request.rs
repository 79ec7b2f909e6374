//! Reads echo's requests, and says what is wrong with them.

use serde_json::{Map, Value, json};

/// A request echo does not take.
#[derive(Debug)]
pub(super) struct Refusal {
    pub status: u16,
    /// The parameter at fault.
    pub param: Option<&'static str>,
    pub message: String,
}

impl Refusal {
    pub fn bad(param: &'static str, problem: &str) -> Self {
        Self { status: 400, param: Some(param), message: format!("{param}: {problem}") }
    }

    pub fn body(&self) -> Value {
        json!({ "error": {
            "message": self.message,
            "type": "invalid_request_error",
            "param": self.param,
            "code": null,
        } })
    }
}

/// A request's JSON object.
pub(super) struct Request(Map<String, Value>);

impl Request {
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        serde_json::from_slice(body).map(Self).map_err(|error| Refusal {
            status: 400,
            param: None,
            message: format!("body: must be a JSON object: {error}"),
        })
    }

    /// The field, unless it is absent or null.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// The model to answer as.
    pub fn model(&self) -> Result<&str, Refusal> {
        match self.get("model") {
            None => Ok("echo"),
            Some(model) => model.as_str().ok_or_else(|| Refusal::bad("model", "must be a string")),
        }
    }

    pub fn flag(&self, name: &'static str) -> Result<bool, Refusal> {
        match self.get(name) {
            None => Ok(false),
            Some(flag) => flag.as_bool().ok_or_else(|| Refusal::bad(name, "must be true or false")),
        }
    }

    pub fn number(&self, name: &'static str) -> Result<Option<usize>, Refusal> {
        let as_size = |value: &Value| usize::try_from(value.as_u64()?).ok();
        self.get(name)
            .map(|value| {
                as_size(value).ok_or_else(|| Refusal::bad(name, "must be a whole number, not negative"))
            })
            .transpose()
    }

    /// `stream_options.include_usage`.
    pub fn include_usage(&self) -> Result<bool, Refusal> {
        let Some(options) = self.get("stream_options") else { return Ok(false) };
        let bad = || Refusal::bad("stream_options", "must be an object; include_usage must be true or false");
        match options.as_object().ok_or_else(bad)?.get("include_usage") {
            None | Some(Value::Null) => Ok(false),
            Some(include) => include.as_bool().ok_or_else(bad),
        }
    }
}
