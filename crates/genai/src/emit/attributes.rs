//! Attributes, as they are gathered.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::Event;

/// The longest text that is no content, in characters.
const MAX_TEXT: usize = 1024;

/// Attributes in the order in which they came.
#[derive(Default)]
pub(super) struct Attributes(Vec<KeyValue>);

impl Attributes {
    pub fn text(&mut self, name: &str, text: &str) {
        self.push(name, text_value(text));
    }

    pub fn text_if(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    pub fn texts<'a>(&mut self, name: &str, texts: impl IntoIterator<Item = &'a str>) {
        let values: Vec<_> =
            texts.into_iter().map(|text| AnyValue { value: Some(text_value(text)) }).collect();
        if !values.is_empty() {
            self.push(name, Value::ArrayValue(ArrayValue { values }));
        }
    }

    /// Text that is bounded already.
    pub fn whole_text(&mut self, name: &str, text: String) {
        self.push(name, Value::StringValue(text));
    }

    pub fn int(&mut self, name: &str, number: Option<i64>) {
        if let Some(number) = number {
            self.push(name, Value::IntValue(number));
        }
    }

    pub fn double(&mut self, name: &str, number: Option<f64>) {
        if let Some(number) = number {
            self.push(name, Value::DoubleValue(number));
        }
    }

    pub fn bool(&mut self, name: &str, is: bool) {
        self.push(name, Value::BoolValue(is));
    }

    /// As those of an event.
    pub fn event(self, name: &str, time_unix_nano: u64) -> Event {
        Event { time_unix_nano, name: name.to_owned(), attributes: self.done(), ..Event::default() }
    }

    pub fn done(self) -> Vec<KeyValue> {
        self.0
    }

    fn push(&mut self, name: &str, value: Value) {
        let value = Some(AnyValue { value: Some(value) });
        self.0.push(KeyValue { key: name.to_owned(), value, ..KeyValue::default() });
    }
}

fn text_value(text: &str) -> Value {
    let end = text.char_indices().nth(MAX_TEXT).map_or(text.len(), |(end, _)| end);
    Value::StringValue(text[..end].to_owned())
}
