//! Guardrails around a target's turn: over the request before it is sent, and over the answer before it is passed on (contract: 6.4).

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use guardrails::{Exchange, Guardrail, HookResult, Judge, Phase, Ran};
use providers::Endpoint;
use recorder::Measured;
use routing::{Given, Hook};
use serde_json::Value;
use settings::Settings;
use tenancy::ResolveError;
use tokio::sync::Semaphore;

mod held;
mod later;
mod outside;

pub(crate) use later::Later;

use crate::admit::Admitted;
use crate::answer::{self, Answer, Body};
use crate::error::Error;
use crate::route::Turn;
use held::Held;

/// A guardrail failed that denies.
const DENIED: u16 = 446;
/// A guardrail failed, and the call goes on.
const WARNED: u16 = 246;

/// What runs guardrails: one for all calls.
pub(crate) struct Guards {
    judge: Judge,
    /// How many may run that no call waits for.
    background: Arc<Semaphore>,
}

impl Guards {
    pub fn new(settings: &Settings, clock: clock::Clock, ids: clock::Ids) -> Self {
        let web = outside::Web::new(settings.gateway.allow_private_hosts, settings.gateway.connect_timeout);
        Self {
            judge: Judge::new(Arc::new(web), clock, ids),
            background: Arc::new(Semaphore::new(settings.guardrails.max_background)),
        }
    }
}

/// What guardrails found in a turn so far; nothing where there are none that it waits for.
#[derive(Default)]
pub(crate) struct Judged(Option<Box<Guard>>);

impl Judged {
    /// Whether an answer with 200 is to be judged, or told what was found of the request.
    pub(crate) fn wants_answer(&self) -> bool {
        self.0.as_ref().is_some_and(|guard| !guard.before.is_empty() || !guard.output.is_empty())
    }
}

/// An answer as it was before guardrails put their results into it.
pub(crate) enum Unmerged {
    Body(Bytes),
    /// It begins so many bytes later.
    From(usize),
}

impl Unmerged {
    /// All of the answer, where all that was passed on is known.
    pub(crate) fn of(self, passed_on: Option<Bytes>) -> Option<Bytes> {
        match self {
            Self::Body(body) => Some(body),
            Self::From(start) => passed_on.map(|whole| whole.slice(start.min(whole.len())..)),
        }
    }
}

/// The guardrails of one turn.
struct Guard {
    guards: Arc<Guards>,
    call: guardrails::Call,
    input: Vec<Arc<Guardrail>>,
    output: Vec<Arc<Guardrail>>,
    /// Whether the answer may have more than `OpenAI`'s fields.
    lenient: bool,
    /// False under Do Not Track: the log then has nothing of what checks saw.
    keeps_content: bool,
    request: Arc<Value>,
    before: Vec<HookResult>,
}

/// Whether the turn's target has any, or its workspace.
pub(crate) fn are_there(turn: &Turn<'_, '_>) -> bool {
    let policy = &turn.leaf.policy;
    let of_target = !(policy.input_hooks.is_empty() && policy.output_hooks.is_empty());
    of_target || turn.admitted.tenant.defaults.as_ref().is_some_and(|defaults| defaults.has_guardrails())
}

/// Before the target is asked, where it has hooks. They may rewrite the turn's body. An answer is the turn's: the call is denied.
///
/// # Errors
/// What is wrong with a guardrail that the config names.
pub(crate) async fn input(turn: &mut Turn<'_, '_>) -> Result<Option<Answer>, Error> {
    turn.admitted.recording.forget_guardrails();
    if !turn.is_json || !is_guarded(turn.call.endpoint) {
        return Ok(None);
    }
    let Some(mut guard) = Guard::of(turn).await? else { return Ok(None) };
    let denied = guard.judge_request(turn).await?;
    turn.judged.0 = Some(Box::new(guard));
    Ok(denied)
}

