//! Running the guardrails of a phase (contract: 6.4).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clock::{Clock, Ids};
use futures_util::future::join_all;
use providers::Endpoint;
use serde_json::{Map, Value};

use crate::checks::{Change, Check, Finding, KeySets, Means, Subject};
use crate::results::{CheckError, CheckResult, HookResult, Opinion};
use crate::{Feedback, Guardrail, Kind, Outside, Phase, content};

/// What checks know of a call besides its bodies.
#[derive(Clone, Debug)]
pub struct Call {
    pub endpoint: Endpoint,
    /// The provider's slug.
    pub provider: String,
    pub metadata: BTreeMap<String, String>,
    /// The headers that [`Guardrail::headers`] names, by their lower-case names.
    pub headers: BTreeMap<String, String>,
    /// Whether the caller wants a stream.
    pub streamed: bool,
}

/// The bodies of a call, as far as they are known.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub request: Arc<Value>,
    pub response: Option<Arc<Value>>,
    /// Of the response.
    pub status: Option<u16>,
}

/// What came of a phase.
#[derive(Debug, Default)]
pub struct Ran {
    /// In the order of the guardrails.
    pub results: Vec<HookResult>,
    /// A guardrail that denies failed.
    pub denied: bool,
    /// A guardrail failed.
    pub failed: bool,
    /// The phase's body, where it was changed.
    pub changed: Option<Value>,
}

/// Runs guardrails.
pub struct Judge {
    outside: Arc<dyn Outside>,
    clock: Clock,
    ids: Ids,
    key_sets: KeySets,
}

/// One guardrail's run.
struct Hook<'a> {
    result: HookResult,
    changes: Vec<Change<'a>>,
}

impl Judge {
    #[must_use]
    pub fn new(outside: Arc<dyn Outside>, clock: Clock, ids: Ids) -> Self {
        Self { outside, clock, ids, key_sets: KeySets::default() }
    }

    /// Runs them all, whatever they say of being asynchronous: mutators one after the other, then guardrails beside each other.
    /// What they change is applied in their order.
    pub async fn run(
        &self,
        phase: Phase,
        guardrails: &[Arc<Guardrail>],
        call: &Call,
        exchange: &Exchange,
    ) -> Ran {
        let mut body: Option<Value> = None;
        let mut results: Vec<Option<HookResult>> = Vec::new();
        results.resize_with(guardrails.len(), || None);
        let is_mutator = |guardrail: &Guardrail| guardrail.kind == Kind::Mutator;
        for (slot, guardrail) in results.iter_mut().zip(guardrails).filter(|(_, g)| is_mutator(g)) {
            let hook = self.hook(phase, guardrail, call, exchange, body.as_ref()).await;
            *slot = Some(hook.result);
            apply(&hook.changes, call.endpoint, phase, &mut body, exchange);
        }
        let judging = guardrails.iter().filter(|guardrail| !is_mutator(guardrail));
        let before = body.clone();
        let judging =
            join_all(judging.map(|guardrail| self.hook(phase, guardrail, call, exchange, before.as_ref())))
                .await;
        let slots = results.iter_mut().filter(|slot| slot.is_none());
        for (slot, hook) in slots.zip(judging) {
            *slot = Some(hook.result);
            apply(&hook.changes, call.endpoint, phase, &mut body, exchange);
        }
        let results: Vec<HookResult> = results.into_iter().flatten().collect();
        Ran {
            denied: results.iter().any(|result| result.deny),
            failed: results.iter().any(|result| !result.verdict),
            results,
            changed: body,
        }
    }

    /// What came of guardrails that cannot be run, and why: each check is an error.
    #[must_use]
    pub fn give_up(&self, phase: Phase, guardrails: &[Arc<Guardrail>], why: &str) -> Ran {
        let created_at = clock::iso(self.clock.now_ms());
        let check = |check: &Check| CheckResult {
            id: check.id.clone(),
            verdict: false,
            data: Map::new(),
            error: Some(CheckError { name: "Unreadable".to_owned(), message: why.to_owned() }),
            execution_time: 0,
            transformed: false,
            created_at: created_at.clone(),
            log: None,
            fail_on_error: check.fail_on_error,
        };
        let hook = |guardrail: &Arc<Guardrail>| {
            let checks = guardrail.checks.iter().map(check).collect();
            self.result(phase, guardrail, checks, false, (0, created_at.clone()))
        };
        let results: Vec<HookResult> = guardrails.iter().map(hook).collect();
        Ran {
            denied: results.iter().any(|result| result.deny),
            failed: results.iter().any(|result| !result.verdict),
            results,
            changed: None,
        }
    }

    fn result(
        &self,
        phase: Phase,
        guardrail: &Guardrail,
        checks: Vec<CheckResult>,
        transformed: bool,
        (execution_time, created_at): (u64, String),
    ) -> HookResult {
        let verdict = !checks.iter().any(CheckResult::fails);
        let chosen = if verdict { &guardrail.on_success } else { &guardrail.on_fail };
        HookResult {
            verdict,
            id: guardrail.id.clone().unwrap_or_else(|| self.made_up(phase)),
            transformed,
            feedback: chosen.as_ref().map(|feedback| opinion(feedback, &checks)),
            checks,
            execution_time,
            asynchronous: guardrail.asynchronous,
            kind: guardrail.kind.as_str(),
            created_at,
            deny: guardrail.deny && !verdict && !guardrail.asynchronous,
        }
    }

