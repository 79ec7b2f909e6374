//! When a delivery that failed is tried again.

use uuid::Uuid;

/// What is waited after each attempt that failed, in milliseconds: from 5 s to a day. After the last of them it is given up.
pub const DELAYS_MS: [i64; 7] = [5_000, 30_000, 120_000, 600_000, 3_600_000, 21_600_000, 86_400_000];

/// How long to wait after the `attempts`-th attempt of a delivery failed, in milliseconds. None: it was the last.
///
/// Up to a fifth is added: those that failed together come again one by one.
#[must_use]
pub fn delay_ms(attempts: i32, delivery: Uuid) -> Option<i64> {
    let made = usize::try_from(attempts).ok()?;
    let delay = *DELAYS_MS.get(made.checked_sub(1)?)?;
    Some(clock::spread(delay, delivery, attempts))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_wait_is_its_step_and_at_most_a_fifth_more(id in any::<u128>()) {
            let id = Uuid::from_u128(id);
            for (attempts, step) in (1..).zip(DELAYS_MS) {
                let delay = delay_ms(attempts, id);
                prop_assert!(delay.is_some_and(|ms| (step..=step + step / 5).contains(&ms)), "{attempts}: {delay:?}");
            }
            for none in [8, 9, i32::MAX, 0, -1, i32::MIN] {
                prop_assert_eq!(delay_ms(none, id), None);
            }
        }
    }

    #[test]
    fn deliveries_that_failed_together_come_again_at_different_times() {
        let ids = clock::Ids::new(clock::Clock::system());
        let delays: std::collections::HashSet<_> = (0..100).map(|_| delay_ms(3, ids.fresh())).collect();
        assert!(delays.len() > 20, "{delays:?}");
    }
}
