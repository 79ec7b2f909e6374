//! What a list is narrowed by, read from its query. The names are the contract's filter schema's (3), and where it has
//! none, ours.

use std::collections::BTreeMap;

use logstore::text::Search;
use logstore::{Filter, Range, Retry, Span};
use sea_orm::prelude::Uuid;
use serde_json::Value;
use utoipa::IntoParams;

use super::row::pusd;
use crate::query::Parameters;
use crate::{Api, Error};

const CACHE_STATUSES: [&str; 6] = ["DISABLED", "MISS", "SEMANTIC MISS", "REFRESH", "HIT", "SEMANTIC HIT"];

/// What became of a call, as a log has it.
const OUTCOMES: [&str; 7] =
    ["answered", "refused", "upstream_failed", "upstream_cut", "client_gone", "timed_out", "panicked"];

/// Where logs come from.
const SOURCES: [&str; 3] = ["gateway", "insert", "otlp"];

/// How the targets of a call were chosen.
const MODES: [&str; 4] = ["single", "fallback", "loadbalance", "conditional"];

/// Pairs of metadata, at most.
const MAX_PAIRS: usize = 20;

/// Characters of a text that is looked for, at most.
const MAX_TEXT_CHARS: usize = 256;

/// When.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it says what is read from the query")]
pub(crate) struct Times {
    /// When the call was received, at the earliest; ISO 8601.
    #[param(format = DateTime)]
    time_of_generation_min: Option<String>,
    /// When the call was received, at the latest; ISO 8601.
    #[param(format = DateTime)]
    time_of_generation_max: Option<String>,
}

/// What a list is narrowed by beside the time.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it says what is read from the query")]
pub(crate) struct Filters {
    /// HTTP status codes, 100 to 599.
    #[param(style = Form, explode = false, max_items = 100)]
    status_code: Option<Vec<i16>>,
    /// Providers' slugs.
    #[param(style = Form, explode = false, max_items = 100)]
    ai_org: Option<Vec<String>>,
    /// More providers' slugs.
    #[param(style = Form, explode = false, max_items = 100)]
    provider: Option<Vec<String>>,
    /// Names of models.
    #[param(style = Form, explode = false, max_items = 100)]
    ai_model: Option<Vec<String>>,
    /// More names of models.
    #[param(style = Form, explode = false, max_items = 100)]
    model: Option<Vec<String>>,
    /// Pairs such as `openai__gpt-4o`.
    #[param(style = Form, explode = false, max_items = 100)]
    ai_org_model: Option<Vec<String>>,
    /// Slugs of virtual keys.
    #[param(style = Form, explode = false, max_items = 100)]
    virtual_keys: Option<Vec<String>>,
    /// Slugs of saved configs.
    #[param(style = Form, explode = false, max_items = 100)]
    configs: Option<Vec<String>>,
    /// Slugs of prompt templates that calls were made from.
    #[param(style = Form, explode = false, max_items = 100)]
    prompt_slug: Option<Vec<String>>,
    /// API keys.
    #[param(style = Form, explode = false, max_items = 100)]
    api_key_ids: Option<Vec<Uuid>>,
    /// Traces.
    #[param(style = Form, explode = false, max_items = 100)]
    trace_id: Option<Vec<String>>,
    /// Spans.
    #[param(style = Form, explode = false, max_items = 100)]
    span_id: Option<Vec<String>>,
    /// What the metadata has under `_user`.
    #[param(style = Form, explode = false, max_items = 100)]
    user: Option<Vec<String>>,
    /// `answered`, `refused`, `upstream_failed`, `upstream_cut`, `client_gone`, `timed_out` or `panicked`.
    #[param(style = Form, explode = false, max_items = 100)]
    outcome: Option<Vec<String>>,
    /// Where the log is from: `gateway`, `insert` or `otlp`.
    #[param(style = Form, explode = false, max_items = 100)]
    source: Option<Vec<String>>,
    /// How the target was chosen: `single`, `fallback`, `loadbalance` or `conditional`.
    #[param(style = Form, explode = false, max_items = 100)]
    mode: Option<Vec<String>>,
    /// A JSON object of at most 20 strings, such as `{"env":"prod"}`: pairs that a log has all of.
    #[param(example = r#"{"env":"prod"}"#)]
    metadata: Option<String>,
    /// Cents, at least.
    #[param(minimum = 0, exclusive_maximum = 1e12)]
    cost_min: Option<f64>,
    /// Cents, at most.
    #[param(minimum = 0, exclusive_maximum = 1e12)]
    cost_max: Option<f64>,
    /// Tokens in all, at least.
    #[param(minimum = 0)]
    total_units_min: Option<i64>,
    /// Tokens in all, at most.
    #[param(minimum = 0)]
    total_units_max: Option<i64>,
    /// Tokens of the prompt, at least.
    #[param(minimum = 0)]
    prompt_token_min: Option<i64>,
    /// Tokens of the prompt, at most.
    #[param(minimum = 0)]
    prompt_token_max: Option<i64>,
    /// Tokens of the completion, at least.
    #[param(minimum = 0)]
    completion_token_min: Option<i64>,
    /// Tokens of the completion, at most.
    #[param(minimum = 0)]
    completion_token_max: Option<i64>,
    /// Milliseconds, at least.
    #[param(minimum = 0, exclusive_maximum = 1e12)]
    response_time_min: Option<f64>,
    /// Milliseconds, at most.
    #[param(minimum = 0, exclusive_maximum = 1e12)]
    response_time_max: Option<f64>,
    /// `DISABLED`, `MISS`, `SEMANTIC MISS`, `REFRESH`, `HIT` or `SEMANTIC HIT`.
    #[param(style = Form, explode = false, max_items = 100)]
    cache_status: Option<Vec<String>>,
    /// `not_triggered`, `success` or `failed`.
    #[param(style = Form, explode = false, max_items = 100)]
    retry_status: Option<Vec<String>>,
    /// Words that prompt and answer have between them, in any order and whatever their case; the last one also as the beginning of a
    /// word. Found some seconds after the call.
    #[param(min_length = 1, max_length = 256, example = "refund order")]
    text: Option<String>,
    /// The mean of value times weight over the feedback of the log's trace, at least; a trace without feedback is in no range.
    #[param(minimum = -10, maximum = 10)]
    weighted_feedback_min: Option<f64>,
    /// The same, at most.
    #[param(minimum = -10, maximum = 10)]
    weighted_feedback_max: Option<f64>,
}

