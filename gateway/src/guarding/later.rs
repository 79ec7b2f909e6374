//! Guardrails that no call waits for: they run once the record is handed over, and what they find goes after it.

use std::sync::Arc;

use guardrails::{Call, Exchange, Guardrail, HookResult, Phase, hook_results, without_content};
use recorder::{Feedback, Late, OpenCall, Record, Recorder};
use serde_json::Value;

use super::Guards;

/// Those of a call.
pub(crate) struct Later {
    pub guards: Arc<Guards>,
    pub call: Call,
    pub input: Vec<Arc<Guardrail>>,
    pub output: Vec<Arc<Guardrail>>,
    /// Whether results may have content in them.
    pub keeps_content: bool,
}

impl Later {
    /// Runs them over what the record has of the call. To be called with what is to be handed over; `open` keeps the process
    /// from ending before they have.
    pub fn begin(self, record: &Record, recorder: Recorder, open: OpenCall) {
        let Ok(permit) = Arc::clone(&self.guards.background).try_acquire_owned() else {
            tracing::warn!(log_id = %record.id, "too many guardrails run already that no call waits for: those of a call are left out");
            return;
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (log_id, organisation_id, status) = (record.id, record.organisation_id, record.status);
        let (request, response) = (record.request.body.clone(), record.response.body.clone());
        let streamed = record.streamed;
        runtime.spawn(async move {
            let _held = (permit, open);
            let Ok(request) = serde_json::from_slice::<Value>(&request) else { return };
            let mut exchange = Exchange { request: Arc::new(request), response: None, status: None };
            let before = self.run(Phase::Input, &self.input, &exchange).await;
            let mut after = Vec::new();
            if status == 200 || status == super::WARNED {
                let answer = if streamed {
                    guardrails::assembled(self.call.endpoint, &response)
                } else {
                    serde_json::from_slice(&response).ok()
                };
                if let Some(answer) = answer {
                    (exchange.response, exchange.status) = (Some(Arc::new(answer)), Some(200));
                    after = self.run(Phase::Output, &self.output, &exchange).await;
                }
            }
            if before.is_empty() && after.is_empty() {
                return;
            }
            let results = hook_results(&before, &after);
            let late = Late {
                late_for: log_id,
                organisation_id,
                hook_results: if self.keeps_content { results } else { without_content(results) },
                feedback: before.iter().chain(&after).filter_map(feedback).collect(),
            };
            if let Err(error) = recorder.record_late(&late).await {
                tracing::warn!(%log_id, %error, "what guardrails found later is not in the log");
            }
        });
    }

    async fn run(&self, phase: Phase, guardrails: &[Arc<Guardrail>], exchange: &Exchange) -> Vec<HookResult> {
        if guardrails.is_empty() {
            return Vec::new();
        }
        self.guards.judge.run(phase, guardrails, &self.call, exchange).await.results
    }
}

/// The feedback that a result asks for.
pub(super) fn feedback(result: &HookResult) -> Option<Feedback> {
    let opinion = result.feedback.as_ref()?;
    Some(Feedback {
        value: opinion.value,
        weight: opinion.weight,
        metadata: Value::from(opinion.metadata.clone()),
    })
}
