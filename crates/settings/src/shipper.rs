use std::time::Duration;

use serde::Deserialize;

use crate::bounds;

/// Section `shipper`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShipperSettings {
    /// The most records in a batch. Default: 1,000.
    #[serde(deserialize_with = "bounds::positive")]
    pub batch_records: usize,
    /// The size a batch stops growing at, in bytes. Default: 8,388,608 (8 MiB).
    #[serde(deserialize_with = "bounds::positive")]
    pub batch_bytes: usize,
    /// How long a batch that is not full waits for more. Default: 20 ms.
    #[serde(rename = "linger_ms", deserialize_with = "bounds::millis")]
    pub linger: Duration,
    /// How often it is looked whether prices were added or adjusted, in milliseconds (`prices_every_ms`). Default: 60,000.
    #[serde(rename = "prices_every_ms", deserialize_with = "bounds::millis")]
    pub prices_every: Duration,
}

impl Default for ShipperSettings {
    fn default() -> Self {
        Self {
            batch_records: 1000,
            batch_bytes: 8 << 20,
            linger: Duration::from_millis(20),
            prices_every: Duration::from_mins(1),
        }
    }
}