pub(crate) fn take(query: &mut Parameters) -> Result<Filter, Error> {
    let word = |item: &str| Some(item.to_owned());
    let status = |item: &str| item.parse().ok().filter(|code| (100..600).contains(code));
    Ok(Filter {
        created_ms: Range {
            min: query.moment("time_of_generation_min")?,
            max: query.moment("time_of_generation_max")?,
        },
        status_codes: query.items("status_code", status, "HTTP status codes, with commas between them")?,
        providers: words(query, ["ai_org", "provider"], "providers' slugs")?,
        models: words(query, ["ai_model", "model"], "names of models")?,
        provider_models: query.items("ai_org_model", pair, "pairs such as openai__gpt-4o")?,
        virtual_keys: query.items("virtual_keys", word, "slugs of virtual keys")?,
        configs: query.items("configs", word, "slugs of saved configs")?,
        prompts: query.items("prompt_slug", word, "slugs of prompt templates")?,
        api_key_ids: query.items("api_key_ids", |item| item.parse::<Uuid>().ok(), "UUIDs of API keys")?,
        trace_ids: query.items("trace_id", word, "ids of traces")?,
        span_ids: query.items("span_id", word, "ids of spans")?,
        users: query.items("user", word, "names of users")?,
        outcomes: one_of(query, "outcome", &OUTCOMES)?,
        sources: one_of(query, "source", &SOURCES)?,
        modes: one_of(query, "mode", &MODES)?,
        metadata: metadata(query)?,
        cost_pusd: range(query, ["cost_min", "cost_max"], "cents, a number of at least 0", pusd, pusd)?,
        total_tokens: tokens(query, ["total_units_min", "total_units_max"])?,
        input_tokens: tokens(query, ["prompt_token_min", "prompt_token_max"])?,
        output_tokens: tokens(query, ["completion_token_min", "completion_token_max"])?,
        latency_us: latency(query)?,
        cache_statuses: query.items("cache_status", cache_status, &CACHE_STATUSES.join(", "))?,
        retries: query.items("retry_status", retry, &Retry::ALL.map(Retry::as_str).join(", "))?,
        text: text(query)?,
        weighted_feedback: Span {
            min: weighted(query, "weighted_feedback_min")?,
            max: weighted(query, "weighted_feedback_max")?,
        },
    })
}

