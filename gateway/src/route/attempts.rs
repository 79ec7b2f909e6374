//! Asking one target, and asking it again.

use std::time::{Duration, Instant};

use recorder::Outcome;
use routing::Next;

use super::config::within;
use super::{Turn, discard};
use crate::answer::{Answer, Body};
use crate::connection::Waited;
use crate::error::{Error, Failure};
use crate::guarding;
use crate::headers;
use crate::upstream::Outgoing;

/// Asks the target of a turn until its answer is one to take, or its retries are used up. What streams through is asked for once.
///
/// # Errors
/// What the last attempt failed with.
pub(super) async fn ask(turn: &mut Turn<'_, '_>) -> Result<Answer, Error> {
    let gateway = turn.call.gateway;
    let leaf = turn.leaf;
    let timeout = turn.timeout();
    let until = Instant::now() + within(leaf, timeout);
    let mut pauses = leaf.policy.retry.pauses(gateway.settings.gateway.retry_base);
    loop {
        let is_repeatable = turn.body.is_some();
        let asked = attempt(turn, timeout, pauses.made().into()).await;
        let (status, told) = match &asked {
            Ok(answer) => (Some(answer.status()), told(answer, gateway.clock.now_s())),
            Err(error) => match error.failure() {
                Failure::TimedOut => (Some(error.status()), None),
                Failure::Network => (None, None),
                Failure::Other => return asked,
            },
        };
        let left = until.saturating_duration_since(Instant::now());
        let jitter = gateway.ids.unit_f64();
        let next = if is_repeatable { pauses.next(status, told, jitter, left) } else { Next::Take };
        match next {
            Next::Take => {
                turn.edit_routing(|routing| routing.retry_count = pauses.made().into());
                return asked;
            }
            Next::GiveUp => {
                turn.edit_routing(|routing| routing.retry_count = -1);
                return asked;
            }
            Next::After(pause) => {
                turn.edit_routing(|routing| routing.retry_count = pauses.made().into());
                pass_over(turn, asked);
                if turn.call.watch.wait(pause).await == Waited::ClientGone {
                    return Err(Error::ClientGone);
                }
            }
        }
    }
}

/// One request upstream, and what guardrails make of its answer.
async fn attempt(turn: &mut Turn<'_, '_>, timeout: Duration, retry: u16) -> Result<Answer, Error> {
    let attempt = turn.attempt(retry);
    turn.admitted.recording.attempt_begins(attempt);
    let asked = request(turn, timeout, retry).await;
    let ended = match &asked {
        Ok(answer) => Ok(answer.status()),
        // Its log says that of all that is open then.
        Err(Error::ClientGone) => return asked,
        Err(error) => Err(error.to_string()),
    };
    turn.admitted.recording.attempt_ends(ended);
    match asked {
        Ok(answer) if answer.status() == 200 && turn.judged.wants_answer() => {
            let judged = Box::pin(guarding::output(turn, answer)).await;
            // What is held may break off after its head has come.
            if let Err(error) = &judged
                && !matches!(error, Error::ClientGone)
            {
                turn.admitted.recording.attempt_not_taken(&error.to_string());
            }
            judged
        }
        asked => asked,
    }
}

async fn request(turn: &mut Turn<'_, '_>, timeout: Duration, retry: u16) -> Result<Answer, Error> {
    let body = match (&turn.body, turn.once.take()) {
        (Some(body), _) => Outgoing::Whole(body.clone()),
        (None, Some(body)) => body,
        (None, None) => return Err(Error::Internal),
    };
    if turn.target.is_echo() {
        return Ok(turn.call.echo(&body, turn.admitted));
    }
    let mut request = turn.target.request(turn.call.request, turn.call.endpoint, turn.forwarded(), body)?;
    let extras = turn.leaf.extras.iter().map(|(name, value)| (*name, value.as_str()));
    headers::set_twins(request.headers_mut(), extras);
    turn.admitted.recording.asks(&mut request, retry);
    let call = &mut *turn.call;
    let (head, body) =
        call.upstream.ask(request, &call.provider, timeout, &mut call.watch).await?.into_parts();
    Ok(Answer { head, body: Body::Upstream(body) })
}

/// The attempt is not the last.
fn pass_over(turn: &mut Turn<'_, '_>, asked: Result<Answer, Error>) {
    match asked {
        Ok(answer) => {
            turn.admitted.recording.asked(Some(answer.status()), Outcome::Answered);
            discard(answer);
        }
        Err(error) => turn.admitted.recording.asked(None, error.outcome()),
    }
}

/// When the provider wants to be asked again.
fn told(answer: &Answer, now_s: i64) -> Option<Duration> {
    routing::retry_after(|name| answer.head.headers.get(name)?.to_str().ok(), now_s)
}
