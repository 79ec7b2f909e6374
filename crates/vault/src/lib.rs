//! Secrets at rest: AES-256-GCM under one master key. What is sealed for one row opens for that row only.
//!
//! A new format gets the next version byte in `seal`, and an arm in `open` beside the old ones.

mod key;
mod seal;

pub use key::MasterKey;
pub use seal::Vault;

use std::io;
use std::path::PathBuf;

/// What went wrong, and what to do; no variant holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not base64, or not of 32 bytes.
    #[error("the master key is not base64 of 32 bytes; `openssl rand -base64 32` makes one")]
    Malformed,
    /// The key file holds no key.
    #[error("{} holds no master key, which is base64 of 32 bytes; restore it from a backup", path.display())]
    MalformedFile { path: PathBuf },
    /// The key file could not be read or made.
    #[error("the master key file {} could not be read or made; check its folder and its owner", path.display())]
    File { path: PathBuf, source: io::Error },
    /// No randomness for a key or a nonce.
    #[error("the operating system gave no randomness")]
    Randomness(#[from] getrandom::Error),
    /// The secret is larger than the cipher takes (64 GiB).
    #[error("the secret is too large to be sealed")]
    TooLarge,
    /// The bytes are no sealed secret.
    #[error("this is no sealed secret of a version known here; was it stored by a newer release?")]
    UnknownVersion,
    /// Wrong master key, wrong row, or changed bytes; the cipher cannot tell them apart.
    #[error(
        "the secret does not open: it was sealed under another master key or for another row, or was changed; start \
         with the master key it was stored under, or store the secret again"
    )]
    DoesNotOpen,
}

#[cfg(test)]
mod tests;
