//! A guardrail as it is run.

use serde_json::{Map, Value};

use crate::checks::Check;

/// Some checks, and what follows from them.
#[derive(Debug)]
pub struct Guardrail {
    /// None where the config gives it none: each run makes one up.
    pub id: Option<String>,
    pub kind: Kind,
    pub(crate) checks: Vec<Check>,
    /// Whether a call that fails it is refused.
    pub deny: bool,
    /// Whether the call does not wait for it. It then only tells, and neither denies nor changes anything.
    pub asynchronous: bool,
    /// Whether its checks run one after the other, each on what those before made of the text.
    pub sequential: bool,
    pub on_success: Option<Feedback>,
    pub on_fail: Option<Feedback>,
}

impl Guardrail {
    /// Lower-case names of the request's headers that its checks look at.
    pub fn headers(&self) -> impl Iterator<Item = &str> {
        self.checks.iter().filter_map(Check::header)
    }

    /// The ids of its checks, such as `default.contains`.
    pub fn checks(&self) -> impl Iterator<Item = &str> {
        self.checks.iter().map(|check| check.id.as_str())
    }
}

/// What a hook is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Judges.
    Guardrail,
    /// Rewrites; those of a phase run one after the other, before its guardrails.
    Mutator,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Guardrail => "guardrail",
            Self::Mutator => "mutator",
        }
    }
}

/// When a guardrail is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Over the request, before any upstream sees it.
    Input,
    /// Over the answer, before the client sees it.
    Output,
}

impl Phase {
    /// As a webhook is told.
    pub(crate) fn event(self) -> &'static str {
        match self {
            Self::Input => "beforeRequestHook",
            Self::Output => "afterRequestHook",
        }
    }
}

/// What is to be written down about the call's trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Feedback {
    /// -10 to 10.
    pub value: i16,
    /// 0 to 1.
    pub weight: f64,
    pub metadata: Map<String, Value>,
}
