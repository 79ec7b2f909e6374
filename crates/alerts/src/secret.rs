//! What webhooks are signed with, as Standard Webhooks has it (<https://www.standardwebhooks.com>).

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use clock::Ids;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;
use vault::Vault;

/// What a secret begins with; base64 of its bytes comes after.
const PREFIX: &str = "whsec_";

/// Between 24 and 64, says the specification.
const BYTES: usize = 32;

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("a webhook's secret could not be made")]
    Made(#[from] clock::Error),
    #[error("a webhook's secret could not be sealed or opened")]
    Vault(#[from] vault::Error),
    #[error("a webhook's secret is not base64")]
    Base64(#[from] base64::DecodeError),
}

/// A new secret, as its owner is shown it once.
///
/// # Errors
/// [`SecretError::Made`].
pub fn make(ids: &Ids) -> Result<SecretString, SecretError> {
    let bytes = URL_SAFE_NO_PAD.decode(ids.secret(BYTES)?)?;
    Ok(format!("{PREFIX}{}", STANDARD.encode(bytes)).into())
}

/// Seals a secret for an endpoint's row: copied to another row or organisation, it does not open.
///
/// # Errors
/// [`SecretError::Vault`].
pub fn seal(
    vault: &Vault,
    secret: &SecretString,
    organisation: Uuid,
    endpoint: Uuid,
) -> Result<Vec<u8>, SecretError> {
    Ok(vault.seal(secret, context(organisation, endpoint).as_bytes())?)
}

/// Opens what [`seal`] gave.
pub(crate) fn open(
    vault: &Vault,
    sealed: &[u8],
    organisation: Uuid,
    endpoint: Uuid,
) -> Result<SecretString, SecretError> {
    Ok(vault.open(sealed, context(organisation, endpoint).as_bytes())?)
}

fn context(organisation: Uuid, endpoint: Uuid) -> String {
    format!("webhook_endpoint/{organisation}/{endpoint}")
}

/// One signature of a `webhook-signature` header. `timestamp` is in seconds.
pub(crate) fn sign(
    secret: &SecretString,
    id: Uuid,
    timestamp: i64,
    body: &str,
) -> Result<String, SecretError> {
    let secret = secret.expose_secret();
    let key = STANDARD.decode(secret.strip_prefix(PREFIX).unwrap_or(secret))?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let signature = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(signature)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use clock::Clock;

    use super::*;

    /// By Python's hmac.
    #[test]
    fn a_signature_is_that_of_the_specification() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into();
        let id = Uuid::nil();
        let signed = sign(&secret, id, 1_614_265_330, r#"{"test": 2432232314}"#).unwrap();
        assert_eq!(signed, "v1,Y5/uRWupLQOPxe4D5mBYrd9dRGhY+xtWrnxDwy59WDE=");
        assert!(sign(&"whsec_!".into(), id, 0, "").is_err());
    }

    #[test]
    fn secrets_are_of_32_bytes_and_none_is_another() {
        let ids = Ids::new(Clock::system());
        let (one, other) = (make(&ids).unwrap(), make(&ids).unwrap());
        assert_ne!(one.expose_secret(), other.expose_secret());
        let bytes = STANDARD.decode(one.expose_secret().strip_prefix(PREFIX).unwrap()).unwrap();
        assert_eq!(bytes.len(), BYTES);
    }

    #[test]
    fn a_sealed_secret_opens_for_its_row_only() {
        let vault = Vault::new(vault::MasterKey::generate().unwrap());
        let (organisation, endpoint) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let sealed = seal(&vault, &"whsec_AAAA".into(), organisation, endpoint).unwrap();
        assert_eq!(open(&vault, &sealed, organisation, endpoint).unwrap().expose_secret(), "whsec_AAAA");
        assert!(open(&vault, &sealed, endpoint, organisation).is_err());
    }
}