/// After the target answered with 200: the same answer, or what takes its place.
///
/// # Errors
/// What broke off an answer that is held.
pub(crate) async fn output(turn: &mut Turn<'_, '_>, answer: Answer) -> Result<Answer, Error> {
    let Some(guard) = turn.judged.0.take() else { return Ok(answer) };
    let judged = guard.judge_answer(turn, answer).await;
    turn.judged.0 = Some(guard);
    judged
}

/// An answer from the cache, with what was found before the target would have been asked.
pub(crate) fn cached(turn: &mut Turn<'_, '_>, mut answer: Answer) -> Answer {
    let Some(guard) = &turn.judged.0 else { return answer };
    if guard.before.is_empty() || answer.status() != 200 {
        return answer;
    }
    answer.head.status = status(guard.failed_before());
    let is_stream = answer::is_event_stream(&answer.head);
    if let Body::Whole(chunks) = &mut answer.body {
        if is_stream {
            chunks.insert(0, guard.first_event());
        } else {
            let body: Bytes = chunks.concat().into();
            *chunks = vec![guard.with_results(&body, &[])];
        }
    }
    answer
}

impl Guard {
    /// Those that the turn waits for; the others are left to run when the call is over.
    async fn of(turn: &mut Turn<'_, '_>) -> Result<Option<Self>, Error> {
        let (policy, shared) = (&turn.leaf.policy, turn.admitted.tenant.defaults.as_deref());
        let of_input = shared.map_or(&[][..], |shared| &shared.input_guardrails);
        let of_output = shared.map_or(&[][..], |shared| &shared.output_guardrails);
        let input = resolved(("input_guardrails", of_input), &policy.input_hooks, turn).await?;
        let mut output = resolved(("output_guardrails", of_output), &policy.output_hooks, turn).await?;
        if turn.call.endpoint == Endpoint::Embeddings {
            output.clear();
        }
        let guards = Arc::clone(&turn.call.gateway.0.guards);
        let call = guardrails::Call {
            endpoint: turn.call.endpoint,
            provider: turn.target.provider.slug.clone(),
            metadata: turn.control.metadata.clone(),
            headers: headers(input.iter().chain(&output), turn),
            streamed: turn.is_streamed,
        };
        let waits = |guardrails: Vec<Arc<Guardrail>>| -> (Vec<_>, Vec<_>) {
            guardrails.into_iter().partition(|guardrail| !guardrail.asynchronous)
        };
        let ((input, input_later), (output, output_later)) = (waits(input), waits(output));
        let keeps_content = turn.control.debug;
        if !input_later.is_empty() || !output_later.is_empty() {
            turn.admitted.recording.guard_later(Later {
                guards: Arc::clone(&guards),
                call: call.clone(),
                input: input_later,
                output: output_later,
                keeps_content,
            });
        }
        if input.is_empty() && output.is_empty() {
            return Ok(None);
        }
        let strict = [turn.control.strict, turn.leaf.policy.strict];
        Ok(Some(Self {
            guards,
            call,
            input,
            output,
            lenient: strict.contains(&Some(false)),
            keeps_content,
            request: Arc::default(),
            before: Vec::new(),
        }))
    }

    async fn judge_request(&mut self, turn: &mut Turn<'_, '_>) -> Result<Option<Answer>, Error> {
        let body = turn.body.as_deref().unwrap_or_default();
        let request =
            serde_json::from_slice(body).map_err(|error| Error::invalid("body", error.to_string()))?;
        self.request = Arc::new(request);
        if self.input.is_empty() {
            return Ok(None);
        }
        let exchange = Exchange { request: Arc::clone(&self.request), response: None, status: None };
        let ran = self.guards.judge.run(Phase::Input, &self.input, &self.call, &exchange).await;
        self.before = ran.results;
        self.note(&[], turn.admitted);
        if ran.denied {
            // The cache was not asked.
            if let Some(routing) = &mut turn.call.routing {
                routing.cache_status = "".into();
            }
            return Ok(Some(self.denial(&[])));
        }
        if let Some(changed) = ran.changed {
            turn.body = Some(changed.to_string().into());
            self.request = Arc::new(changed);
        }
        Ok(None)
    }

