use std::time::Duration;

use egress::Reach;
use serde::Deserialize;

use crate::bounds;

/// Section `gateway`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatewaySettings {
    /// The largest request body, in bytes. Default: 33,554,432 (32 MiB).
    #[serde(deserialize_with = "bounds::positive")]
    pub max_body_bytes: usize,
    /// The largest body that is passed on as it comes (uploads), in bytes. Default: 536,870,912 (512 MiB).
    #[serde(deserialize_with = "bounds::positive")]
    pub max_upload_bytes: usize,
    /// How long a connection to a provider may take to open. Default: 10,000 ms.
    #[serde(rename = "connect_timeout_ms", deserialize_with = "bounds::millis")]
    pub connect_timeout: Duration,
    /// How long a provider may take until its answer's head, at each attempt. Default: 600,000 ms (10 min).
    #[serde(rename = "request_timeout_ms", deserialize_with = "bounds::millis")]
    pub request_timeout: Duration,
    /// How long a provider's answer may pause. Default: 300,000 ms (5 min).
    #[serde(rename = "stream_idle_timeout_ms", deserialize_with = "bounds::millis")]
    pub stream_idle_timeout: Duration,
    /// The pause before the first retry that a config asks for; each next is twice as long. Default: 1,000 ms.
    #[serde(rename = "retry_base_ms", deserialize_with = "bounds::millis")]
    pub retry_base: Duration,
    /// Which hosts off the public internet a tenant's URL may point at: `none`, `loopback` or `all`. Default: `loopback`.
    pub allow_private_hosts: Reach,
    /// How long a key is believed before it is looked up again. Default: 5,000 ms.
    #[serde(rename = "key_cache_ttl_ms", deserialize_with = "bounds::millis")]
    pub key_cache_ttl: Duration,
    /// A call when the spool has no room for its log: `pass` (counted as unrecorded) or `refuse` (503). Default: `pass`.
    pub when_spool_full: WhenSpoolFull,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self {
            max_body_bytes: 32 << 20,
            max_upload_bytes: 512 << 20,
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_mins(10),
            stream_idle_timeout: Duration::from_mins(5),
            retry_base: Duration::from_secs(1),
            allow_private_hosts: Reach::Loopback,
            key_cache_ttl: Duration::from_secs(5),
            when_spool_full: WhenSpoolFull::Pass,
        }
    }
}

/// What becomes of a call whose log would find no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenSpoolFull {
    /// It goes on and is counted as unrecorded.
    Pass,
    /// It gets 503.
    Refuse,
}
