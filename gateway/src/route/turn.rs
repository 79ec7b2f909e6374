//! One target's turn at a call.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use recorder::{Attempt, Routing};
use routing::Leaf;

use super::{Brought, ConfigInUse, attempts};
use crate::admit::Admitted;
use crate::answer::Answer;
use crate::caching::{self, Found, Keeping};
use crate::call::{self, Call, shortened};
use crate::control::Control;
use crate::error::Error;
use crate::guarding::{self, Judged};
use crate::headers;
use crate::limiting::Held;
use crate::target::{self, Target};
use crate::upstream::Outgoing;

/// A target that is asked, and what it is asked with.
pub(crate) struct Turn<'t, 'c> {
    pub call: &'t mut Call<'c>,
    pub admitted: &'t mut Admitted,
    pub control: &'t Control,
    pub config: &'t ConfigInUse,
    pub leaf: &'t Leaf,
    pub target: Target,
    /// The model as it goes upstream.
    pub model: Option<String>,
    /// The body as it goes upstream, with the target's own parameters; none where it streams through.
    pub body: Option<Bytes>,
    /// The body is a JSON object.
    pub is_json: bool,
    /// An event stream is asked for.
    pub is_streamed: bool,
    /// A body that streams through; gone when it was sent.
    pub once: &'t mut Option<Outgoing>,
    pub judged: Judged,
}

/// Asks the target `leaf`, by all that its config says of that.
///
/// # Errors
/// Of the target, or the gateway's own; [`Error::is_of_target`] tells them apart.
pub(super) async fn take(
    (leaf, config): (&Arc<Leaf>, &ConfigInUse),
    call: &mut Call<'_>,
    brought: &mut Brought<'_>,
    held: &mut Held,
    control: &Control,
    admitted: &mut Admitted,
) -> Result<Answer, Error> {
    let merged = merge(leaf, brought)?;
    let merged_peek = merged.as_ref().map(|body| providers::peek(body)).transpose()?;
    let peek = merged_peek.as_ref().or(brought.peek);
    let routing = Routing {
        mode: config.config.mode().into(),
        option_path: leaf.path.clone().into(),
        ..Routing::default()
    };
    // From here on what goes wrong is said of this target, also where it cannot be found.
    call.provider.clear();
    call.routing = Some(routing.clone());
    admitted.recording.edit(|record| record.routing.clone_from(&routing));
    let headers = call.request.headers();
    let target = target::of_leaf((leaf, config), control, peek, headers, admitted, call.gateway).await?;
    let model = target.model.as_deref().or_else(|| peek?.model.as_deref()).map(shortened);
    admitted.recording.edit(|record| record.requested_model.clone_from(&model));
    call.goes_to(&target, routing, admitted);
    target.check(call.endpoint, model.as_deref(), call.request.method())?;
    let body = merged.as_ref().or(brought.whole.as_ref()).map(|body| call::with_model(body, peek, &target));
    let mut turn = Turn {
        is_json: peek.is_some(),
        is_streamed: peek.is_some_and(|peek| peek.stream),
        call,
        admitted,
        control,
        config,
        leaf,
        target,
        model,
        body,
        once: &mut brought.once,
        judged: Judged::default(),
    };
    turn.edit_routing(|_| ());
    turn.go_on(held).await
}

impl Turn<'_, '_> {
    async fn go_on(&mut self, held: &mut Held) -> Result<Answer, Error> {
        if guarding::are_there(self)
            && let Some(denied) = Box::pin(guarding::input(self)).await?
        {
            let attempt = self.attempt(0);
            self.admitted.recording.attempt_begins(attempt);
            return Ok(denied);
        }
        let found = if self.leaf.policy.cache.is_some() {
            Box::pin(caching::look_up(self)).await?
        } else {
            Found::Miss(Keeping::nothing())
        };
        let keeping = match found {
            Found::Hit(answer) => {
                self.edit_routing(|routing| routing.cache_status = "HIT".into());
                let attempt = self.attempt(0);
                self.admitted.recording.attempt_begins(attempt);
                return Ok(guarding::cached(self, *answer));
            }
            Found::Miss(keeping) => keeping,
        };
        self.edit_routing(|routing| routing.cache_status = keeping.status.into());
        let body = self.body.as_deref().unwrap_or_default();
        if let Err(refusal) = held.reserve(self.call, self.admitted, &self.target, body).await {
            let attempt = Attempt { error: Some(refusal.to_string()), ..self.attempt(0) };
            self.admitted.recording.attempt_begins(attempt);
            return Err(refusal);
        }
        let answered = attempts::ask(self).await;
        if let Some(keeping) = keeping.of(&answered) {
            self.admitted.recording.keeps(keeping);
        }
        answered
    }

    /// Until the head of an answer, for each attempt.
    pub(crate) fn timeout(&self) -> Duration {
        let own = self.control.request_timeout.or(self.leaf.policy.request_timeout);
        own.unwrap_or(self.call.gateway.settings.gateway.request_timeout)
    }

    /// The client's headers that are forwarded because somebody named them: lower-case names.
    pub(crate) fn forwarded(&self) -> &[String] {
        let own: &[String] = &self.control.forward_headers;
        let configs = self.leaf.policy.forward_headers.as_deref();
        if own.is_empty() { configs.unwrap_or_default() } else { own }
    }

    /// The response and the log say the same.
    pub(super) fn edit_routing(&mut self, edit: impl FnOnce(&mut Routing)) {
        if let Some(routing) = &mut self.call.routing {
            edit(routing);
            self.admitted.recording.edit(|record| record.routing.clone_from(routing));
        }
    }

    /// What the log says of one try.
    pub(super) fn attempt(&self, retry: u16) -> Attempt {
        let path = headers::path(self.call.request);
        let cache_status = self.call.routing.as_ref().map(|routing| routing.cache_status.clone());
        Attempt {
            target: self.leaf.path.clone(),
            name: self.leaf.name.clone(),
            provider: self.target.provider.slug.clone(),
            virtual_key: self.target.virtual_key.clone(),
            model: self.model.clone(),
            url: self.target.origin.as_ref().map(|origin| origin.shown(path)).unwrap_or_default(),
            retry,
            cache_status: cache_status.unwrap_or_default(),
            ..Attempt::default()
        }
    }
}

/// The body with the target's own parameters, where it has some and the body is a JSON object.
fn merge(leaf: &Leaf, brought: &Brought<'_>) -> Result<Option<Bytes>, Error> {
    let params = &leaf.policy.override_params;
    let (Some(body), Some(_), false) = (&brought.whole, brought.peek, params.is_empty()) else {
        return Ok(None);
    };
    let merged = routing::with_params(body, params);
    merged.map(|body| Some(body.into())).map_err(|error| Error::invalid("body", error.to_string()))
}
