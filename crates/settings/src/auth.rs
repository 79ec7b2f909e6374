use std::time::Duration;

use serde::Deserialize;

use crate::bounds;

/// Section `auth`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthSettings {
    /// How long a key that was known goes on working while the database does not answer. Default: 900,000 ms (15 min).
    #[serde(rename = "stale_max_ms", deserialize_with = "bounds::millis")]
    pub stale_max: Duration,
    /// Whether the last address in `x-forwarded-for` is the client's, for the waits after failed sign-ins. Only where all
    /// clients come through a proxy that sets it: others would choose their own. Default: false.
    pub trust_forwarded_for: bool,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self { stale_max: Duration::from_mins(15), trust_forwarded_for: false }
    }
}
