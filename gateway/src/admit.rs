//! The one way in: who is calling, and may they. Every route passes here before anything is done for it.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, HeaderValue};
use recorder::Payload;
use settings::WhenSpoolFull;
use tenancy::people::{REPLAY_TOKEN, ReplayedBy};
use tenancy::{IdentifyError, OverQuota, Scope, Standing, Tenant};
use uuid::Uuid;

use crate::Gateway;
use crate::error::Error;
use crate::observation::Observation;
use crate::recording::{Recording, month};
use crate::{control, headers};

/// A call that may go on, with its record begun.
pub(crate) struct Admitted {
    pub id: Uuid,
    pub tenant: Arc<Tenant>,
    pub recording: Recording,
    /// Whose values are masked in the log.
    pub sensitive_headers: Vec<String>,
}

impl Admitted {
    /// # Errors
    /// 403 for a key that makes no calls; that is in its workspace's log.
    pub(crate) fn check_scope(&self) -> Result<(), Error> {
        if self.tenant.scopes.has(Scope::CompletionsWrite) {
            Ok(())
        } else {
            Err(Error::Forbidden("the scope completions.write"))
        }
    }

    /// Whether the organisation takes this call, by what is known here of its logs and payments.
    ///
    /// # Errors
    /// 402 or 412; that is a log too, which is dropped as the call's would have been.
    pub(crate) fn check_organisation(&self, gateway: &Gateway) -> Result<(), Error> {
        if self.tenant.standing == Standing::Suspended {
            return Err(Error::Suspended);
        }
        if self.tenant.over_quota == OverQuota::Pass {
            return Ok(());
        }
        let key = quota::Key { organisation: self.tenant.organisation_id, month: month(self.id) };
        match (gateway.ledger.known(key), self.tenant.terms.limit()) {
            (Some(used), Some(limit)) if used >= limit => Err(Error::OverQuota { month: key.month, limit }),
            _ => Ok(()),
        }
    }
}

/// # Errors
/// 401, 403 or 503. A caller that is not known has no organisation to log for, so such a call is in no log.
pub(crate) async fn admit(
    request: &HttpRequest,
    gateway: &Gateway,
    observation: Observation,
) -> Result<Admitted, Error> {
    let id = gateway.ids.log_id();
    let (tenant, workspace_id, replay_of) = match who_may(request, gateway).await {
        Ok(caller) => caller,
        Err(error) => {
            observation.refused(&error);
            return Err(error);
        }
    };
    let recorder = gateway.recorder.clone();
    let max = gateway.settings.log.max_payload_bytes;
    let mut recording = Recording::begin(id, observation, &tenant, workspace_id, recorder, max);
    let sensitive_headers = control::sensitive_headers(request.headers());
    recording.edit(|record| {
        record.replay_of = replay_of;
        request.method().as_str().clone_into(&mut record.method);
        request.path().clone_into(&mut record.url);
        record.endpoint = headers::endpoint(request);
        if may_be_tracked(request.headers()) {
            record.request.headers = headers::logged(request.headers(), &sensitive_headers);
        } else {
            record.payload = Payload::Withheld;
        }
    });
    Ok(Admitted { id, tenant, recording, sensitive_headers })
}

/// The caller, the workspace whose call it is, and the log whose call it is once more.
async fn who_may(
    request: &HttpRequest,
    gateway: &Gateway,
) -> Result<(Arc<Tenant>, Uuid, Option<Uuid>), Error> {
    let (tenant, replay_of) = if let Some(token) = request.headers().get(REPLAY_TOKEN) {
        // Rare and large: in a box it is not part of every call's future.
        Box::pin(replayed(gateway, token)).await?
    } else {
        let missing = "no API key: send one of this server's keys in x-portkey-api-key";
        let secret = secret(request.headers()).ok_or(Error::Unauthorised(missing))?;
        (identify(gateway, secret).await?, None)
    };
    let workspace_id = tenant
        .workspace_id
        .ok_or(Error::Forbidden("to be a workspace's key: an organisation's key makes no model calls"))?;
    if gateway.settings.gateway.when_spool_full == WhenSpoolFull::Refuse && gateway.recorder.is_full() {
        return Err(Error::NoRoom);
    }
    Ok((tenant, workspace_id, replay_of))
}

/// In whose name a call is made once more, and which.
async fn replayed(gateway: &Gateway, token: &HeaderValue) -> Result<(Arc<Tenant>, Option<Uuid>), Error> {
    let refused = |error| match error {
        IdentifyError::Unknown | IdentifyError::Expired => {
            Error::Unauthorised("the token of this replay is not valid or no longer so")
        }
        IdentifyError::Unavailable => Error::Unavailable,
    };
    let token = token.to_str().map_err(|_| refused(IdentifyError::Unknown))?;
    let replay = gateway.people.replay(token).await.map_err(refused)?;
    let tenant = match replay.by {
        ReplayedBy::Person(tenant) => tenant,
        ReplayedBy::Key(id) => gateway.keys.identify_by_id(id).await.map_err(refused)?,
    };
    if tenant.workspace_id != Some(replay.workspace_id) {
        return Err(refused(IdentifyError::Unknown));
    }
    Ok((tenant, Some(replay.log_id)))
}

async fn identify(gateway: &Gateway, secret: &str) -> Result<Arc<Tenant>, Error> {
    let identified = match gateway.keys.cached(secret) {
        Some(tenant) => Ok(tenant),
        None => gateway.keys.identify(secret).await,
    };
    identified.map_err(|error| match error {
        IdentifyError::Unknown => Error::Unauthorised("this API key is not known or no longer valid"),
        IdentifyError::Expired => Error::Unauthorised("this API key has expired"),
        IdentifyError::Unavailable => Error::Unavailable,
    })
}

/// The caller's key: in the gateway's own header, or where OpenAI's SDK puts one, when it is one of ours.
fn secret(headers: &HeaderMap) -> Option<&str> {
    let own = headers.get("x-portkey-api-key").and_then(|value| value.to_str().ok()).map(str::trim);
    own.filter(|key| !key.is_empty()).or_else(|| {
        let bearer = headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer ")?.trim();
        bearer.starts_with(tenancy::secret::PREFIX).then_some(bearer)
    })
}

/// Whatever is not plainly a tracked call is treated as Do Not Track, even where the header is a mistake.
fn may_be_tracked(headers: &HeaderMap) -> bool {
    headers.get_all("x-portkey-debug").all(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
}
