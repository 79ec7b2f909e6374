use serde::Deserialize;

use crate::bounds;

/// Section `guardrails`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GuardrailsSettings {
    /// How much of an answer is held until its checks are made, in bytes; of what is longer nothing is checked. Default:
    /// 8,388,608 (8 MiB).
    #[serde(deserialize_with = "bounds::positive")]
    pub max_held_bytes: usize,
    /// Runs that no call waits for, at one time; past that they are left out. Default: 256.
    #[serde(deserialize_with = "bounds::positive")]
    pub max_background: usize,
}

impl Default for GuardrailsSettings {
    fn default() -> Self {
        Self { max_held_bytes: 8 << 20, max_background: 256 }
    }
}
