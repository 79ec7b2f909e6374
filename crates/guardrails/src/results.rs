//! What guardrails found, in the contract's shape (6.3).

use bytes::Bytes;
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

/// What one guardrail found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "the contract's")]
pub struct HookResult {
    /// Whether all of its checks passed.
    pub verdict: bool,
    pub id: String,
    /// Whether it changed the body.
    pub transformed: bool,
    pub checks: Vec<CheckResult>,
    pub feedback: Option<Opinion>,
    /// Milliseconds.
    pub execution_time: u64,
    #[serde(rename = "async")]
    pub asynchronous: bool,
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// ISO 8601, UTC.
    pub created_at: String,
    /// Whether the call is refused for it: it failed, and says so.
    pub deny: bool,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheckResult {
    pub id: String,
    pub verdict: bool,
    /// What it saw; may have content in it.
    pub data: Map<String, Value>,
    /// Why it could not be made, if it could not.
    pub error: Option<CheckError>,
    /// Milliseconds.
    pub execution_time: u64,
    pub transformed: bool,
    /// ISO 8601, UTC.
    pub created_at: String,
    /// The contract's; none of these checks has any.
    pub log: Option<Value>,
    pub fail_on_error: bool,
}

/// Why a check could not be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckError {
    pub name: String,
    pub message: String,
}

/// The feedback on the call's trace that follows from a verdict.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Opinion {
    /// -10 to 10.
    pub value: i16,
    /// 0 to 1.
    pub weight: f64,
    pub metadata: Map<String, Value>,
}

impl CheckResult {
    /// Whether it stands in the way of a guardrail's good verdict: what could not be made passes, unless it says that it does not.
    pub(crate) fn fails(&self) -> bool {
        if self.error.is_some() { self.fail_on_error } else { !self.verdict }
    }
}

/// `hook_results` of a call.
#[must_use]
pub fn hook_results(before: &[HookResult], after: &[HookResult]) -> Value {
    json!({"before_request_hooks": before, "after_request_hooks": after})
}

/// The body of a call that is refused (contract: 446).
#[must_use]
pub fn denial(hook_results: &Value) -> Value {
    json!({
        "error": {
            "message": "The guardrail checks defined in the config failed. You can find more information in the `hook_results` object.",
            "type": "hooks_failed",
            "param": null,
            "code": null,
        },
        "hook_results": hook_results,
    })
}

/// A JSON object's text with `hook_results` as its last field; the other bytes are as they were. None for any other text.
#[must_use]
pub fn merged(body: &[u8], hook_results: &Value) -> Option<Bytes> {
    serde_json::from_slice::<IgnoredAny>(body).ok()?;
    let text = body.trim_ascii();
    let inside = text.strip_prefix(b"{")?.strip_suffix(b"}")?;
    let comma = if inside.trim_ascii().is_empty() { "" } else { "," };
    let field = format!("{comma}\"hook_results\":{hook_results}}}");
    Some([&text[..text.len() - 1], field.as_bytes()].concat().into())
}

/// The same results with nothing in them that checks saw: for a log that keeps no content.
#[must_use]
pub fn without_content(mut hook_results: Value) -> Value {
    let phases = hook_results.as_object_mut().into_iter().flat_map(|phases| phases.values_mut());
    let hooks = phases.filter_map(Value::as_array_mut).flatten();
    let checks = hooks.filter_map(|hook| hook.get_mut("checks")?.as_array_mut()).flatten();
    for check in checks.filter_map(Value::as_object_mut) {
        check.insert("data".to_owned(), json!({}));
        check.insert("log".to_owned(), Value::Null);
    }
    hook_results
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_merged_into_an_object_and_its_own_bytes_stay() {
        let results = json!({"before_request_hooks": []});
        for (body, expected) in [
            (r#"{"a": 1.50 }"#, Some(r#"{"a": 1.50 ,"hook_results":{"before_request_hooks":[]}}"#)),
            ("{}", Some(r#"{"hook_results":{"before_request_hooks":[]}}"#)),
            (" { \n} ", Some("{ \n\"hook_results\":{\"before_request_hooks\":[]}}")),
            ("[1]", None),
            ("\"{}\"", None),
            ("{\"a\":", None),
            ("", None),
        ] {
            assert_eq!(merged(body.as_bytes(), &results).as_deref(), expected.map(str::as_bytes), "{body}");
        }
    }

    #[test]
    fn what_checks_saw_is_taken_out_and_the_rest_stays() {
        let results = json!({"before_request_hooks": [{"id": "g", "verdict": false, "checks": [
            {"id": "default.contains", "verdict": false, "data": {"found": ["secret"]}, "log": "secret"}]}]});
        let expected = json!({"before_request_hooks": [{"id": "g", "verdict": false, "checks": [
            {"id": "default.contains", "verdict": false, "data": {}, "log": null}]}]});
        assert_eq!(without_content(results), expected);
    }
}
