//! Checks of what a request is, and of what it says of itself.

use super::{Finding, Operator, Subject};
use crate::parse::Parameters;

/// `allowedRequestTypes`: calls of these kinds, and none of those. What a list does not say the call's metadata may.
#[derive(Debug)]
pub(crate) struct RequestTypes {
    allowed: Vec<String>,
    blocked: Vec<String>,
}

impl RequestTypes {
    pub fn read(parameters: &mut Parameters<'_>) -> Self {
        let allowed = parameters.texts("allowedTypes").unwrap_or_default();
        let blocked = parameters.texts("blockedTypes").unwrap_or_default();
        if let Some(both) = allowed.iter().find(|kind| blocked.contains(kind)) {
            parameters.mistake("blockedTypes", format!("{both} is in allowedTypes too"));
        }
        Self { allowed, blocked }
    }

    pub fn judge(&self, subject: Subject<'_>) -> Finding<'static> {
        let told = |list: &[String], key: &str| -> Vec<String> {
            if !list.is_empty() {
                return list.to_vec();
            }
            let told = subject.call.metadata.get(key).map(String::as_str).unwrap_or_default();
            told.split(',').map(str::trim).filter(|kind| !kind.is_empty()).map(str::to_owned).collect()
        };
        let (allowed, blocked) =
            (told(&self.allowed, "supported_endpoints"), told(&self.blocked, "blocked_endpoints"));
        let kind = subject.call.endpoint.name();
        let is = |list: &[String]| list.iter().any(|listed| listed == kind);
        let (verdict, explanation) = if is(&blocked) {
            (false, "calls of this type are blocked")
        } else if allowed.is_empty() || is(&allowed) {
            (true, "calls of this type are allowed")
        } else {
            (false, "calls of this type are not among those that are allowed")
        };
        Finding::of(verdict, explanation).with("currentRequestType", kind)
    }
}

/// `requiredMetadataKeys`: keys of the call's metadata.
#[derive(Debug)]
pub(crate) struct MetadataKeys {
    keys: Vec<String>,
    operator: Operator,
}

impl MetadataKeys {
    pub fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        let operator = Operator::read(parameters, Operator::All);
        Some(Self { keys: parameters.needed_texts("metadataKeys")?, operator })
    }

    pub fn judge(&self, subject: Subject<'_>) -> Finding<'static> {
        let metadata = &subject.call.metadata;
        self.operator.judge(&self.keys, |key| metadata.get(key).is_some_and(|value| !value.is_empty()))
    }
}
