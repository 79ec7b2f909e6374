//! What checks ask of the world.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use url::Url;

/// Connects on a tenant's behalf. It is the implementer's to refuse what a tenant's URL must not reach.
#[async_trait]
pub trait Outside: Send + Sync {
    /// Posts JSON; the answer's body.
    ///
    /// # Errors
    /// [`Failure`] when there is no answer in time, or none of success.
    async fn post(
        &self,
        url: &Url,
        headers: &[(HeaderName, HeaderValue)],
        body: Bytes,
        timeout: Duration,
    ) -> Result<Bytes, Failure>;

    /// Gets what everybody may read; the answer's body.
    ///
    /// # Errors
    /// As [`Outside::post`].
    async fn get(&self, url: &Url, timeout: Duration) -> Result<Bytes, Failure>;

    /// Whether a HEAD request for the URL is answered with success, or with a redirect, which is not followed.
    async fn answers(&self, url: &Url, timeout: Duration) -> bool;

    /// Whether the host has an address that we may connect to.
    async fn resolves(&self, host: &str, timeout: Duration) -> bool;
}

/// Why nothing came back, in words for the tenant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("the URL is not one that this server may connect to")]
    Forbidden,
    #[error("no answer within {0} ms")]
    TimedOut(u128),
    #[error("{0}")]
    Unanswered(&'static str),
    #[error("answered {0}")]
    Status(u16),
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
}
