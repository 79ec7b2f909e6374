//! A call that runs under a config: its targets are asked, one after the other as the config's strategies say, until one's answer is
//! the call's.
//!
//! Each target has its turn ([`turn`]), in this order: input guardrails, the cache, limits, the request upstream with its retries
//! ([`attempts`]), output guardrails. What a turn comes to decides whether the walk goes on.

mod attempts;
pub(crate) mod config;
mod turn;

use bytes::Bytes;
use providers::Peek;
use routing::{Facts, NoRoute};
use serde_json::Value;

pub(crate) use config::ConfigInUse;
pub(crate) use turn::Turn;

use crate::admit::Admitted;
use crate::answer::{self, Answer};
use crate::call::Call;
use crate::control::Control;
use crate::error::Error;
use crate::limiting::Held;
use crate::upstream::{self, Outgoing};

/// What a call has to give to its targets.
pub(crate) struct Brought<'b> {
    /// The body, where it was read whole.
    whole: Option<Bytes>,
    /// What it says of itself, where it is a JSON object.
    peek: Option<&'b Peek<'b>>,
    /// The body as it comes: for one target, once.
    once: Option<Outgoing>,
}

impl<'b> Brought<'b> {
    pub(crate) fn json(body: Bytes, peek: Option<&'b Peek<'b>>) -> Self {
        Self { whole: Some(body), peek, once: None }
    }

    pub(crate) fn other(body: Outgoing) -> Self {
        match body {
            Outgoing::Whole(body) => Self { whole: Some(body), peek: None, once: None },
            streamed @ Outgoing::Streamed { .. } => Self { whole: None, peek: None, once: Some(streamed) },
        }
    }
}

/// Asks the targets of `config`.
///
/// # Errors
/// Of the target that was asked last, or why there was none to ask.
pub(crate) async fn ask(
    call: &mut Call<'_>,
    config: &ConfigInUse,
    mut brought: Brought<'_>,
    control: &Control,
    admitted: &mut Admitted,
) -> Result<Answer, Error> {
    let gateway = call.gateway;
    let body = brought.whole.as_ref().filter(|_| config.config.reads_params);
    // A tree of the body is made for conditions alone.
    let params: Option<Value> = body.and_then(|body| serde_json::from_slice(body).ok());
    let facts = Facts {
        metadata: &control.metadata,
        params: params.as_ref(),
        url_path: call.request.path(),
        now_s: gateway.clock.now_s(),
    };
    let within = config.within(control.request_timeout, gateway.settings.gateway.request_timeout);
    let mut held = Held::new(within);
    let mut walk = config.config.walk(facts);
    let mut draw = || gateway.ids.unit_f64();
    let mut last = None;
    loop {
        let next = walk.next(&mut draw).map_err(|error| no_route(&error, config))?;
        let Some(leaf) = next else { break };
        if let Some(answered) = last.take() {
            pass_over(answered, admitted);
            held.let_go(gateway, admitted).await;
        }
        let answered = turn::take((leaf, config), call, &mut brought, &mut held, control, admitted).await;
        let (status, is_final) = match &answered {
            Ok(answer) => (answer.status(), false),
            Err(error) => (error.status(), !error.is_of_target()),
        };
        // What streamed through to one target cannot be sent to another.
        let is_spent = brought.whole.is_none() && brought.once.is_none();
        walk.answered(status, is_final || is_spent);
        last = Some(answered);
    }
    // Every walk begins with a target: a config without any is refused when it is read.
    last.unwrap_or_else(|| Err(Error::Internal))
}

/// A target's answer is not taken: another is asked.
fn pass_over(answered: Result<Answer, Error>, admitted: &mut Admitted) {
    match answered {
        Ok(answer) => {
            admitted.recording.asked(Some(answer.status()), recorder::Outcome::Answered);
            discard(answer);
        }
        Err(error) => admitted.recording.asked(None, error.outcome()),
    }
    admitted.recording.keeps_nothing();
}

/// Reads what is left of an answer that nobody wants, as far as that is little, so that its connection can be used again.
fn discard(answer: Answer) {
    if let answer::Body::Upstream(body) = answer.body {
        upstream::drain(body);
    }
}

fn no_route(error: &NoRoute, config: &ConfigInUse) -> Error {
    match error {
        NoRoute::NoCondition { path } => {
            let problem = "no condition holds for this call, and there is no default";
            Error::invalid(config.field(path, "strategy"), problem)
        }
        NoRoute::NoWeight { path } => {
            Error::invalid(config.field(path, "targets"), "the weights of all targets are 0")
        }
    }
}
