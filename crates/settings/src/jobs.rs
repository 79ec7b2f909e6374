use serde::Deserialize;

use crate::bounds;

/// Section `jobs`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobsSettings {
    /// When logs past their retention are deleted, UTC: second, minute, hour, day of month, month, day of week, and
    /// a year if wanted. Default: `0 * * * * *` (each minute).
    #[serde(deserialize_with = "bounds::schedule")]
    pub retention_cron: String,
    /// The most logs that one transaction deletes. Default: 1,000.
    #[serde(deserialize_with = "bounds::positive")]
    pub retention_chunk: u64,
}

impl Default for JobsSettings {
    fn default() -> Self {
        Self { retention_cron: "0 * * * * *".to_owned(), retention_chunk: 1000 }
    }
}
