use serde::Deserialize;

use crate::bounds;

/// Section `spool`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpoolSettings {
    /// What the spool may take on disk, in bytes. Default: 1,073,741,824 (1 GiB).
    #[serde(deserialize_with = "bounds::positive")]
    pub max_bytes: u64,
    /// The size at which a segment is closed and the next one begun, in bytes; at most `max_bytes`. Default: 67,108,864
    /// (64 MiB).
    #[serde(deserialize_with = "bounds::positive")]
    pub segment_bytes: u64,
    /// Whether a record is on the disk itself before its call is answered, to survive power loss too. Default: false.
    pub fsync: bool,
}

impl Default for SpoolSettings {
    fn default() -> Self {
        Self { max_bytes: 1 << 30, segment_bytes: 64 << 20, fsync: false }
    }
}
