//! The budgets and rate limits of a call: every way in passes here once its target is known, before anything is asked of it.

use limits::{Call as Reserving, Limits, Worst};

use crate::Gateway;
use crate::admit::Admitted;
use crate::control::Control;
use crate::error::Error;
use crate::target::Target;
use providers::Endpoint;

/// Beyond the time-outs of a call: its log has to come into the store.
const SHIPPING_MS: i64 = 60_000;

/// Reserves what the call may use of the limits of its key, its workspace and its virtual key. Mostly there are none, and nothing is
/// done. `body` is what is known of the request's: of one that streams through, nothing.
///
/// # Errors
/// 412, 429, or with `limits.on_redis_away = refuse` 503.
pub(crate) async fn reserve(
    gateway: &Gateway,
    admitted: &Admitted,
    control: &Control,
    endpoint: Endpoint,
    target: Option<&Target>,
    body: &[u8],
) -> Result<(), Error> {
    let of_virtual_key = target.and_then(|target| target.limits.as_deref());
    if admitted.tenant.limits.is_empty() && of_virtual_key.is_none() {
        return Ok(());
    }
    let limits = admitted.tenant.limits.iter().chain(of_virtual_key);
    let worst = target.map_or(Worst::default(), |target| worst(target, endpoint, body));
    // Rare and large: in a box it is not part of every call's future.
    Box::pin(ask(gateway, admitted, control, limits, worst)).await
}

async fn ask(
    gateway: &Gateway,
    admitted: &Admitted,
    control: &Control,
    limits: impl Iterator<Item = &Limits>,
    worst: Worst,
) -> Result<(), Error> {
    let settings = &gateway.settings.gateway;
    let within = control.request_timeout.unwrap_or(settings.request_timeout) + settings.stream_idle_timeout;
    let within_ms = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
    // Of the log's id, so that what is settled is what was reserved.
    let at_ms = clock::millis(admitted.id).unwrap_or_default();
    let call = Reserving {
        organisation: admitted.tenant.organisation_id,
        id: admitted.id,
        at_ms,
        expires_ms: at_ms.saturating_add(within_ms).saturating_add(SHIPPING_MS),
    };
    Ok(gateway.limiter.reserve(call, limits, worst).await?)
}

fn worst(target: &Target, endpoint: Endpoint, body: &[u8]) -> Worst {
    let provider = &target.provider.slug;
    let model = providers::peek(body).ok().and_then(|peek| peek.model);
    let most = providers::most(provider, endpoint, model.as_deref(), body);
    Worst { tokens: most.tokens, cost_pusd: most.cost_pusd, likely_tokens: most.likely_tokens }
}
