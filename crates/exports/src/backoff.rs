//! When a destination that failed is asked again.

use std::time::Duration;

use uuid::Uuid;

const FIRST_MS: i64 = 1_000;
const LONGEST_MS: i64 = 300_000;

/// A receiver that wants to be left alone for longer is asked all the same, in milliseconds.
const LONGEST_ASKED_FOR_MS: i64 = 3_600_000;

/// How long to wait after the `attempts`-th attempt in a row failed, in milliseconds: from 1 s to 5 min, twice as long each time,
/// or as long as the receiver asks for, where that is longer. Up to a fifth is added: those that failed
/// together come again one by one.
pub(crate) fn delay_ms(attempts: i32, destination: Uuid, retry_after: Option<Duration>) -> i64 {
    let doublings = attempts.saturating_sub(1).clamp(0, 16);
    let own = (FIRST_MS << doublings).min(LONGEST_MS);
    let asked_for = retry_after.map_or(0, |wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
    let delay = own.max(asked_for.min(LONGEST_ASKED_FOR_MS));
    clock::spread(delay, destination, attempts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_is_twice_the_one_before_and_at_most_a_fifth_more() {
        for id in [Uuid::nil(), Uuid::max(), Uuid::from_u128(0x1234_5678_9abc_def0_1122)] {
            for (attempts, asked_for_s, least) in [
                (1, None, 1_000),
                (2, None, 2_000),
                (5, None, 16_000),
                (9, None, 256_000),
                (10, None, 300_000),
                (i32::MAX, None, 300_000),
                (0, None, 1_000),
                (1, Some(120), 120_000),
                (10, Some(1), 300_000),
                (1, Some(u64::MAX), 3_600_000),
            ] {
                let delay = delay_ms(attempts, id, asked_for_s.map(Duration::from_secs));
                assert!((least..=least + least / 5).contains(&delay), "{attempts} {asked_for_s:?}: {delay}");
            }
        }
    }
}
