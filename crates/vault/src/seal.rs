use std::fmt;
use std::sync::Arc;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{Error, MasterKey};

/// The first byte of what is sealed; then come the nonce and the ciphertext with its tag.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 12;

/// Seals and opens secrets under one master key. Clones share the cipher, whose tables are large.
#[derive(Clone)]
pub struct Vault {
    cipher: Arc<Aes256Gcm>,
}

impl Vault {
    /// A vault under this key.
    #[must_use]
    pub fn new(MasterKey(key): MasterKey) -> Self {
        Self { cipher: Arc::new(Aes256Gcm::new(key.expose_secret().into())) }
    }

    /// Encrypts a secret for one place. `context` names it (the ids of the organisation and the row) and is not stored:
    /// [`open`](Self::open) needs the same, so that a ciphertext does not open in another tenant's row.
    ///
    /// # Errors
    /// [`Error::Randomness`] or [`Error::TooLarge`].
    pub fn seal(&self, plaintext: &SecretString, context: &[u8]) -> Result<Vec<u8>, Error> {
        // Random nonces are safe for some 2^32 secrets under a key (NIST SP 800-38D, 8.3).
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce)?;
        let secret = Payload { msg: plaintext.expose_secret().as_bytes(), aad: context };
        let ciphertext = self.cipher.encrypt(&Nonce::from(nonce), secret).map_err(|_| Error::TooLarge)?;
        Ok([&[VERSION], &nonce[..], &ciphertext].concat())
    }

    /// Decrypts what [`seal`](Self::seal) gave for the same context.
    ///
    /// # Errors
    /// [`Error::UnknownVersion`] or [`Error::DoesNotOpen`].
    pub fn open(&self, sealed: &[u8], context: &[u8]) -> Result<SecretString, Error> {
        let Some((&VERSION, sealed)) = sealed.split_first() else { return Err(Error::UnknownVersion) };
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(Error::DoesNotOpen)?;
        let secret = Payload { msg: ciphertext, aad: context };
        let plaintext = self.cipher.decrypt(&Nonce::from(*nonce), secret).map_err(|_| Error::DoesNotOpen)?;
        let plaintext = Zeroizing::new(plaintext);
        str::from_utf8(&plaintext).map(SecretString::from).map_err(|_| Error::DoesNotOpen)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}
