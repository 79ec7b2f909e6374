//! What the handlers work with.

use std::sync::Arc;

use clock::{Clock, Ids};
use egress::Reach;
use moka::future::Cache;
use recorder::Recorder;
use sea_orm::DatabaseConnection;
use secrecy::SecretString;
use telemetry::Telemetry;
use tenancy::{Configs, Guardrails, Keys, People, PlanOverrides, VirtualKeys};
use uuid::Uuid;
use vault::Vault;

use crate::{BadGatewayUrl, GatewayClient};

/// Clients' own ids of logs that were inserted of late: past that the oldest are looked up.
const MAX_RECENT_INSERTS: u64 = 100_000;

/// What the plane is made of; `main` has one of each and shares them with the other planes.
#[derive(Clone)]
pub struct Parts {
    pub db: DatabaseConnection,
    pub clock: Clock,
    pub ids: Ids,
    pub keys: Keys,
    pub virtual_keys: VirtualKeys,
    pub configs: Configs,
    pub guardrails: Guardrails,
    pub people: People,
    pub vault: Vault,
    /// What the settings put in place of the catalogue's numbers.
    pub plan_overrides: PlanOverrides,
    pub recorder: Recorder,
    /// What models cost.
    pub prices: pricing::Current,
    /// Where a tenant's custom host may point.
    pub reach: Reach,
    /// Whether a proxy that all clients come through tells their addresses.
    pub trust_forwarded_for: bool,
    /// How clients reach us, for links: without a path.
    pub public_url: String,
    /// Whether there is a mail server.
    pub sends_mail: bool,
    /// Bytes kept of a request and of a response in a log.
    pub max_payload_bytes: usize,
    /// Whether logs can be found by the words of their prompts and answers.
    pub text_index: bool,
    /// What opens the operator's routes; without one they are not there.
    pub operator_token: Option<SecretString>,
    /// What the payment provider signs its webhooks with; without it there are none.
    pub stripe_webhook_secret: Option<SecretString>,
    pub telemetry: Telemetry,
    /// Where calls are made once more.
    pub gateway: Arc<GatewayClient>,
}

/// The state of the control plane. Clones share it.
#[derive(Clone)]
pub struct Api {
    parts: Arc<Parts>,
    /// The log of each client's own id, from its insertion on, before the store has it.
    pub(crate) recent_inserts: Cache<(Uuid, String), Uuid>,
    /// Sends the spans of tests.
    pub(crate) exports: Arc<exports::Sender>,
}

impl Api {
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let exports = Arc::new(exports::Sender::new(parts.reach, parts.clock.clone()));
        Self { parts: Arc::new(parts), recent_inserts: Cache::new(MAX_RECENT_INSERTS), exports }
    }

    /// Lets a change of the organisation's plan, caps or standing be seen by its next call, with a key or a person's.
    pub(crate) fn forget_organisation(&self, organisation: Uuid) {
        self.keys.invalidate_organisation(organisation);
        self.people.forget_organisation(organisation);
    }

    /// Tells where the gateway is, unless the settings say.
    ///
    /// # Errors
    /// [`BadGatewayUrl`].
    pub fn gateway_is_at(&self, url: &str) -> Result<(), BadGatewayUrl> {
        self.gateway.is_at(url)
    }

    /// Lets a change of what a person is be seen by their next call, with a key or signed in: here, and in the other processes.
    pub(crate) fn forget_person(&self, user: Uuid) {
        self.keys.invalidate_person(user);
        self.people.forget_person(user);
    }
}

impl std::ops::Deref for Api {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}
