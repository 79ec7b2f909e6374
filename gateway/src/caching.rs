//! Answers that are given again, where a target's config asks for it.
//!
//! What is kept is what the target answered in the end, after retries and output guardrails: whole, with status 200. It is kept by what
//! changes the answer ([`place`]), within one workspace, and given to each of its keys: neither the credential nor metadata is part
//! of that. Under Do Not Track nothing is looked for, or kept.

use std::sync::Arc;
use std::time::Duration;

use answer_cache::{Answer as Kept, Answers, Entry, Found as Searched, Place, Question};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use recorder::{Outcome, Record};

use crate::answer::{Answer, Body, is_event_stream, made};
use crate::connection::Waited;
use crate::content::takes_json;
use crate::decoding::Encoding;
use crate::error::Error;
use crate::headers;
use crate::route::Turn;

/// How long an answer may be given again where neither config nor plan says (contract 3.2).
const USUAL_AGE: Duration = Duration::from_hours(7 * 24);

/// What the cache says to a target's turn.
pub(crate) enum Found {
    /// The answer, which is all there: nothing is asked upstream.
    Hit(Box<Answer>),
    Miss(Keeping),
}

/// The cache's place for the answer that a turn comes to. Dropped without an end, none came: who waits for it asks.
pub(crate) struct Keeping {
    /// As in the header `x-portkey-cache-status`.
    pub status: &'static str,
    /// None: nothing is kept.
    place: Option<answer_cache::Keeping>,
    /// Those of the answer that are given again with it.
    headers: Vec<(String, String)>,
}

/// Looks for the answer to a turn, as its target is going to be asked. Where an equal call is under way its answer is waited for.
///
/// # Errors
/// [`Error::ClientGone`], where another call's answer was waited for.
pub(crate) async fn look_up(turn: &mut Turn<'_, '_>) -> Result<Found, Error> {
    let Some(max_age) = max_age(turn) else { return Ok(Found::Miss(Keeping::nothing())) };
    let Some(place) = place(turn) else { return Ok(Found::Miss(Keeping::nothing())) };
    let answers = turn.call.gateway.answers.clone();
    if turn.control.cache_force_refresh {
        return Ok(Found::Miss(Keeping::at("REFRESH", answers.refresh(place, max_age))));
    }
    match search(&answers, place, max_age, turn).await? {
        Searched::Hit(entry) => {
            // It was paid for when it was made.
            turn.admitted.recording.edit(|record| record.given_cost_pusd = Some(0));
            Ok(Found::Hit(Box::new(again(&entry))))
        }
        Searched::Miss(keeping) => Ok(Found::Miss(Keeping::at("MISS", keeping))),
    }
}

/// For no longer than the target itself may take, and while the client is there.
async fn search(
    answers: &Answers,
    place: Place,
    max_age: Duration,
    turn: &mut Turn<'_, '_>,
) -> Result<Searched, Error> {
    let within = turn.timeout();
    tokio::select! {
        biased;
        found = answers.find(place, max_age) => Ok(found),
        waited = turn.call.watch.wait(within) => match waited {
            Waited::ClientGone => Err(Error::ClientGone),
            Waited::TooLong => Ok(Searched::Miss(answers.alone(place, max_age))),
        },
    }
}

/// How old an answer may be; none where none may be given again. A semantic cache would look for questions of the same meaning after
/// this one has nothing: for now both modes are this one.
fn max_age(turn: &Turn<'_, '_>) -> Option<Duration> {
    let cache = turn.leaf.policy.cache.as_ref()?;
    let wanted = cache.max_age.unwrap_or(USUAL_AGE);
    let plan = turn.admitted.tenant.terms.max_cache_age_s.map(|age_s| Duration::from_secs(age_s.into()));
    let age = plan.map_or(wanted, |most| wanted.min(most));
    (turn.control.debug && !age.is_zero()).then_some(age)
}

