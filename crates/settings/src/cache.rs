use secrecy::SecretString;
use serde::Deserialize;

use crate::bounds;

/// Section `cache`: answers that are kept to be given again, where a config asks for it.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CacheSettings {
    /// `redis://` or `rediss://`: where answers are kept, when that is to be another Redis than the ledger's, such as one that forgets
    /// what is old when it is full. Default: `redis_url`; without either, this process's memory.
    pub redis_url: Option<SecretString>,
    /// The memory that answers may take where there is no Redis, in bytes. Default: 67,108,864 (64 MiB).
    #[serde(deserialize_with = "bounds::positive")]
    pub max_bytes: u64,
    /// The longest answer that is kept, in bytes; at most 25,165,824 (24 MiB). Default: 1,048,576 (1 MiB).
    #[serde(deserialize_with = "bounds::payload_bytes")]
    pub max_entry_bytes: usize,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self { redis_url: None, max_bytes: 64 << 20, max_entry_bytes: 1 << 20 }
    }
}
