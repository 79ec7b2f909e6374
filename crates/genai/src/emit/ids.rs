//! The ids of traces and spans: always the same for the same log.

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The trace's 16 bytes for the id that a caller gave, which may be any text: of 32 hexadecimal digits, and of a UUID,
/// the value; of all else the first 16 bytes of SHA-256 over the organisation's 16 bytes and the text. So the same text
/// is the same trace in an organisation, and another in another's.
#[must_use]
pub fn trace_id(organisation: Uuid, of: &str) -> [u8; 16] {
    let plain = matches!(of.len(), 32 | 36).then(|| Uuid::try_parse(of).ok()).flatten();
    if let Some(plain) = plain.filter(|plain| !plain.is_nil()) {
        return plain.into_bytes();
    }
    first(Sha256::new().chain_update(organisation).chain_update(of))
}

/// The caller's own id of the span, if it is one of OpenTelemetry's: 16 hexadecimal digits, not all zero.
pub(super) fn given(id: Option<&str>) -> Option<[u8; 8]> {
    let id = id.filter(|id| id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    let value = u64::from_str_radix(id, 16).ok().filter(|value| *value != 0)?;
    Some(value.to_be_bytes())
}

/// The id of a call's SERVER span where the caller gave none.
pub(super) fn of_call(log: Uuid) -> [u8; 8] {
    first(Sha256::new().chain_update(b"call").chain_update(log))
}

/// The id of the CLIENT span of one of the call's attempts, counted from 0.
pub(super) fn of_attempt(log: Uuid, attempt: u16) -> [u8; 8] {
    first(Sha256::new().chain_update(b"attempt").chain_update(log).chain_update(attempt.to_be_bytes()))
}

/// The id of the span of a feedback, as it was at a moment: one that is changed is another span.
pub(super) fn of_feedback(feedback: Uuid, at_ms: i64) -> [u8; 8] {
    first(Sha256::new().chain_update(b"feedback").chain_update(feedback).chain_update(at_ms.to_be_bytes()))
}

/// The first bytes of the hash; they are not all zero, which no id may be.
fn first<const N: usize>(hash: Sha256) -> [u8; N] {
    let digest = <[u8; 32]>::from(hash.finalize());
    let mut id = [0; N];
    id.copy_from_slice(&digest[..N]);
    if id == [0; N] {
        id[N - 1] = 1;
    }
    id
}