/// Where the answer is kept; none for what is not a question in JSON: files, batches, uploads and whatever passes through.
fn place(turn: &Turn<'_, '_>) -> Option<Place> {
    let request = turn.call.request;
    let body = turn.body.as_ref().filter(|_| turn.is_json && takes_json(turn.call.endpoint))?;
    let tenant = turn.admitted.tenant.scope();
    let url = turn.target.origin.as_ref().map(|origin| origin.shown(headers::path(request)));
    let (leaf, key) = (&turn.leaf.extras, turn.target.key.as_deref());
    let changing = headers::changing(request.headers(), turn.forwarded(), leaf, key);
    Some(Place::of(&Question {
        organisation: tenant.organisation(),
        workspace: tenant.workspace()?,
        endpoint: turn.call.endpoint.name(),
        provider: &turn.target.provider.slug,
        url: &[url.as_deref().unwrap_or_default(), "?", request.query_string()],
        body,
        namespace: turn.control.cache_namespace.as_deref(),
        headers: &changing,
    }))
}

/// The kept answer, as the target would give it.
fn again(entry: &Arc<Entry>) -> Answer {
    let kept = &entry.answer;
    let mut answer = made(200, vec![kept.body.clone()], kept.streamed);
    for (name, value) in &kept.headers {
        headers::set(&mut answer.head.headers, name, value.as_bytes());
    }
    answer
}

impl Keeping {
    /// Nothing is looked for, and nothing kept.
    pub(crate) fn nothing() -> Self {
        Self { status: "DISABLED", place: None, headers: Vec::new() }
    }

    fn at(status: &'static str, place: answer_cache::Keeping) -> Self {
        Self { status, place: Some(place), headers: Vec::new() }
    }

    /// The target has answered, after all its retries. None where that is not to be kept: who waits for it asks by itself.
    pub(crate) fn of(mut self, answered: &Result<Answer, Error>) -> Option<Self> {
        let place = self.place.take()?;
        match answered {
            Ok(answer) if may_be_kept(answer, place.max_bytes()) => {
                self.headers = given_again(answer);
                self.place = Some(place);
                Some(self)
            }
            // The next of those who wait takes this one's part.
            Err(Error::ClientGone) => None,
            Ok(_) | Err(_) => {
                place.let_go();
                None
            }
        }
    }

    /// The target's answer is not one to be given again: who waits for it asks at once.
    pub(crate) fn let_go(self) {
        if let Some(place) = self.place {
            place.let_go();
        }
    }

    /// A longer answer is not kept. Bytes.
    pub(crate) fn max_bytes(&self) -> usize {
        self.place.as_ref().map_or(0, answer_cache::Keeping::max_bytes)
    }

    /// The call is over. `whole`: all of its answer, where it was not too long.
    pub(crate) fn end(self, record: &Record, whole: Option<Bytes>) {
        let Some(place) = self.place else { return };
        match (record.outcome, record.status, whole) {
            (Outcome::Answered, 200, Some(body)) => {
                place.keep(Kept { headers: self.headers, body, streamed: record.streamed });
            }
            // The next of those who wait takes this one's part.
            (Outcome::ClientGone, ..) => {}
            _ => place.let_go(),
        }
    }
}

/// Whether an answer could be kept, by its head.
fn may_be_kept(answer: &Answer, max_bytes: usize) -> bool {
    let headers = &answer.head.headers;
    if answer.status() != 200 {
        return false;
    }
    if matches!(answer.body, Body::Whole(_)) {
        return true;
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    // Of a body that only the connection's end ends nobody knows whether it is whole; a stream says so itself.
    let is_framed =
        length.is_some() || headers.contains_key(TRANSFER_ENCODING) || is_event_stream(&answer.head);
    let is_readable = headers
        .get(CONTENT_ENCODING)
        .is_none_or(|encoding| encoding.to_str().ok().and_then(Encoding::named).is_some());
    is_framed && is_readable && length.is_none_or(|length| length <= max_bytes as u64)
}

/// What of an answer's headers is true of it whenever it is given; not whose account it was.
fn given_again(answer: &Answer) -> Vec<(String, String)> {
    let of_account = ["openai-organization", "openai-project"];
    let kept = answer.head.headers.iter().filter(|(name, _)| {
        let text = name.as_str();
        **name == CONTENT_TYPE || (text.starts_with("openai-") && !of_account.contains(&text))
    });
    kept.filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect()
}