/// Refuses to look for words where logs cannot be found by any.
pub(crate) fn check_searched(api: &Api, filter: &Filter) -> Result<(), Error> {
    if filter.text.is_none() || api.text_index {
        return Ok(());
    }
    let expected = "it left out, or the setting log.text_index";
    Err(Error::invalid("text", "logs are not searched here", expected))
}

/// Words to be found; empty is none of them, and would find all.
fn text(query: &mut Parameters) -> Result<Option<Search>, Error> {
    let Some(text) = query.given("text") else { return Ok(None) };
    let expected = format!("words, in at most {MAX_TEXT_CHARS} characters");
    let invalid = |problem: &str| Error::invalid("text", problem, expected);
    match text.chars().count() {
        0..=MAX_TEXT_CHARS => Search::read(&text).map(Some).ok_or_else(|| invalid("there is no word in it")),
        n => Err(invalid(&format!("{n} characters"))),
    }
}

fn one_of(query: &mut Parameters, name: &'static str, words: &[&str]) -> Result<Vec<String>, Error> {
    let word = |item: &str| words.contains(&item).then(|| item.to_owned());
    query.items(name, word, &words.join(", "))
}

fn weighted(query: &mut Parameters, name: &'static str) -> Result<Option<f64>, Error> {
    query.parsed(name, |mean| (-10.0..=10.0).contains(mean), "a number from -10 to 10")
}

/// A list under the contract's name and under the one that a row has it by.
fn words(query: &mut Parameters, names: [&'static str; 2], expected: &str) -> Result<Vec<String>, Error> {
    let word = |item: &str| Some(item.to_owned());
    Ok([query.items(names[0], word, expected)?, query.items(names[1], word, expected)?].concat())
}

fn pair(item: &str) -> Option<(String, String)> {
    let (provider, model) = item.split_once("__")?;
    Some((provider.to_owned(), model.to_owned()))
}

fn cache_status(item: &str) -> Option<String> {
    let status = item.to_ascii_uppercase().replace('_', " ");
    CACHE_STATUSES.contains(&status.as_str()).then_some(status)
}

fn retry(item: &str) -> Option<Retry> {
    Retry::ALL.into_iter().find(|retry| retry.as_str() == item)
}

fn tokens(query: &mut Parameters, names: [&'static str; 2]) -> Result<Range, Error> {
    let mut bound = |name| query.parsed(name, |tokens| *tokens >= 0, "a whole number of at least 0");
    Ok(Range { min: bound(names[0])?, max: bound(names[1])? })
}

/// Whole milliseconds are asked for and shown: 820 is all from 820.000 to 820.999.
#[expect(clippy::cast_possible_truncation, reason = "saturates, and no call takes that long")]
fn latency(query: &mut Parameters) -> Result<Range, Error> {
    let min = |ms: f64| (ms * 1000.0).ceil() as i64;
    let max = |ms: f64| (ms.floor() * 1000.0) as i64 + 999;
    range(query, ["response_time_min", "response_time_max"], "milliseconds, a number of at least 0", min, max)
}

fn range(
    query: &mut Parameters,
    names: [&'static str; 2],
    expected: &str,
    min: impl Fn(f64) -> i64,
    max: impl Fn(f64) -> i64,
) -> Result<Range, Error> {
    let mut bound = |name| query.parsed(name, |n: &f64| n.is_finite() && (0.0..1e12).contains(n), expected);
    Ok(Range { min: bound(names[0])?.map(min), max: bound(names[1])?.map(max) })
}

/// A JSON object of pairs, all of which a log must have.
fn metadata(query: &mut Parameters) -> Result<BTreeMap<String, String>, Error> {
    let Some(text) = query.take("metadata") else { return Ok(BTreeMap::new()) };
    let expected = r#"a JSON object of strings, such as {"env":"prod"}"#;
    let invalid = |problem: String| Error::invalid("metadata", problem, expected);
    let Ok(Value::Object(pairs)) = serde_json::from_str(&text) else {
        return Err(invalid(format!("found `{text}`")));
    };
    if pairs.len() > MAX_PAIRS {
        return Err(invalid(format!("{} pairs; at most {MAX_PAIRS}", pairs.len())));
    }
    let text = |(key, value): (String, Value)| match value {
        // JSON can spell what no text of the database has.
        Value::String(value) if key.contains('\0') || value.contains('\0') => {
            Err(invalid("a NUL character is in it".to_owned()))
        }
        Value::String(value) => Ok((key, value)),
        _ => Err(invalid(format!("the value of `{key}` is not a string"))),
    };
    pairs.into_iter().map(text).collect()
}
