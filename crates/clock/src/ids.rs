use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::{Builder, Uuid};

use crate::Clock;

/// The largest timestamp a version 7 id holds: 48 bits of milliseconds (RFC 9562, 5.7).
const MAX_MS: i64 = (1 << 48) - 1;

/// The 74 random bits of a version 7 id (RFC 9562, 5.7); in a version 4 id they are random too.
const CHANCE: u128 = 0x0fff_3fff_ffff_ffff_ffff;

/// The operating system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no randomness for a secret")]
pub struct Error(#[from] getrandom::Error);

/// The source of ids, secrets and chance. All of it comes from the operating system's generator.
#[derive(Clone, Debug)]
pub struct Ids {
    clock: Clock,
}

impl Ids {
    /// Ids whose timestamps are read from `clock`.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock }
    }

    /// A log's id: version 7, and its millisecond is the clock's now. Read it back with [`millis`].
    #[must_use]
    pub fn log_id(&self) -> Uuid {
        Uuid::from_u128(floor(self.clock.now_ms()).as_u128() | (random().as_u128() & CHANCE))
    }

    /// A random id (version 4) for anything but a log.
    #[must_use]
    pub fn fresh(&self) -> Uuid {
        random()
    }

    /// A secret of `bytes` random bytes, as unpadded base64url text: four characters for three bytes.
    ///
    /// # Errors
    /// [`Error`] if the operating system has no randomness to give.
    pub fn secret(&self, bytes: usize) -> Result<String, Error> {
        let mut secret = vec![0; bytes];
        getrandom::fill(&mut secret)?;
        Ok(URL_SAFE_NO_PAD.encode(secret))
    }

    /// A trace's id for a call that came without one, as text. It begins with the time, as a log's id does, so that the
    /// store's index of traces grows at its end.
    #[must_use]
    pub fn trace_id(&self) -> String {
        self.log_id().to_string()
    }

    /// A fair draw from `0.0..1.0`.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exactly what an f64 holds")]
    pub fn unit_f64(&self) -> f64 {
        const STEPS: u64 = 1 << 53;
        let (_, low) = random().as_u64_pair();
        (low % STEPS) as f64 / STEPS as f64
    }
}

/// When a log's id was made, in unix milliseconds; `None` for an id that is not version 7.
#[must_use]
pub fn millis(id: Uuid) -> Option<i64> {
    (id.get_version_num() == 7).then(|| i64::try_from(id.as_u128() >> 80).ok())?
}

/// Ids as one value of a column has them: 16 bytes each.
#[must_use]
pub fn pack(ids: &[Uuid]) -> Vec<u8> {
    ids.iter().flat_map(|id| id.into_bytes()).collect()
}

/// What [`pack`] made, in its order.
#[must_use = "it reads nothing until it is asked"]
pub fn unpack(bytes: &[u8]) -> impl DoubleEndedIterator<Item = Uuid> {
    bytes.as_chunks().0.iter().map(|id| Uuid::from_bytes(*id))
}

/// The smallest log id of a millisecond, for ranges of time; out of range (1970 to 10889) is clamped.
#[must_use]
pub fn floor(ms: i64) -> Uuid {
    Builder::from_unix_timestamp_millis(timestamp(ms), &[0; 10]).into_uuid()
}

/// The largest log id of a millisecond, clamped as [`floor`].
#[must_use]
pub fn ceil(ms: i64) -> Uuid {
    Builder::from_unix_timestamp_millis(timestamp(ms), &[0xff; 10]).into_uuid()
}

fn timestamp(ms: i64) -> u64 {
    ms.clamp(0, MAX_MS).unsigned_abs()
}

#[expect(clippy::disallowed_methods, reason = "the one place that draws an id")]
fn random() -> Uuid {
    Uuid::new_v4()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use super::*;

    /// 2026-11-23T00:00:00Z.
    const NOW: i64 = 1_795_392_000_000;

    #[test]
    fn a_log_id_carries_the_clocks_millisecond() {
        let clock = Clock::starting_at(NOW);
        let ids = Ids::new(clock.clone());
        let before = clock.now_ms();
        let id = ids.log_id();
        assert_eq!((id.get_version_num(), id.get_variant()), (7, uuid::Variant::RFC4122));
        assert!((before..=clock.now_ms()).contains(&millis(id).unwrap_or_default()));

        clock.advance(Duration::from_hours(720));
        assert!(millis(ids.log_id()) >= Some(before + 720 * 3_600_000));
        assert!(ids.log_id() > id, "later ids sort later");
        assert!(ids.trace_id() > id.to_string(), "and so do traces");
    }

    #[test]
    fn ids_and_secrets_do_not_repeat() {
        let ids = Ids::new(Clock::system());
        let logs: HashSet<Uuid> = (0..20_000).map(|_| ids.log_id()).collect();
        let fresh: HashSet<Uuid> = (0..20_000).map(|_| ids.fresh()).collect();
        let secrets: HashSet<Option<String>> = (0..1000).map(|_| ids.secret(24).ok()).collect();
        assert_eq!((logs.len(), fresh.len(), secrets.len()), (20_000, 20_000, 1000));
        assert!(secrets.iter().flatten().all(|secret| secret.len() == 32));
        assert_eq!(ids.fresh().get_version_num(), 4);
        let traces: HashSet<String> = (0..20_000).map(|_| ids.trace_id()).collect();
        assert_eq!(traces.len(), 20_000);
    }

    #[test]
    fn floor_and_ceil_hold_every_id_of_their_millisecond_and_no_other() {
        let clock = Clock::starting_at(NOW);
        let ids = Ids::new(clock);
        for _ in 0..1000 {
            let id = ids.log_id();
            let ms = millis(id).unwrap_or_default();
            assert!(floor(ms) <= id && id <= ceil(ms));
            assert!(ceil(ms - 1) < id && id < floor(ms + 1));
        }
        assert_eq!(millis(floor(NOW)), Some(NOW));
        assert_eq!(millis(ceil(NOW)), Some(NOW));
        assert_eq!(floor(-1), floor(0));
        assert_eq!(ceil(i64::MAX), ceil(MAX_MS));
    }

    #[test]
    fn an_id_that_is_not_version_7_has_no_time() {
        assert_eq!(millis(Ids::new(Clock::system()).fresh()), None);
        assert_eq!(millis(Uuid::nil()), None);
        assert_eq!(millis(Uuid::max()), None);
    }

    #[test]
    fn a_draw_is_fair_and_below_one() {
        let ids = Ids::new(Clock::system());
        let draws: Vec<f64> = (0..20_000).map(|_| ids.unit_f64()).collect();
        assert!(draws.iter().all(|draw| (0.0..1.0).contains(draw)));
        // The mean of 20,000 draws is off by 0.02 once in about 10^22 runs.
        let mean = draws.iter().sum::<f64>() / 20_000.0;
        assert!((0.48..0.52).contains(&mean), "{mean}");
    }
}
