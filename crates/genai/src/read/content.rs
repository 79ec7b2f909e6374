//! What was asked and answered, as the bodies of a call in `OpenAI`'s shape.

use opentelemetry_proto::tonic::trace::v1::span::Event;
use providers::{Endpoint, Usage};
use serde_json::{Map, Value, json};

use super::attributes::{Attributes, structure};
use super::message::{Message, finish_reason};
use crate::names::aliases;

/// The messages of a span, from wherever they are.
pub(super) struct Content {
    pub input: Vec<Message>,
    pub output: Vec<Message>,
    /// Where the instrumentation gives the bodies themselves.
    asked: Option<Map<String, Value>>,
    answered: Option<Map<String, Value>>,
}

impl Content {
    pub fn of(attributes: &Attributes, events: Vec<Event>) -> Self {
        let (of_events_in, of_events_out) = of_events(events);
        let (asked, mut input) = side(attributes, Side::INPUT, of_events_in);
        let (answered, output) = side(attributes, Side::OUTPUT, of_events_out);
        if let Some(parts) = attributes.structure(aliases::SYSTEM_INSTRUCTIONS) {
            let role = "system";
            input.splice(0..0, Message::all_of(&json!({"role": role, "parts": parts}), role));
        }
        Self { input, output, asked, answered }
    }

    /// Whether there is an answer to count tokens in.
    pub fn has_answer(&self) -> bool {
        !self.output.is_empty() || self.answered.is_some()
    }

    pub fn request(&mut self, endpoint: Endpoint, attributes: &Attributes, model: Option<&str>) -> Value {
        let mut body = Map::new();
        body.extend(model.map(|model| ("model".to_owned(), model.into())));
        let input = std::mem::take(&mut self.input);
        match endpoint {
            Endpoint::Embeddings => {
                body.insert("input".to_owned(), embedded(attributes, input));
            }
            Endpoint::Completions => {
                let text = input.into_iter().find_map(|mut message| message.body.remove("content"));
                body.insert("prompt".to_owned(), text.unwrap_or_default());
            }
            _ => {
                let messages: Vec<Value> = input.into_iter().map(Message::into_value).collect();
                body.insert("messages".to_owned(), messages.into());
            }
        }
        for (name, from) in aliases::REQUEST_PARAMETERS {
            body.extend(attributes.first(from).map(|value| ((*name).to_owned(), value.clone())));
        }
        let tools = tools(attributes);
        if !tools.is_empty() {
            body.insert("tools".to_owned(), tools.into());
        }
        let more = attributes.structure(aliases::PARAMETERS).and_then(object);
        for (name, value) in more.into_iter().chain(self.asked.take()).flatten() {
            body.entry(name).or_insert(value);
        }
        body.into()
    }

    pub fn response(
        self,
        endpoint: Endpoint,
        attributes: &Attributes,
        model: Option<&str>,
        usage: Option<&Usage>,
    ) -> Value {
        let mut body = Map::new();
        body.extend(attributes.text(aliases::RESPONSE_ID).map(|id| ("id".to_owned(), id.into())));
        let (object, list) = match endpoint {
            Endpoint::Embeddings => ("list", "data"),
            Endpoint::Completions => ("text_completion", "choices"),
            _ => ("chat.completion", "choices"),
        };
        body.insert("object".to_owned(), object.into());
        body.extend(model.map(|model| ("model".to_owned(), model.into())));
        let choices = match endpoint {
            Endpoint::Embeddings => Vec::new(),
            _ => choices(endpoint, self.output, attributes),
        };
        if let Some(answered) = self.answered {
            body.extend(answered);
        }
        if !body.contains_key(list) {
            body.insert(list.to_owned(), choices.into());
        }
        if let Some(usage) = usage {
            body.insert("usage".to_owned(), counted(usage));
        }
        body.into()
    }
}

/// Where one side's messages are looked for.
#[derive(Clone, Copy)]
struct Side {
    messages: &'static [&'static str],
    indexed: &'static [&'static str],
    plain: &'static [&'static str],
    role: &'static str,
    /// What a body has its messages under.
    within: &'static str,
}

impl Side {
    const INPUT: Self = Self {
        messages: aliases::INPUT_MESSAGES,
        indexed: aliases::INDEXED_INPUT,
        plain: aliases::PROMPT,
        role: "user",
        within: "messages",
    };
    const OUTPUT: Self = Self {
        messages: aliases::OUTPUT_MESSAGES,
        indexed: aliases::INDEXED_OUTPUT,
        plain: aliases::COMPLETION,
        role: "assistant",
        within: "choices",
    };
}