    async fn hook<'a>(
        &self,
        phase: Phase,
        guardrail: &'a Guardrail,
        call: &Call,
        exchange: &Exchange,
        before: Option<&Value>,
    ) -> Hook<'a> {
        let (begun, created_at) = (Instant::now(), clock::iso(self.clock.now_ms()));
        let mut checks = Vec::with_capacity(guardrail.checks.len());
        let mut changes = Vec::new();
        if guardrail.sequential || guardrail.kind == Kind::Mutator {
            let mut body = before.cloned();
            for check in &guardrail.checks {
                let (result, change) = self.check(phase, check, call, exchange, body.as_ref()).await;
                checks.push(result);
                if let Some(change) = change {
                    apply_one(&change, call.endpoint, phase, &mut body, exchange);
                    changes.push(change);
                }
            }
        } else {
            let made = guardrail.checks.iter().map(|check| self.check(phase, check, call, exchange, before));
            for (result, change) in join_all(made).await {
                checks.push(result);
                changes.extend(change);
            }
        }
        let made = (millis(begun.elapsed()), created_at);
        let result = self.result(phase, guardrail, checks, !changes.is_empty(), made);
        Hook { result, changes }
    }

    async fn check<'a>(
        &self,
        phase: Phase,
        check: &'a Check,
        call: &Call,
        exchange: &Exchange,
        changed: Option<&Value>,
    ) -> (CheckResult, Option<Change<'a>>) {
        let (begun, now_ms) = (Instant::now(), self.clock.now_ms());
        let (request, response) = match phase {
            Phase::Input => (changed.unwrap_or(&exchange.request), exchange.response.as_deref()),
            Phase::Output => (&*exchange.request, changed.or(exchange.response.as_deref())),
        };
        let mut subject = Subject {
            call,
            phase,
            request,
            response,
            status: exchange.status,
            text: "",
            changed: changed.is_some(),
        };
        let text = content::text(call.endpoint, phase, subject.json());
        subject.text = &text;
        let means = Means { outside: &*self.outside, key_sets: &self.key_sets, now_ms };
        let Finding { verdict, data, error, change } = check.rule.judge(subject, means).await;
        let error = error.map(|trouble| CheckError {
            name: trouble.name.to_owned(),
            message: trouble.message.into_owned(),
        });
        let result = CheckResult {
            id: check.id.clone(),
            verdict,
            data,
            error,
            execution_time: millis(begun.elapsed()),
            transformed: change.is_some(),
            created_at: clock::iso(now_ms),
            log: None,
            fail_on_error: check.fail_on_error,
        };
        (result, change)
    }

    /// An id for a guardrail that has none, as the contract has it: three random characters.
    fn made_up(&self, phase: Phase) -> String {
        const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let kind = match phase {
            Phase::Input => "input",
            Phase::Output => "output",
        };
        let random = self.ids.fresh().into_bytes();
        let digits: String =
            random.iter().take(3).map(|byte| char::from(DIGITS[usize::from(*byte) % DIGITS.len()])).collect();
        format!("{kind}_guardrail_{digits}")
    }
}

fn apply(
    changes: &[Change<'_>],
    endpoint: Endpoint,
    phase: Phase,
    body: &mut Option<Value>,
    exchange: &Exchange,
) {
    for change in changes {
        apply_one(change, endpoint, phase, body, exchange);
    }
}

fn apply_one(
    change: &Change<'_>,
    endpoint: Endpoint,
    phase: Phase,
    body: &mut Option<Value>,
    exchange: &Exchange,
) {
    match change {
        Change::Whole(whole) => *body = Some(whole.clone()),
        Change::Edit(edit) => {
            let mut edited = body.take().unwrap_or_else(|| match phase {
                Phase::Input => (*exchange.request).clone(),
                Phase::Output => exchange.response.as_deref().cloned().unwrap_or_default(),
            });
            edit.apply(endpoint, phase, &mut edited);
            *body = Some(edited);
        }
    }
}

/// The feedback with what the checks came to.
fn opinion(feedback: &Feedback, checks: &[CheckResult]) -> Opinion {
    let mut metadata: Map<String, Value> = feedback.metadata.clone();
    let mut listed = |name: &str, of: fn(&CheckResult) -> bool| {
        let ids: Vec<&str> = checks.iter().filter(|check| of(check)).map(|check| check.id.as_str()).collect();
        metadata.insert(name.to_owned(), ids.join(", ").into());
    };
    listed("successfulChecks", |check| check.verdict && check.error.is_none());
    listed("failedChecks", |check| !check.verdict && check.error.is_none());
    listed("erroredChecks", |check| check.error.is_some());
    Opinion { value: feedback.value, weight: feedback.weight, metadata }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(crate) mod tests;
