/// What an organisation may use and for how long it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Logs a month in the plan's price; `None`: unlimited.
    pub included: Option<u64>,
    /// How recording goes on past what is included; `None`: it does not.
    pub overage: Option<Overage>,
    /// Days that logs are shown; `None`: forever.
    pub log_retention_days: Option<u32>,
    /// Days that statistics are shown; `None`: forever.
    pub analytics_retention_days: Option<u32>,
}

/// Logs past the included ones, sold in blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overage {
    /// Logs in a block.
    pub block_logs: u64,
    /// The price of a block from its first log on, in US cents.
    pub block_price_cents: u64,
    /// Logs a month, the included ones too, after which recording stops.
    pub max_logs: u64,
}

impl Terms {
    /// Logs a month after which recording stops; `None`: never.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        self.overage.map(|overage| overage.max_logs).or(self.included)
    }

    /// How many of `n` more logs are recorded when `used` are.
    #[must_use]
    pub fn admit(&self, used: u64, n: u64) -> u64 {
        self.limit().map_or(n, |limit| n.min(limit.saturating_sub(used)))
    }

    /// Blocks of overage that `used` recorded logs have started.
    #[must_use]
    pub fn overage_blocks(&self, used: u64) -> u64 {
        let (Some(overage), Some(included)) = (self.overage, self.included) else {
            return 0;
        };
        used.saturating_sub(included).div_ceil(overage.block_logs.max(1))
    }
}
