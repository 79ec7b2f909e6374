//! The secrets of API keys: made, hashed and masked.

use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

/// What every API key starts with, so that scanners and people know one when they see it.
pub const PREFIX: &str = "tpk_";

/// 192 bits: no guess will ever hit one.
const SECRET_BYTES: usize = 24;

/// The operating system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no randomness for a secret")]
pub struct NoRandomness(#[from] getrandom::Error);

/// A new API key: [`PREFIX`] and 48 hexadecimal digits.
///
/// # Errors
/// [`NoRandomness`] if the operating system has none to give.
pub fn generate() -> Result<SecretString, NoRandomness> {
    Ok(SecretString::from(format!("{PREFIX}{}", random_hex(SECRET_BYTES)?)))
}

/// `bytes` random bytes as lower-case hexadecimal digits, two for each.
///
/// # Errors
/// [`NoRandomness`] if the operating system has none to give.
pub fn random_hex(bytes: usize) -> Result<String, NoRandomness> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random)?;
    Ok(random.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(hex_digit).collect())
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}

/// What is stored of a secret, and looked up by: its SHA-256.
#[must_use]
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// What may be shown of a secret: its first characters and its last two; nothing of a short one.
#[must_use]
pub fn hint(secret: &str) -> String {
    let chars: Vec<char> = secret.chars().collect();
    let shown = match chars.len() {
        ..16 => return "********".to_owned(),
        16..40 => 3,
        _ => 8,
    };
    let head = chars.iter().take(shown);
    let tail = chars.iter().skip(chars.len() - 2);
    head.chain(['…'].iter()).chain(tail).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::collections::HashSet;

    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn secrets_are_long_random_and_recognisable() {
        let secrets: HashSet<String> =
            (0..1000).map(|_| generate().unwrap().expose_secret().to_owned()).collect();
        assert_eq!(secrets.len(), 1000);
        for secret in secrets {
            let random = secret.strip_prefix("tpk_").unwrap();
            assert_eq!(random.len(), 48);
            assert!(random.bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
    }

    #[test]
    fn a_secret_is_stored_as_its_sha256() {
        // FIPS 180-2, appendix B.1.
        let expected = [
            0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
            0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
        ];
        assert_eq!(hash("abc"), expected);
    }

    #[test]
    fn a_hint_shows_little_of_a_long_secret_and_nothing_of_a_short_one() {
        for (secret, shown) in [
            ("tpk_0123456789abcdef0123456789abcdef0123456789abcdef", "tpk_0123…ef"),
            ("sk-0123456789abcdef", "sk-…ef"),
            ("sk-0123456789ab", "********"),
            ("", "********"),
            ("ünïcödé-ünïcödé-ünïcödé", "ünï…dé"),
        ] {
            assert_eq!(hint(secret), shown, "{secret}");
        }
    }
}