    async fn judge_answer(&self, turn: &mut Turn<'_, '_>, answer: Answer) -> Result<Answer, Error> {
        turn.admitted.recording.edit(|record| record.measured = None);
        turn.admitted.recording.merges(None);
        let event_stream = answer::is_event_stream(&answer.head);
        if event_stream && self.output.is_empty() {
            return Ok(self.begin_stream(turn, answer));
        }
        let Answer { mut head, body } = answer;
        let max = turn.call.gateway.settings.guardrails.max_held_bytes;
        let held = Held::take(&head, body, max, turn.call).await?;
        let json = held.rest.is_none().then(|| self.read(&held.begun, event_stream)).flatten();
        let ran = self.run(json, held.rest.is_none()).await;
        self.note(&ran.results, turn.admitted);
        if ran.denied {
            self.measure(&held.begun, event_stream, turn.admitted);
            turn.admitted.recording.attempt_not_taken("a guardrail denied the answer");
            return Ok(self.denial(&ran.results));
        }
        let failed = self.failed_before() || ran.failed;
        if let Some(rest) = held.rest {
            // Too long to be looked into, and to be told anything.
            head.status = status(failed);
            turn.admitted.recording.keeps_nothing();
            return Ok(Answer { head, body: Body::Begun { begun: held.begun, rest, decoded: held.decoded } });
        }
        let body = match &ran.changed {
            None => held.begun,
            Some(changed) if event_stream => guardrails::streamed(self.call.endpoint, changed),
            Some(changed) => changed.to_string().into(),
        };
        turn.admitted.recording.merges(Some(Unmerged::Body(body.clone())));
        let body = if event_stream {
            vec![self.first_event(), body]
        } else {
            vec![self.with_results(&body, &ran.results)]
        };
        let mut answer = Answer { head, body: Body::Whole(body) };
        answer.head.status = status(failed);
        Ok(answer)
    }

    /// A stream that nothing judges: it only tells of the request.
    fn begin_stream(&self, turn: &mut Turn<'_, '_>, mut answer: Answer) -> Answer {
        answer.head.status = status(self.failed_before());
        let first = self.first_event();
        turn.admitted.recording.merges(Some(Unmerged::From(first.len())));
        if first.is_empty() {
            return answer;
        }
        let (rest, _, decoded) = answer::source(&answer.head, answer.body);
        Answer { head: answer.head, body: Body::Begun { begun: first, rest, decoded } }
    }

    async fn run(&self, answer: Option<Value>, is_whole: bool) -> Ran {
        if self.output.is_empty() {
            return Ran::default();
        }
        let Some(answer) = answer else {
            let why = if is_whole {
                "the answer is none that can be read"
            } else {
                "the answer is too long to be held"
            };
            return self.guards.judge.give_up(Phase::Output, &self.output, why);
        };
        let exchange = Exchange {
            request: Arc::clone(&self.request),
            response: Some(Arc::new(answer)),
            status: Some(200),
        };
        self.guards.judge.run(Phase::Output, &self.output, &self.call, &exchange).await
    }

    fn read(&self, body: &[u8], event_stream: bool) -> Option<Value> {
        if event_stream {
            guardrails::assembled(self.call.endpoint, body)
        } else {
            serde_json::from_slice(body).ok()
        }
    }

    /// The provider is paid for what the client does not get.
    fn measure(&self, body: &[u8], event_stream: bool, admitted: &mut Admitted) {
        let request = self.request.to_string();
        let measured = providers::measure(self.call.endpoint, 200, request.as_bytes(), body, event_stream);
        let measured = Measured { model: measured.model, usage: measured.usage };
        admitted.recording.edit(|record| record.measured = Some(measured));
    }

    fn failed_before(&self) -> bool {
        self.before.iter().any(|result| !result.verdict)
    }

