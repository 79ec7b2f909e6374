//! Draws that calls of one user share: a function of what the call says, so that replicas agree without telling each other.

use sha2::{Digest as _, Sha256};

use crate::condition::Facts;
use crate::config::Sticky;

impl Sticky {
    /// Where in the whole weight such a call falls, from 0 to below 1; none where it has none of the fields. Time counts in steps of
    /// the `ttl`, so a draw holds for that long at the most.
    pub(crate) fn point(&self, facts: &Facts<'_>, path: &str) -> Option<f64> {
        let values: Vec<Option<String>> = self.fields.iter().map(|field| facts.text(field)).collect();
        if values.iter().all(Option::is_none) {
            return None;
        }
        let step = facts.now_s / i64::try_from(self.ttl.as_secs()).unwrap_or(i64::MAX).max(1);
        let mut hash = Sha256::new();
        hash.update(step.to_be_bytes());
        hash.update(path.as_bytes());
        for value in &values {
            // None and empty differ, and no two lists of values run into each other.
            let length = value.as_ref().map_or(u64::MAX, |value| value.len() as u64);
            hash.update(length.to_be_bytes());
            hash.update(value.as_deref().unwrap_or_default().as_bytes());
        }
        let bits = hash.finalize().iter().take(6).fold(0, |bits: u64, byte| (bits << 8) | u64::from(*byte));
        // 48 bits fit a float exactly.
        #[expect(clippy::cast_precision_loss, reason = "48 bits")]
        let point = bits as f64 / (1_u64 << 48) as f64;
        Some(point)
    }
}
