//! Tokens that are nothing but random: of links, which work once (to accept an invite, to get a new password), and of cookies.

use secrecy::{ExposeSecret as _, SecretString};

use crate::secret::{self, NoRandomness};

/// What they start with, so that scanners and people know one when they see it.
pub(super) const INVITE: &str = "tpi_";
pub(super) const RESET: &str = "tpw_";
pub(super) const BROWSER: &str = "tpb_";

/// 192 bits: no guess will ever hit one.
const BYTES: usize = 24;

/// A new one, and what is stored of it.
pub(super) fn fresh(prefix: &str) -> Result<(SecretString, Vec<u8>), NoRandomness> {
    let token = format!("{prefix}{}", secret::random_hex(BYTES)?);
    let hash = secret::hash(&token).to_vec();
    Ok((token.into(), hash))
}

/// What would be stored of this token, if it may be one.
pub(super) fn hash(prefix: &str, token: &SecretString) -> Option<Vec<u8>> {
    let text = token.expose_secret();
    let random = text.strip_prefix(prefix)?;
    let well_formed = random.len() == 2 * BYTES && random.bytes().all(|byte| byte.is_ascii_hexdigit());
    well_formed.then(|| secret::hash(text).to_vec())
}