/// The newest shape that is there wins; one thing is never taken from two.
fn side(
    attributes: &Attributes,
    side: Side,
    events: Vec<Message>,
) -> (Option<Map<String, Value>>, Vec<Message>) {
    let all = |values: &[Value]| -> Vec<Message> {
        values.iter().flat_map(|value| Message::all_of(value, side.role)).collect()
    };
    if let Some(Value::Array(messages)) = attributes.structure(side.messages) {
        return (None, all(&messages));
    }
    if let Some(items) =
        side.indexed.iter().map(|prefix| attributes.items(prefix)).find(|items| !items.is_empty())
    {
        return (None, all(&items));
    }
    if !events.is_empty() {
        return (None, events);
    }
    let Some(plain) = attributes.first(side.plain) else { return (None, Vec::new()) };
    match structure(plain) {
        Some(Value::Array(messages)) => (None, all(&messages)),
        Some(Value::Object(mut body)) => match body.get(side.within) {
            Some(Value::Array(_)) if side.within == "choices" => (Some(body), Vec::new()),
            Some(Value::Array(messages)) => {
                let messages = all(messages);
                body.remove(side.within);
                (Some(body), messages)
            }
            _ => (None, all(&[Value::Object(body)])),
        },
        _ => (None, all(std::slice::from_ref(plain))),
    }
}

/// Messages that came as events of the span, as they did until v1.36; the question's and the answer's.
fn of_events(events: Vec<Event>) -> (Vec<Message>, Vec<Message>) {
    let (mut input, mut output) = (Vec::new(), Vec::new());
    for event in events {
        let attributes = Attributes::of(event.attributes);
        let role = match event.name.as_str() {
            "gen_ai.system.message" => "system",
            "gen_ai.user.message" => "user",
            "gen_ai.assistant.message" => "assistant",
            "gen_ai.tool.message" => "tool",
            "gen_ai.choice" => {
                output.extend(choice(attributes));
                continue;
            }
            "gen_ai.content.prompt" => {
                input.extend(side(&attributes, Side::INPUT, Vec::new()).1);
                continue;
            }
            "gen_ai.content.completion" => {
                output.extend(side(&attributes, Side::OUTPUT, Vec::new()).1);
                continue;
            }
            _ => continue,
        };
        let mut fields = attributes.into_object();
        if let Some(id) = fields.remove("id") {
            fields.insert("tool_call_id".to_owned(), id);
        }
        input.extend(Message::all_of(&fields.into(), role));
    }
    (input, output)
}

fn choice(attributes: Attributes) -> Vec<Message> {
    let mut fields = attributes.into_object();
    let reason = fields.get("finish_reason").and_then(Value::as_str).map(finish_reason);
    let inner = fields.remove("message").map(|message| structure(&message).unwrap_or(message));
    let message = inner.unwrap_or_else(|| fields.into());
    let mut messages = Message::all_of(&message, "assistant");
    if let Some(last) = messages.last_mut() {
        last.finish_reason = reason.or(last.finish_reason.take());
    }
    messages
}

fn choices(endpoint: Endpoint, output: Vec<Message>, attributes: &Attributes) -> Vec<Value> {
    let reasons = attributes.structure(aliases::FINISH_REASONS);
    let single = attributes.text(aliases::FINISH_REASON).map(finish_reason);
    let choice = |(index, message): (usize, Message)| {
        let listed = reasons.as_ref().and_then(|all| all.get(index)?.as_str()).map(finish_reason);
        let reason = message.finish_reason.clone().or(listed).or_else(|| single.clone());
        if endpoint == Endpoint::Completions {
            let text = message.body.get("content").cloned().unwrap_or_default();
            json!({"index": index, "text": text, "finish_reason": reason})
        } else {
            json!({"index": index, "message": message.into_value(), "finish_reason": reason})
        }
    };
    let answers = output.into_iter().filter(|message| !matches!(message.role(), "user" | "system"));
    answers.enumerate().map(choice).collect()
}

/// The texts that were embedded.
fn embedded(attributes: &Attributes, input: Vec<Message>) -> Value {
    let texts = attributes.items("embedding.embeddings").into_iter();
    let mut texts: Vec<Value> = texts.filter_map(|item| item.pointer("/embedding/text").cloned()).collect();
    if texts.is_empty() {
        texts = input.into_iter().filter_map(|mut message| message.body.remove("content")).collect();
    }
    texts.into()
}

fn tools(attributes: &Attributes) -> Vec<Value> {
    if let Some(Value::Array(tools)) = attributes.structure(aliases::TOOL_DEFINITIONS) {
        return tools;
    }
    let schemas = attributes.items("llm.tools").into_iter();
    let schemas = schemas.filter_map(|tool| structure(tool.pointer("/tool/json_schema")?));
    let functions = attributes.items("llm.request.functions").into_iter().map(|mut function| {
        if let Some(parameters) = function.get("parameters").and_then(structure) {
            function["parameters"] = parameters;
        }
        json!({"type": "function", "function": function})
    });
    schemas.chain(functions).collect()
}

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

fn counted(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total(),
        "prompt_tokens_details": {"cached_tokens": usage.cached_input_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    })
}
