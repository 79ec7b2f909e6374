//! The budgets and rate limits of a call: every way in passes here once its target is known, before anything is asked of it.

use std::sync::Arc;
use std::time::Duration;

use limits::{Call as Reserving, Limits, Worst};
use providers::Endpoint;
use uuid::Uuid;

use crate::Gateway;
use crate::admit::Admitted;
use crate::call::Call;
use crate::control::Control;
use crate::error::Error;
use crate::target::Target;

/// Beyond the time-outs of a call: its log has to come into the store.
const SHIPPING_MS: i64 = 60_000;

/// Reserves what the call may use of the limits of its key, its workspace and its virtual key. Mostly there are none, and nothing is
/// done. `body` is what is known of the request's: of one that streams through, nothing.
///
/// # Errors
/// 412, 429, or with `limits.on_redis_away = refuse` 503.
pub(crate) async fn reserve(
    call: &Call<'_>,
    admitted: &Admitted,
    control: &Control,
    target: Option<&Target>,
    body: &[u8],
) -> Result<(), Error> {
    let of_virtual_key = target.and_then(|target| target.limits.as_deref());
    if admitted.tenant.limits.is_empty() && of_virtual_key.is_none() {
        return Ok(());
    }
    let gateway = call.gateway;
    let within = control.request_timeout.unwrap_or(gateway.settings.gateway.request_timeout);
    let limits = admitted.tenant.limits.iter().chain(of_virtual_key);
    let worst =
        target.map_or(Worst::default(), |target| worst(gateway, admitted, target, call.endpoint, body));
    // Rare and large: in a box it is not part of every call's future.
    let reserving = reserving(gateway, admitted, within);
    Ok(Box::pin(gateway.limiter.reserve(reserving, limits, worst)).await?)
}

/// What a call that goes from target to target has of limits.
pub(crate) struct Held {
    /// How long it may take to the head of its answer, whatever becomes of its targets.
    within: Duration,
    /// Whose requests count this one already.
    counted: Vec<Uuid>,
    /// Of the virtual key in use.
    of_key: Option<Arc<Limits>>,
}

impl Held {
    pub(crate) fn new(within: Duration) -> Self {
        Self { within, counted: Vec::new(), of_key: None }
    }

    /// As [`reserve`]; what the call has reserved before, for another target, is replaced. It is one request to each of those whose
    /// limits there are, however often it is made.
    ///
    /// # Errors
    /// As [`reserve`]'s.
    pub(crate) async fn reserve(
        &mut self,
        call: &Call<'_>,
        admitted: &Admitted,
        target: &Target,
        body: &[u8],
    ) -> Result<(), Error> {
        let limits: Vec<&Limits> = admitted.tenant.limits.iter().chain(target.limits.as_deref()).collect();
        if limits.is_empty() {
            return Ok(());
        }
        let gateway = call.gateway;
        let reserving = reserving(gateway, admitted, self.within);
        let worst = worst(gateway, admitted, target, call.endpoint, body);
        gateway.limiter.reserve_anew(reserving, limits.iter().copied(), worst, &self.counted).await?;
        self.counted.extend(limits.iter().map(|limits| limits.subject.id));
        self.of_key.clone_from(&target.limits);
        Ok(())
    }

    /// The call goes on without its virtual key: nothing is held of the key's limits any longer. The log names the last target alone,
    /// and by it the others would never be settled.
    pub(crate) async fn let_go(&mut self, gateway: &Gateway, admitted: &Admitted) {
        if let Some(limits) = self.of_key.take() {
            let reserving = reserving(gateway, admitted, self.within);
            gateway.limiter.release(reserving, &limits).await;
        }
    }
}

fn reserving(gateway: &Gateway, admitted: &Admitted, within: Duration) -> Reserving {
    let within = within + gateway.settings.gateway.stream_idle_timeout;
    let within_ms = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
    // Of the log's id, so that what is settled is what was reserved.
    let at_ms = clock::millis(admitted.id).unwrap_or_default();
    Reserving {
        organisation: admitted.tenant.organisation_id,
        id: admitted.id,
        at_ms,
        expires_ms: at_ms.saturating_add(within_ms).saturating_add(SHIPPING_MS),
    }
}

fn worst(gateway: &Gateway, admitted: &Admitted, target: &Target, endpoint: Endpoint, body: &[u8]) -> Worst {
    let provider = &target.provider.slug;
    let model = providers::peek(body).ok().and_then(|peek| peek.model);
    let (book, organisation) = (gateway.prices.book(), admitted.tenant.organisation_id);
    let most = providers::most(provider, endpoint, model.as_deref(), body, |model, usage| {
        book.cost(organisation, provider, model, usage)
    });
    Worst { tokens: most.tokens, cost_pusd: most.cost_pusd, likely_tokens: most.likely_tokens }
}
