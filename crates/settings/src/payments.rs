use secrecy::SecretString;
use serde::Deserialize;

use crate::bounds;

/// Section `payments`: Stripe, and what becomes of who does not pay.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PaymentsSettings {
    /// What the workers and the command line show Stripe: `sk_` or, better, `rk_` with write access to customers and to meter
    /// events. Default: none, and Stripe is told nothing.
    pub stripe_api_key: Option<SecretString>,
    /// Where Stripe's API is: `https://` and a host. Default: none, `https://api.stripe.com`.
    #[serde(deserialize_with = "bounds::http_url")]
    pub stripe_base_url: Option<String>,
    /// What Stripe signs its webhooks with: `whsec_...`. Default: none, and there is no `/v1/billing/stripe/webhook`.
    #[serde(deserialize_with = "bounds::token")]
    pub stripe_webhook_secret: Option<SecretString>,
    /// The `event_name` of the meter that counts blocks of overage. Default: `turnpike_overage_block`.
    pub stripe_meter_event_name: String,
    /// How long after a failed payment logs become read-only, in days. Default: 7.
    #[serde(deserialize_with = "bounds::positive")]
    pub restrict_after_days: u32,
    /// How long after a failed payment calls are refused too, in days; counted on from when logs became read-only. Default: 14.
    #[serde(deserialize_with = "bounds::positive")]
    pub suspend_after_days: u32,
}

impl Default for PaymentsSettings {
    fn default() -> Self {
        Self {
            stripe_api_key: None,
            stripe_base_url: None,
            stripe_webhook_secret: None,
            stripe_meter_event_name: "turnpike_overage_block".to_owned(),
            restrict_after_days: 7,
            suspend_after_days: 14,
        }
    }
}
