//! Chats and completions.

use bytes::Bytes;
use serde_json::{Value, json};

use super::request::{Refusal, Request};
use super::{Answer, json_answer};

/// The longest text of an answer, in bytes and in words, over all its choices.
const MAX_BYTES: usize = 64 * 1024;
const MAX_WORDS: usize = 4096;

/// The last user message's text, or the last message's if none is the user's.
pub(super) fn chat(body: &[u8], id: &str, created: i64) -> Result<Answer, Refusal> {
    let request = Request::parse(body)?;
    let messages = request
        .get("messages")
        .and_then(Value::as_array)
        .filter(|messages| !messages.is_empty())
        .ok_or_else(|| Refusal::bad("messages", "must be a list of at least one message"))?;
    let messages = messages.iter().map(message).collect::<Result<Vec<_>, _>>()?;
    let last = messages.iter().rev().find(|(role, _)| *role == "user").or(messages.last());
    let text = last.map(|(_, text)| text.clone()).unwrap_or_default();
    let asked = messages.iter().map(|(_, text)| count_words(text)).sum();
    Echo::new(Kind::Chat, &request, id, created, asked, &[text])?.answer(&request)
}

/// The prompt, or each of the prompts as a choice.
pub(super) fn complete(body: &[u8], id: &str, created: i64) -> Result<Answer, Refusal> {
    let request = Request::parse(body)?;
    let bad = || Refusal::bad("prompt", "must be a string or a list of strings");
    let prompts = match request.get("prompt").ok_or_else(bad)? {
        Value::String(prompt) => vec![prompt.clone()],
        Value::Array(prompts) if !prompts.is_empty() => prompts
            .iter()
            .map(|prompt| prompt.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(bad)?,
        _ => return Err(bad()),
    };
    if prompts.len() > MAX_WORDS {
        return Err(Refusal::bad("prompt", "must be at most 4096 strings"));
    }
    let asked = prompts.iter().map(|prompt| count_words(prompt)).sum();
    Echo::new(Kind::Completion, &request, id, created, asked, &prompts)?.answer(&request)
}

/// A message's role and text; parts that are not text have none.
fn message(message: &Value) -> Result<(&str, String), Refusal> {
    let role = message
        .get("role")
        .and_then(Value::as_str)
        .ok_or_else(|| Refusal::bad("messages", "each must be an object with a role"))?;
    let text = match message.get("content") {
        None | Some(Value::Null) => Some(String::new()),
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Array(parts)) => {
            parts.iter().map(part).collect::<Option<Vec<_>>>().map(|texts| texts.join("\n"))
        }
        Some(_) => None,
    };
    let text =
        text.ok_or_else(|| Refusal::bad("messages", "each content must be a string or a list of parts"))?;
    Ok((role, text))
}

fn part(part: &Value) -> Option<&str> {
    match part.get("type")?.as_str()? {
        "text" => part.get("text")?.as_str(),
        _ => Some(""),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Chat,
    Completion,
}

struct Choice {
    text: String,
    finish_reason: &'static str,
}

struct Echo<'a> {
    kind: Kind,
    id: String,
    created: i64,
    model: &'a str,
    choices: Vec<Choice>,
    usage: Value,
}

impl<'a> Echo<'a> {
    fn new(
        kind: Kind,
        request: &'a Request,
        id: &str,
        created: i64,
        asked: usize,
        texts: &[String],
    ) -> Result<Self, Refusal> {
        if request.number("n")?.unwrap_or(1) != 1 {
            return Err(Refusal::bad("n", "must be 1"));
        }
        let limit = match request.number("max_completion_tokens")? {
            Some(limit) => Some(limit),
            None => request.number("max_tokens")?,
        };
        let (mut bytes, mut words) = (MAX_BYTES, MAX_WORDS);
        let choices: Vec<Choice> = texts
            .iter()
            .map(|text| {
                let choice = cut(text, bytes, words.min(limit.unwrap_or(words)));
                bytes -= choice.text.len();
                words -= count_words(&choice.text);
                choice
            })
            .collect();
        let said: usize = choices.iter().map(|choice| count_words(&choice.text)).sum();
        let usage = json!({
            "prompt_tokens": asked,
            "completion_tokens": said,
            "total_tokens": asked + said,
            "prompt_tokens_details": { "cached_tokens": 0, "audio_tokens": 0 },
            "completion_tokens_details": { "reasoning_tokens": 0, "audio_tokens": 0 },
        });
        let id = if kind == Kind::Chat { format!("chatcmpl-{id}") } else { format!("cmpl-{id}") };
        Ok(Self { kind, id, created, model: request.model()?, choices, usage })
    }

