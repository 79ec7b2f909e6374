/// What an organisation may use, for how long it is kept, and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The price of a whole month, in US cents.
    pub monthly_price_cents: u64,
    /// Logs a month in the plan's price; `None`: unlimited.
    pub included: Option<u64>,
    /// How recording goes on past what is included; `None`: it does not.
    pub overage: Option<Overage>,
    /// Days that logs are shown; `None`: forever.
    pub log_retention_days: Option<u32>,
    /// Days that statistics are shown; `None`: forever.
    pub analytics_retention_days: Option<u32>,
    /// Seconds that a cached answer may be given again; `None`: as long as a config may ask for.
    pub max_cache_age_s: Option<u32>,
    /// The retention of the plan before, which holds on for a while after a downgrade.
    pub notice: Option<Notice>,
    /// False: nothing is recorded, as invoices were not paid.
    pub recording: bool,
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

/// A longer retention that has ended, and is still given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Days that logs were shown; `None`: forever.
    pub log_retention_days: Option<u32>,
    /// The first moment, in unix milliseconds, from which the shorter one holds.
    pub until_ms: i64,
}

/// A block of overage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Counted from 1 in each month.
    pub number: u64,
    /// The logs of the month that it is for, counted from 1.
    pub first_log: u64,
    pub last_log: u64,
    pub price_cents: u64,
}

impl Terms {
    /// Logs a month after which recording stops; `None`: never.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        if !self.recording {
            return Some(0);
        }
        self.overage.map(|overage| overage.max_logs).or(self.included)
    }

    /// How many of `n` more logs are recorded when `used` are.
    #[must_use]
    pub fn admit(&self, used: u64, n: u64) -> u64 {
        self.limit().map_or(n, |limit| n.min(limit.saturating_sub(used)))
    }

    /// The blocks that `used` logs have come to, where the first `covered` logs of the month need none and block `number` was
    /// the last: none where the plan sells none. A price or size that changed in the month holds for the blocks after.
    pub fn blocks_to(self, used: u64, covered: u64, number: u64) -> impl Iterator<Item = Block> {
        let overage = self.overage.zip(self.included);
        let mut last =
            Block { number, first_log: 0, last_log: covered.max(self.included.unwrap_or(0)), price_cents: 0 };
        std::iter::from_fn(move || {
            let (overage, _) = overage.filter(|_| last.last_log < used)?;
            last = Block {
                number: last.number + 1,
                first_log: last.last_log + 1,
                last_log: last.last_log.saturating_add(overage.block_logs.max(1)),
                price_cents: overage.block_price_cents,
            };
            Some(last)
        })
    }

    /// These terms where the organisation wants no more overage a month than so many blocks and so many US cents.
    #[must_use]
    pub fn capped(self, blocks: Option<u64>, cents: Option<u64>) -> Self {
        let (Some(overage), Some(included)) = (self.overage, self.included) else { return self };
        let affordable = cents.map(|cents| cents.checked_div(overage.block_price_cents).unwrap_or(u64::MAX));
        let Some(blocks) = blocks.into_iter().chain(affordable).min() else { return self };
        let max_logs = included.saturating_add(blocks.saturating_mul(overage.block_logs));
        Self { overage: Some(Overage { max_logs: max_logs.min(overage.max_logs), ..overage }), ..self }
    }
}
