use crate::{Month, Terms};

/// What a month comes to if it goes on as it has so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Projection {
    /// Logs recorded at the month's end: no more than are recorded at all.
    pub logs: u64,
    /// Blocks of overage, those that are open too.
    pub blocks: u64,
    /// Their price, in US cents.
    pub overage_cents: u64,
}

/// What is open of a month's overage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    pub blocks: u64,
    /// Their price, in US cents.
    pub cents: u64,
    /// The last log of the month that they are for, counted from 1; 0 where there is none.
    pub last_log: u64,
}

/// Of the first hour nothing is concluded for the rest of the month: milliseconds.
const LEAST_MS: i64 = 3_600_000;

impl Terms {
    /// Where `used` logs of `month` at `now_ms` lead to by its end, at the rate so far.
    #[must_use]
    pub fn projection(&self, month: Month, now_ms: i64, used: u64, opened: Opened) -> Projection {
        let whole = month.end_ms() - month.start_ms();
        let elapsed = (now_ms - month.start_ms()).clamp(LEAST_MS, whole);
        let going_on =
            u128::from(used) * u128::from(whole.unsigned_abs()) / u128::from(elapsed.unsigned_abs());
        let going_on = u64::try_from(going_on).unwrap_or(u64::MAX);
        let logs = self.limit().map_or(going_on, |limit| going_on.min(limit)).max(used);
        let to_come = self.blocks_to(logs, opened.last_log.max(used), opened.blocks);
        let (blocks, cents) = to_come.fold((opened.blocks, opened.cents), |(blocks, cents), block| {
            (blocks + 1, cents.saturating_add(block.price_cents))
        });
        Projection { logs, blocks, overage_cents: cents }
    }
}