    fn answer(self, request: &Request) -> Result<Answer, Refusal> {
        let (stream, include_usage) = (request.flag("stream")?, request.include_usage()?);
        Ok(if stream { Answer::Stream(self.events(include_usage)) } else { self.whole() })
    }

    fn whole(self) -> Answer {
        let choices: Vec<Value> =
            (0..).zip(&self.choices).map(|(index, choice)| self.choice(index, choice)).collect();
        let object = if self.kind == Kind::Chat { "chat.completion" } else { "text_completion" };
        let mut body = self.envelope(object, &choices);
        body["usage"] = self.usage;
        json_answer(200, &body)
    }

    fn choice(&self, index: usize, choice: &Choice) -> Value {
        let Choice { text, finish_reason } = choice;
        match self.kind {
            Kind::Chat => json!({
                "index": index,
                "message": { "role": "assistant", "content": text, "refusal": null },
                "logprobs": null,
                "finish_reason": finish_reason,
            }),
            Kind::Completion => {
                json!({ "index": index, "text": text, "logprobs": null, "finish_reason": finish_reason })
            }
        }
    }

    /// The role, a word an event, the end of each choice, the usage if it was asked for, `[DONE]`.
    fn events(&self, include_usage: bool) -> Vec<Bytes> {
        let object = if self.kind == Kind::Chat { "chat.completion.chunk" } else { "text_completion" };
        let event = |choices: &[Value], usage: Option<&Value>| {
            let mut chunk = self.envelope(object, choices);
            if include_usage {
                chunk["usage"] = usage.cloned().unwrap_or_default();
            }
            Bytes::from(format!("data: {chunk}\n\n"))
        };
        let mut events = Vec::new();
        for (index, choice) in self.choices.iter().enumerate() {
            if self.kind == Kind::Chat {
                let role = json!({ "role": "assistant", "content": "", "refusal": null });
                events.push(event(&[self.delta(index, &role, None)], None));
            }
            for word in words(&choice.text) {
                let word = json!({ "content": word });
                events.push(event(&[self.delta(index, &word, None)], None));
            }
            events.push(event(&[self.delta(index, &json!({}), Some(choice.finish_reason))], None));
        }
        if include_usage {
            events.push(event(&[], Some(&self.usage)));
        }
        events.push(Bytes::from_static(b"data: [DONE]\n\n"));
        events
    }

    fn delta(&self, index: usize, delta: &Value, finish_reason: Option<&str>) -> Value {
        match self.kind {
            Kind::Chat => json!({
                "index": index, "delta": delta, "logprobs": null, "finish_reason": finish_reason,
            }),
            Kind::Completion => json!({
                "index": index,
                "text": delta.get("content").cloned().unwrap_or_else(|| "".into()),
                "logprobs": null,
                "finish_reason": finish_reason,
            }),
        }
    }

    fn envelope(&self, object: &str, choices: &[Value]) -> Value {
        json!({
            "id": self.id,
            "object": object,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": null,
            "choices": choices,
        })
    }
}

/// As much of the text as the limits allow.
fn cut(text: &str, max_bytes: usize, max_words: usize) -> Choice {
    let short = &text[..text.floor_char_boundary(max_bytes)];
    let within: usize = words(short).take(max_words).map(str::len).sum();
    if within == text.len() {
        return Choice { text: text.to_owned(), finish_reason: "stop" };
    }
    Choice { text: short[..within].trim_end().to_owned(), finish_reason: "length" }
}

/// The text in pieces of one word each, with the space after it; the first also has the space before it.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let word = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
        let space = rest[word..].find(char::is_whitespace).map_or(rest.len(), |at| word + at);
        let next = rest[space..].find(|c: char| !c.is_whitespace()).map_or(rest.len(), |at| space + at);
        let (piece, after) = rest.split_at(next);
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

fn count_words(text: &str) -> usize {
    text.split_whitespace().count()
}
