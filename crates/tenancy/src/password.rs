//! Passwords of people: argon2id, off the async threads, because a hash is meant to be slow.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::task::{JoinError, spawn_blocking};

mod rule;

pub use rule::{MAX, MIN, Weak, check};

use crate::secret::NoRandomness;

/// Why a password could not be made, hashed or compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error("the password cannot be hashed")]
    Hash(#[from] argon2::password_hash::Error),
    #[error("the stored password hash is not one")]
    Stored(#[from] argon2::password_hash::phc::Error),
    #[error("the hashing thread ended early")]
    Thread(#[from] JoinError),
}

/// A password for somebody's first sign-in: 24 characters, 144 bits.
///
/// # Errors
/// [`Error::NoRandomness`] if the operating system has none to give.
pub fn one_time() -> Result<SecretString, Error> {
    let mut random = [0; 18];
    getrandom::fill(&mut random).map_err(NoRandomness::from)?;
    Ok(SecretString::from(URL_SAFE_NO_PAD.encode(random)))
}

/// The PHC string to store for `password`, salted.
///
/// # Errors
/// [`Error`] if there is no randomness or memory for it.
pub async fn hash(password: SecretString) -> Result<String, Error> {
    spawn_blocking(move || {
        let hash: PasswordHash = Argon2::default().hash_password(password.expose_secret().as_bytes())?;
        Ok(hash.to_string())
    })
    .await?
}

/// Whether `password` is the one that `stored` was made of.
///
/// # Errors
/// [`Error::Stored`] if `stored` is not a PHC string.
pub async fn verify(password: SecretString, stored: String) -> Result<bool, Error> {
    spawn_blocking(move || {
        let stored = PasswordHash::new(&stored)?;
        match Argon2::default().verify_password(password.expose_secret().as_bytes(), &stored) {
            Ok(()) => Ok(true),
            Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
            Err(error) => Err(error.into()),
        }
    })
    .await?
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let password = one_time().unwrap();
        let stored = hash(password.clone()).await.unwrap();
        assert!(stored.starts_with("$argon2id$"));
        assert_ne!(stored, hash(password.clone()).await.unwrap(), "salted");
        assert!(verify(password, stored.clone()).await.unwrap());
        assert!(!verify(one_time().unwrap(), stored).await.unwrap());
        assert!(verify(SecretString::from("x"), "plain".to_owned()).await.is_err());
    }
}
