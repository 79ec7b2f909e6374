use std::time::Duration;

use serde::Deserialize;

use crate::bounds;

/// Section `redis`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RedisSettings {
    /// How long a step of the ledger may take before we go on without it. Default: 50 ms.
    #[serde(rename = "timeout_ms", deserialize_with = "bounds::millis")]
    pub timeout: Duration,
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self { timeout: Duration::from_millis(50) }
    }
}
