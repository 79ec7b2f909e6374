//! What a log's page says.

use askama::Template;
use entity::log;
use serde_json::{Map, Value};

use super::super::problem::Problem;
use super::content::{Shown, headers};
use crate::logs::{Body, Detail};
use crate::traces::TraceTree;

/// Logs of the trace that are listed.
const MAX_TRACED: usize = 100;

/// Cents in a dollar.
const CENTS: f64 = 100.0;

/// What somebody thinks, as they wrote it.
#[derive(Default)]
pub(super) struct Opinion {
    pub value: String,
    pub weight: String,
}

#[derive(Template)]
#[template(path = "pages/log.html")]
pub(super) struct Page {
    id: String,
    endpoint: String,
    model: String,
    /// In ISO 8601.
    time: String,
    shown_time: String,
    is_success: bool,
    /// The first look: what, and how much.
    figures: Vec<(&'static str, String)>,
    facts: Vec<(&'static str, String)>,
    metadata: Vec<(String, String)>,
    /// Why there is no content, or not all.
    missing: Option<&'static str>,
    sides: [Side; 2],
    attempts: Vec<Attempt>,
    hook_results: Option<Shown>,
    feedback: Vec<Feedback>,
    may_give_feedback: bool,
    pub problem: Option<Problem>,
    opinion: Opinion,
    replayable: bool,
    why_not: String,
    replay_of: Option<String>,
    trace: Option<Traced>,
}

struct Side {
    title: &'static str,
    headers: Vec<(String, String)>,
    body: Option<Shown>,
}

struct Attempt {
    target: String,
    whom: String,
    status: String,
    times: String,
    cache: String,
    error: String,
}

struct Feedback {
    time: String,
    value: i16,
    weight: f64,
    metadata: String,
}

/// The log's trace.
struct Traced {
    id: String,
    logs: Vec<TracedLog>,
    /// Those that are not listed.
    more: i64,
    total: String,
}

struct TracedLog {
    id: String,
    /// Blanks before it, by its place in the tree.
    indent: String,
    name: String,
    model: String,
    status: i16,
    ms: i64,
    is_this: bool,
}

impl Page {
    pub fn of(
        log: &log::Model,
        detail: Detail,
        trace: Option<TraceTree>,
        may_give_feedback: bool,
        problem: Option<Problem>,
        opinion: Opinion,
    ) -> Self {
        Self {
            id: log.id.to_string(),
            endpoint: log.endpoint.clone(),
            model: log.model.clone().unwrap_or_default(),
            shown_time: readable(&crate::instant::iso(log.created_at)),
            time: crate::instant::iso(log.created_at),
            is_success: (200..300).contains(&log.status_code),
            figures: figures(log, &detail),
            facts: facts(log, &detail),
            metadata: headers(log.metadata.as_ref().and_then(Value::as_object)),
            missing: missing(&log.payload),
            sides: [
                Side::of("Request", detail.request.headers.as_ref(), detail.request.body.as_ref()),
                Side::of("Response", detail.response.headers.as_ref(), detail.response.body.as_ref()),
            ],
            attempts: detail.attempts.into_iter().map(attempt).collect(),
            hook_results: log.hook_results.as_ref().map(Shown::json),
            feedback: detail.feedback.into_iter().map(said).collect(),
            may_give_feedback,
            problem,
            opinion,
            replayable: detail.replayable.allowed,
            why_not: detail.replayable.reason.unwrap_or_default(),
            replay_of: log.replay_of.map(|id| id.to_string()),
            trace: trace.map(|tree| traced(tree, log)),
        }
    }

    pub fn title(&self) -> String {
        format!("{} {}", self.endpoint, self.model).trim().to_owned()
    }
}

impl Side {
    fn of(title: &'static str, kept: Option<&Map<String, Value>>, body: Option<&Body>) -> Self {
        Self { title, headers: headers(kept), body: body.map(Shown::of) }
    }
}

fn figures(log: &log::Model, detail: &Detail) -> Vec<(&'static str, String)> {
    let tokens = match (log.input_tokens, log.output_tokens) {
        (None, None) => "not known".to_owned(),
        (input, output) => {
            let side = |tokens: Option<i64>| tokens.map_or("?".to_owned(), |tokens| tokens.to_string());
            let estimated = if log.tokens_estimated { ", estimated" } else { "" };
            format!("{} in, {} out{estimated}", side(input), side(output))
        }
    };
    vec![
        ("Status", format!("{} {}", log.status_code, log.outcome.replace('_', " "))),
        ("Tokens", tokens),
        ("Cost", dollars(crate::logs::row::cents(log.cost_pusd))),
        ("Latency", ms(log.latency_us)),
        ("Cache", detail.status.cache.trim_start_matches("Cache ").to_owned()),
        ("Retry", detail.status.retry.trim_start_matches("Retry ").to_owned()),
        ("Fallback", detail.status.fallback.trim_start_matches("Fallback ").to_owned()),
        ("Load balance", detail.status.loadbalance.trim_start_matches("Loadbalancer ").to_owned()),
    ]
}

fn facts(log: &log::Model, detail: &Detail) -> Vec<(&'static str, String)> {
    let requested = log.requested_model.clone().filter(|model| Some(model) != log.model.as_ref());
    let option = (!log.option_path.is_empty()).then(|| log.option_path.clone());
    let span = match (&log.span_id, &log.span_name) {
        (Some(id), Some(name)) => Some(format!("{id} ({name})")),
        (one, other) => one.clone().or(other.clone()),
    };
    let tokens = |tokens: Option<i64>| tokens.filter(|tokens| *tokens > 0).map(|tokens| tokens.to_string());
    [
        ("Provider", Some(log.provider.clone())),
        ("Model", log.model.clone()),
        ("Model asked for", requested),
        ("Request", Some(format!("{} {}", log.method, log.url))),
        ("Answer", Some(if log.streamed { "streamed" } else { "in one piece" }.to_owned())),
        ("First byte", log.first_byte_us.map(ms)),
        ("Tokens from the cache", tokens(log.cached_input_tokens)),
        ("Tokens into the cache", tokens(log.cache_write_tokens)),
        ("Tokens of reasoning", tokens(log.reasoning_tokens)),
        ("Prices of", log.prices_version.clone()),
        ("Workspace", detail.workspace_id.clone()),
        ("Source", Some(log.source.clone())),
        ("Virtual key", log.virtual_key.clone()),
        ("API key", log.api_key_id.map(|id| id.to_string())),
        ("Config", log.config_id.clone()),
        ("Target", option),
        ("Prompt", log.prompt_slug.clone()),
        ("Span", span),
        ("Below span", log.parent_span_id.clone()),
        ("Your id", log.external_id.clone()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

/// What became of the content, where it is not all there.
fn missing(payload: &str) -> Option<&'static str> {
    match payload {
        "whole" => None,
        "withheld" => Some("Do Not Track: the content of this call was not kept."),
        "cut" => Some("The content was longer than this server keeps: its end was cut off."),
        "shed" => Some("The content was not kept: there was too much at once when the call was made."),
        _ => Some("The content was not kept: it could not be stored."),
    }
}

fn attempt(attempt: crate::logs::Attempt) -> Attempt {
    let named = attempt.name.map(|name| format!(" ({name})")).unwrap_or_default();
    let retry = match attempt.retry {
        0 => String::new(),
        n => format!(", retry {n}"),
    };
    Attempt {
        target: format!("{}{named}{retry}", attempt.target),
        whom: format!("{} {}", attempt.provider, attempt.model.unwrap_or_default()),
        status: attempt.response_status_code.map_or("none".to_owned(), |status| status.to_string()),
        times: format!("{} ms from {} ms on", attempt.response_time, attempt.started_after),
        cache: attempt.cache_status.to_lowercase(),
        error: attempt.error.unwrap_or_default(),
    }
}

fn said(feedback: crate::feedback::Feedback) -> Feedback {
    Feedback {
        time: readable(&feedback.created_at),
        value: feedback.value,
        weight: feedback.weight,
        metadata: feedback.metadata.map(|metadata| metadata.to_string()).unwrap_or_default(),
    }
}

fn traced(tree: TraceTree, log: &log::Model) -> Traced {
    let all = tree.trace.logs;
    let logs: Vec<TracedLog> = tree
        .data
        .into_iter()
        .take(MAX_TRACED)
        .map(|traced| TracedLog {
            id: traced.row.id.to_string(),
            indent: "\u{2003}".repeat(traced.depth.min(16)),
            name: traced.row.span_name.unwrap_or(traced.row.request_type),
            model: traced.row.model.unwrap_or_default(),
            status: traced.row.response_status_code,
            ms: traced.row.response_time,
            is_this: traced.row.id == log.id,
        })
        .collect();
    Traced {
        id: log.trace_id.clone(),
        more: all - i64::try_from(logs.len()).unwrap_or(all),
        logs,
        total: dollars(tree.trace.cost),
    }
}

/// An ISO time as people read it.
fn readable(iso: &str) -> String {
    iso.replace('T', " ").replace('Z', " UTC")
}

fn ms(us: i64) -> String {
    format!("{} ms", crate::logs::row::millis(us))
}

/// `$0.00027`: with as many places as there is something in, and two at the least.
fn dollars(cents: Option<f64>) -> String {
    let Some(cents) = cents else { return "not known".to_owned() };
    let text = format!("{:.8}", cents / CENTS);
    let (whole, places) = text.split_once('.').unwrap_or((&text, ""));
    let places = places.trim_end_matches('0');
    format!("${whole}.{places:0<2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_the_places_that_it_needs() {
        for (cents, shown) in [
            (Some(0.027), "$0.00027"),
            (Some(0.0), "$0.00"),
            (Some(150.0), "$1.50"),
            (Some(0.000_001_5), "$0.00000002"),
            (None, "not known"),
        ] {
            assert_eq!(dollars(cents), shown);
        }
    }
}