    fn with_results(&self, body: &Bytes, after: &[HookResult]) -> Bytes {
        let results = guardrails::hook_results(&self.before, after);
        guardrails::merged(body, &results).unwrap_or_else(|| body.clone())
    }

    /// The event that tells who wants it what was found of the request.
    fn first_event(&self) -> Bytes {
        if !self.lenient || self.before.is_empty() {
            return Bytes::new();
        }
        let name = if self.call.endpoint == Endpoint::Messages { "event: hook_results\n" } else { "" };
        let results = serde_json::json!({"hook_results": {"before_request_hooks": self.before}});
        format!("{name}data: {results}\n\n").into()
    }

    fn denial(&self, after: &[HookResult]) -> Answer {
        let body = guardrails::denial(&guardrails::hook_results(&self.before, after));
        answer::made(DENIED, vec![body.to_string().into()], false)
    }

    /// What the record has of it: of a target that is asked again, what was found last.
    fn note(&self, after: &[HookResult], admitted: &mut Admitted) {
        let all = || self.before.iter().chain(after);
        let results = guardrails::hook_results(&self.before, after);
        let results = if self.keeps_content { results } else { guardrails::without_content(results) };
        admitted.recording.edit(|record| {
            record.hook_results = all().next().is_some().then_some(results);
            record.feedback = all().filter_map(later::feedback).collect();
        });
    }
}

fn status(failed: bool) -> http::StatusCode {
    let status = if failed { WARNED } else { 200 };
    http::StatusCode::from_u16(status).unwrap_or_default()
}

/// The endpoints that have guardrails (contract: 6.4).
fn is_guarded(endpoint: Endpoint) -> bool {
    matches!(
        endpoint,
        Endpoint::ChatCompletions | Endpoint::Completions | Endpoint::Embeddings | Endpoint::Messages
    )
}

/// Those of the workspace (`shared`, under their field's name), then those of the config.
async fn resolved(
    (field, shared): (&str, &[String]),
    hooks: &[Hook],
    turn: &Turn<'_, '_>,
) -> Result<Vec<Arc<Guardrail>>, Error> {
    let mut guardrails = Vec::with_capacity(shared.len() + hooks.len());
    for (n, named) in shared.iter().enumerate() {
        let at = || format!("the workspace's defaults.{field}[{n}]");
        guardrails.push(saved(named, &at, turn).await?);
    }
    for hook in hooks {
        guardrails.push(match &hook.given {
            Given::Inline(guardrail) => Arc::clone(guardrail),
            Given::Saved(named) => saved(named, &|| turn.config.field("config", &hook.path), turn).await?,
        });
    }
    Ok(guardrails)
}

/// The guardrail that is named `at` somewhere.
async fn saved(
    named: &str,
    at: &(dyn Fn() -> String + Sync),
    turn: &Turn<'_, '_>,
) -> Result<Arc<Guardrail>, Error> {
    let scope = turn.admitted.tenant.scope();
    let found = turn.call.gateway.guardrails.resolve(&scope, named).await;
    let found = found.map_err(|error| match error {
        ResolveError::Unknown => Error::invalid(at(), format!("this workspace has no guardrail {named:?}")),
        ResolveError::Unavailable => Error::Unavailable,
    })?;
    if found.archived {
        return Err(Error::invalid(at(), format!("the guardrail {named:?} is archived")));
    }
    Ok(Arc::clone(&found.guardrail))
}

/// The client's headers that checks look at.
fn headers<'a>(
    guardrails: impl Iterator<Item = &'a Arc<Guardrail>>,
    turn: &Turn<'_, '_>,
) -> BTreeMap<String, String> {
    let client = turn.call.request.headers();
    let wanted = guardrails.flat_map(|guardrail| guardrail.headers());
    wanted.filter_map(|name| Some((name.to_owned(), client.get(name)?.to_str().ok()?.to_owned()))).collect()
}
