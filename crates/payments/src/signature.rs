//! Whether a webhook is Stripe's. <https://docs.stripe.com/webhooks#verify-manually>

use aws_lc_rs::hmac;
use secrecy::{ExposeSecret as _, SecretString};

/// How far its time may be from ours, in seconds.
pub const TOLERANCE_S: i64 = 300;

/// Signatures that are looked at: Stripe sends one for each secret, of which there are two while one is replaced.
const MAX_SIGNATURES: usize = 8;

/// Why a webhook is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    #[error("malformed")]
    Malformed,
    #[error("no signature in it is right for this body")]
    Wrong,
    #[error("its time is more than 5 minutes from now")]
    Old,
}

/// Whether `header` (`t=<seconds>,v1=<hex>`) signs `body`, now. Compared in constant time.
///
/// # Errors
/// [`NotSigned`] says why it does not.
pub fn check(secret: &SecretString, header: &str, body: &[u8], now_ms: i64) -> Result<(), NotSigned> {
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let time = parts().find(|(name, _)| *name == "t").map(|(_, value)| value).ok_or(NotSigned::Malformed)?;
    let seconds: i64 = time.parse().map_err(|_| NotSigned::Malformed)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    let signed = [time.as_bytes(), b".", body].concat();
    let mut signatures =
        parts().filter(|(name, _)| *name == "v1").filter_map(|(_, hex)| bytes(hex)).take(MAX_SIGNATURES);
    if !signatures.any(|signature| hmac::verify(&key, &signed, &signature).is_ok()) {
        return Err(NotSigned::Wrong);
    }
    let apart = now_ms.div_euclid(1000).saturating_sub(seconds).saturating_abs();
    if apart > TOLERANCE_S { Err(NotSigned::Old) } else { Ok(()) }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    hex.as_bytes().chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By `printf '1492774577.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test`.
    const SIGNED: &str = "7656fc2882a7ca0a651666b36bf2f2f22ee204f54f608f227498a2419f2890b2";
    const BODY: &[u8] = br#"{"id":"evt_1"}"#;
    const NOW_MS: i64 = 1_492_774_577_000;

    fn check(header: &str, body: &[u8], now_ms: i64) -> Result<(), NotSigned> {
        super::check(&"whsec_test".into(), header, body, now_ms)
    }

    #[test]
    fn what_stripe_signed_is_believed_for_five_minutes_and_nothing_else_is() {
        let good = format!("t=1492774577,v1={SIGNED}");
        let others = format!("t=1492774577, v0=00, v1=00ff, v1={SIGNED}");
        let wrong = format!("t=1492774577,v1={}", SIGNED.replace('0', "1"));
        let other_time = format!("t=1492774578,v1={SIGNED}");
        for (header, body, after_ms, expected) in [
            (good.as_str(), BODY, 0, Ok(())),
            (others.as_str(), BODY, 0, Ok(())),
            (good.as_str(), BODY, 300_999, Ok(())),
            (good.as_str(), BODY, 301_000, Err(NotSigned::Old)),
            (good.as_str(), BODY, -300_000, Ok(())),
            (good.as_str(), BODY, -301_000, Err(NotSigned::Old)),
            (good.as_str(), b"{}", 0, Err(NotSigned::Wrong)),
            (wrong.as_str(), BODY, 0, Err(NotSigned::Wrong)),
            (other_time.as_str(), BODY, 0, Err(NotSigned::Wrong)),
            ("t=1492774577", BODY, 0, Err(NotSigned::Wrong)),
            ("t=1492774577,v1=", BODY, 0, Err(NotSigned::Wrong)),
            ("t=1492774577,v1=xyz", BODY, 0, Err(NotSigned::Wrong)),
            ("t=now,v1=00", BODY, 0, Err(NotSigned::Malformed)),
            ("v1=00", BODY, 0, Err(NotSigned::Malformed)),
            ("", BODY, 0, Err(NotSigned::Malformed)),
        ] {
            assert_eq!(check(header, body, NOW_MS + after_ms), expected, "{header} {after_ms}");
        }
    }

    proptest! {
        #[test]
        fn no_header_is_too_odd(header in ".{0,80}", body in any::<Vec<u8>>()) {
            prop_assert!(check(&header, &body, NOW_MS).is_err());
        }
    }
}
