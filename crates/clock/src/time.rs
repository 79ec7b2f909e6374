use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};

/// A moment in unix milliseconds as the wire has it, in ISO 8601 and UTC: `2024-07-30T13:27:29.000Z`.
#[must_use]
pub fn iso(ms: i64) -> String {
    DateTime::<Utc>::from_timestamp_millis(ms)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// What time it is: real time plus an offset that all clones share, so that whoever holds one can move them all.
#[derive(Clone, Debug)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
}

impl Clock {
    /// The machine's own time.
    #[must_use]
    pub fn system() -> Self {
        Self::offset_by(0)
    }

    /// A clock that reads `ms` (unix milliseconds) now, from where real time flows on.
    #[must_use]
    pub fn starting_at(ms: i64) -> Self {
        Self::offset_by(ms.saturating_sub(system_ms()))
    }

    /// Unix milliseconds, UTC.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        system_ms().saturating_add(self.offset_ms.load(Ordering::Relaxed))
    }

    /// Unix seconds, UTC, rounded down.
    #[must_use]
    pub fn now_s(&self) -> i64 {
        self.now_ms().div_euclid(1000)
    }

    /// Moves this clock and its clones forward; less than a millisecond is lost.
    pub fn advance(&self, by: Duration) {
        self.offset_ms.fetch_add(whole_ms(by), Ordering::Relaxed);
    }

    /// Moves this clock and its clones back, as a machine's is that went wrong; less than a millisecond is lost.
    pub fn set_back(&self, by: Duration) {
        self.offset_ms.fetch_sub(whole_ms(by), Ordering::Relaxed);
    }

    fn offset_by(ms: i64) -> Self {
        Self { offset_ms: Arc::new(AtomicI64::new(ms)) }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
fn system_ms() -> i64 {
    match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => whole_ms(since),
        Err(before) => -whole_ms(before.duration()),
    }
}

fn whole_ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_reads_the_machines_time() {
        let before = system_ms();
        let read = Clock::system().now_ms();
        assert!((before..=system_ms()).contains(&read));
        assert!(read > 1_700_000_000_000, "milliseconds, not seconds: {read}");
    }

    #[test]
    fn a_clock_flows_on_from_where_it_was_set_and_its_clones_move_with_it() {
        let clock = Clock::starting_at(86_400_000);
        let clone = clock.clone();
        assert!((86_400_000..86_410_000).contains(&clone.now_ms()));
        while clock.now_ms() == 86_400_000 {
            std::hint::spin_loop();
        }
        clock.advance(Duration::from_hours(720));
        assert!((31 * 86_400..31 * 86_400 + 10).contains(&clone.now_s()));
        clone.set_back(Duration::from_hours(1));
        assert!((31 * 86_400 - 3_600..31 * 86_400 - 3_590).contains(&clock.now_s()));
    }

    #[test]
    fn seconds_round_down_before_1970_too() {
        let clock = Clock::starting_at(-3_600_500);
        let seconds = clock.now_s();
        assert!((-3_601..-3_590).contains(&seconds));
        assert!(seconds * 1000 <= clock.now_ms());
    }
}
