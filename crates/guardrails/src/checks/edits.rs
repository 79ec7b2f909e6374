//! What rewrites a text.

use std::fmt;

use providers::Endpoint;
use regex::{NoExpand, Regex};
use serde_json::{Value, json};

use super::{Change, Finding, Subject};
use crate::parse::Parameters;
use crate::{Phase, content};

/// A change of a body that can follow on others.
pub(crate) trait Edit: fmt::Debug + Sync {
    /// Whether anything was changed.
    fn apply(&self, endpoint: Endpoint, phase: Phase, body: &mut Value) -> bool;
}

/// `regexReplace`: what the pattern finds in the text is replaced.
#[derive(Debug)]
pub(crate) struct RegexReplace {
    rule: Regex,
    put: String,
    fail_on_detection: bool,
}

impl RegexReplace {
    pub fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        let put = parameters.text("redactText").unwrap_or_else(|| "[REDACTED]".to_owned());
        let fail_on_detection = parameters.flag("failOnDetection", false);
        Some(Self { rule: parameters.pattern("rule")?, put, fail_on_detection })
    }

    pub fn judge(&self, subject: Subject<'_>) -> Finding<'_> {
        let found = self.rule.is_match(subject.text);
        let explanation =
            if found { "what the pattern finds was replaced" } else { "the pattern finds nothing" };
        let finding =
            Finding::of(!(found && self.fail_on_detection), explanation).with("rule", self.rule.as_str());
        if found { finding.changing(Change::Edit(self)) } else { finding }
    }
}

impl Edit for RegexReplace {
    fn apply(&self, endpoint: Endpoint, phase: Phase, body: &mut Value) -> bool {
        content::edit(endpoint, phase, body, |part| {
            self.rule.is_match(part).then(|| self.rule.replace_all(part, NoExpand(&self.put)).into_owned())
        })
    }
}

/// `addPrefix`: a text before the prompt, or before the first message of a role.
#[derive(Debug)]
pub(crate) struct AddPrefix {
    prefix: String,
    role: String,
    add_to_existing: bool,
    only_if_empty: bool,
}

impl AddPrefix {
    pub fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        let role = parameters.text("applyToRole").unwrap_or_else(|| "user".to_owned());
        let add_to_existing = parameters.flag("addToExisting", true);
        let only_if_empty = parameters.flag("onlyIfEmpty", false);
        Some(Self { prefix: parameters.needed_text("prefix")?, role, add_to_existing, only_if_empty })
    }

    pub fn judge(&self, subject: Subject<'_>) -> Finding<'_> {
        if subject.phase != Phase::Input {
            return Finding::of(true, "there is nothing to put before an answer");
        }
        Finding::of(true, "the prefix was put before the text").changing(Change::Edit(self))
    }

    fn to_messages(&self, messages: &mut Vec<Value>) -> bool {
        let of_role = |message: &Value| message.get("role").and_then(Value::as_str) == Some(&self.role);
        let new = json!({"role": self.role, "content": self.prefix});
        match messages.iter().position(of_role) {
            Some(_) if self.only_if_empty => return false,
            Some(at) if self.add_to_existing => return self.to_content(&mut messages[at]),
            Some(at) => messages.insert(at, new),
            None if self.role == "system" => messages.insert(0, new),
            None => messages.push(new),
        }
        true
    }

    fn to_content(&self, message: &mut Value) -> bool {
        match message.get_mut("content") {
            Some(Value::String(text)) => text.insert_str(0, &self.prefix),
            Some(Value::Array(parts)) => parts.insert(0, json!({"type": "text", "text": self.prefix})),
            _ => return false,
        }
        true
    }
}

impl Edit for AddPrefix {
    fn apply(&self, endpoint: Endpoint, phase: Phase, body: &mut Value) -> bool {
        if phase != Phase::Input {
            return false;
        }
        match endpoint {
            Endpoint::ChatCompletions => body
                .get_mut("messages")
                .and_then(Value::as_array_mut)
                .is_some_and(|all| self.to_messages(all)),
            Endpoint::Completions => match body.get_mut("prompt") {
                Some(Value::String(prompt)) => {
                    prompt.insert_str(0, &self.prefix);
                    true
                }
                _ => false,
            },
            _ => false,
        }
    }
}
