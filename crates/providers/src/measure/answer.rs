//! What an answer says of itself, read from its one body or from the events of its stream without building trees.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::object::{each_field, each_field_of, each_item, mend, string, text};
use crate::usage::Counts;
use crate::{ServiceTier, Usage, sse};

/// The fields that say something; the rest (above all an embedding's numbers) is skipped unread.
const FIELDS: [&str; 11] = [
    "model",
    "usage",
    "service_tier",
    "x_groq",
    "choices",
    "stop_reason",
    "delta",
    "status",
    "incomplete_details",
    "message",
    "response",
];

/// What was read so far.
#[derive(Default)]
pub(super) struct Answer {
    pub model: Option<String>,
    pub finish_reason: Option<String>,
    /// The provider's counts, merged over the events.
    counts: Counts,
}

impl Answer {
    pub fn of(body: &[u8], sse: bool) -> Self {
        let mut answer = Self::default();
        each_document(body, sse, |text| answer.take(text));
        answer
    }

    pub fn usage(&self) -> Option<Usage> {
        Usage::read(&self.counts)
    }

    /// At which of its prices the provider says that it answered.
    pub fn service_tier(&self) -> ServiceTier {
        self.counts.service_tier.unwrap_or_default()
    }

    /// Takes a document; of one that is cut short or broken, what can be read.
    fn take(&mut self, text: &str) {
        let mut found = Found::default();
        match found.read(text) {
            Err(error) if error.is_eof() => {
                let mended = mend(text);
                let mut found = Found::default();
                _ = found.read(&mended);
                self.take_found(&found);
            }
            _ => self.take_found(&found),
        }
    }

    fn take_found(&mut self, found: &Found) {
        // Anthropic's `message_start` and the responses endpoint's events wrap the answer.
        for wrapped in [found.message, found.response].into_iter().flatten() {
            let mut inner = Found::default();
            _ = inner.read(wrapped.get());
            self.take_one(&inner);
        }
        self.take_one(found);
    }

    fn take_one(&mut self, found: &Found) {
        if self.model.is_none() {
            self.model = found.model.and_then(said).map(Cow::into_owned);
        }
        let groq = found.x_groq.and_then(|x| field(x, "usage")); // Groq's streams
        for usage in [found.usage, groq].into_iter().flatten() {
            self.counts.add(usage);
        }
        if let Some(tier) = found.service_tier {
            self.counts.take_tier(tier);
        }
        if let Some(choices) = found.choices {
            each_item(choices, |choice| self.finish(field(choice, "finish_reason").and_then(said)));
        }
        let stop = (found.stop_reason.and_then(said))
            .or_else(|| field(found.delta?, "stop_reason").and_then(said))
            .or_else(|| field(found.incomplete_details?, "reason").and_then(said))
            .or_else(|| found.status.and_then(said).filter(|status| status != "in_progress"));
        self.finish(stop);
    }

    fn finish(&mut self, reason: Option<Cow<str>>) {
        if let Some(reason) = reason {
            self.finish_reason = Some(reason.into_owned());
        }
    }
}

/// Calls `read` with each JSON document: the one body, or the data of each event.
pub(super) fn each_document(body: &[u8], sse: bool, mut read: impl FnMut(&str)) {
    if !sse {
        return read(text(body));
    }
    for event in sse::events(body) {
        // Some providers end an event with a single line feed, so that one may hold several documents.
        if event.data.contains('\n') && serde_json::from_str::<IgnoredAny>(&event.data).is_err() {
            event.data.lines().for_each(&mut read);
        } else {
            read(&event.data);
        }
    }
}

/// The fields of a document, not yet looked into.
#[derive(Default)]
struct Found<'a> {
    model: Option<&'a RawValue>,
    usage: Option<&'a RawValue>,
    service_tier: Option<&'a RawValue>,
    x_groq: Option<&'a RawValue>,
    choices: Option<&'a RawValue>,
    stop_reason: Option<&'a RawValue>,
    delta: Option<&'a RawValue>,
    status: Option<&'a RawValue>,
    incomplete_details: Option<&'a RawValue>,
    message: Option<&'a RawValue>,
    response: Option<&'a RawValue>,
}

impl<'a> Found<'a> {
    fn read(&mut self, text: &'a str) -> Result<(), serde_json::Error> {
        each_field(text, &FIELDS, |name, value| {
            let slot = match name {
                "model" => &mut self.model,
                "usage" => &mut self.usage,
                "service_tier" => &mut self.service_tier,
                "x_groq" => &mut self.x_groq,
                "choices" => &mut self.choices,
                "stop_reason" => &mut self.stop_reason,
                "delta" => &mut self.delta,
                "status" => &mut self.status,
                "incomplete_details" => &mut self.incomplete_details,
                "message" => &mut self.message,
                _ => &mut self.response,
            };
            *slot = Some(value);
        })
    }
}

/// The field of a raw object; of repeated ones the last.
fn field<'a>(object: &'a RawValue, name: &'static str) -> Option<&'a RawValue> {
    let mut found = None;
    each_field_of(object, &[name], |_, value| found = Some(value));
    found
}

/// The text, unless it is empty: Azure and others send empty names in a stream's first chunk.
fn said(value: &RawValue) -> Option<Cow<'_, str>> {
    if !value.get().starts_with('"') {
        return None;
    }
    string(value).ok().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
