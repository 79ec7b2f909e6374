//! Sending a webhook, signed, to where the guard of tenants' URLs lets it go.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use egress::{BadUrl, Reach, Resolver, check_private_url};
use entity::{alert, alert_delivery, webhook_endpoint};
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use secrecy::SecretString;
use vault::Vault;

use crate::event;
use crate::outcome::Outcome;
use crate::secret::{self, SecretError};

/// How long an endpoint may take to answer.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// How long the secret before a rotation signs too, in milliseconds: a day.
pub const FORMER_SECRET_MS: i64 = 86_400_000;

/// Whether an organisation may have its alerts sent there: an https URL, or an http one of this machine or, where all
/// private hosts are allowed, of any.
///
/// # Errors
/// What is wrong with it; `None` that it is not https.
pub fn check_endpoint(url: &str, reach: Reach) -> Result<(), Option<BadUrl>> {
    check_private_url(url, reach).map(|_| ())
}

/// Sends webhooks.
pub(crate) struct Webhooks {
    client: Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>,
    reach: Reach,
    vault: Vault,
}

impl Webhooks {
    pub fn new(reach: Reach, vault: Vault) -> Self {
        let mut http = HttpConnector::new_with_resolver(Resolver::new(reach));
        http.enforce_http(false);
        http.set_connect_timeout(Some(TIMEOUT));
        let https = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        // What is sent is little: no connection is kept.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(https);
        Self { client, reach, vault }
    }

    /// Makes one attempt. A redirect is no success: it could lead anywhere.
    pub async fn send(
        &self,
        delivery: &alert_delivery::Model,
        alert: Option<&alert::Model>,
        endpoint: &webhook_endpoint::Model,
        now_ms: i64,
    ) -> Outcome {
        // An address that is written in the URL is not resolved: it is judged here, by the rules of today.
        if check_endpoint(&endpoint.url, self.reach).is_err() {
            return Outcome::failed("the URL is not one that this server may connect to");
        }
        let request = match self.request(delivery, alert, endpoint, now_ms) {
            Ok(request) => request,
            Err(error) => {
                tracing::error!(%error, delivery = %delivery.id, "a webhook cannot be signed");
                return Outcome::failed("the webhook could not be signed; rotating its secret mends that");
            }
        };
        match tokio::time::timeout(TIMEOUT, self.client.request(request)).await {
            Err(_) => Outcome::failed(format!("no answer within {} s", TIMEOUT.as_secs())),
            Ok(Err(error)) => Outcome::failed(reason(&error)),
            Ok(Ok(response)) => judged(&response),
        }
    }

    fn request(
        &self,
        delivery: &alert_delivery::Model,
        alert: Option<&alert::Model>,
        endpoint: &webhook_endpoint::Model,
        now_ms: i64,
    ) -> Result<Request<Full<Bytes>>, Unsent> {
        let body = event::payload(delivery, alert).to_string();
        let timestamp = now_ms.div_euclid(1000);
        let mut signatures = Vec::with_capacity(2);
        for secret in self.secrets(endpoint, now_ms)? {
            signatures.push(secret::sign(&secret, delivery.id, timestamp, &body)?);
        }
        let request = Request::post(&endpoint.url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(USER_AGENT, HeaderValue::from_static(concat!("Turnpike/", env!("CARGO_PKG_VERSION"))))
            .header("webhook-id", delivery.id.to_string())
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signatures.join(" "))
            .body(Full::new(Bytes::from(body)))?;
        Ok(request)
    }

    /// What signs now: the endpoint's secret, and for a while after a rotation the one before.
    fn secrets(
        &self,
        endpoint: &webhook_endpoint::Model,
        now_ms: i64,
    ) -> Result<Vec<SecretString>, SecretError> {
        let former = endpoint.former_secret.as_ref().filter(|_| endpoint.former_until > Some(now_ms));
        let sealed = [Some(&endpoint.secret), former].into_iter().flatten();
        sealed
            .map(|sealed| secret::open(&self.vault, sealed, endpoint.organisation_id, endpoint.id))
            .collect()
    }
}

/// Why there is no request.
#[derive(Debug, thiserror::Error)]
enum Unsent {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("no request can be made for its URL")]
    Http(#[from] http::Error),
}

fn judged<B>(response: &Response<B>) -> Outcome {
    let status = response.status();
    if status.is_success() {
        return Outcome::Delivered(status.as_u16());
    }
    let redirected = if status.is_redirection() { "; redirects are not followed" } else { "" };
    Outcome::Failed {
        status: Some(status.as_u16()),
        error: format!("answered {}{redirected}", status.as_u16()),
    }
}

/// In words of our own: what the system says may name what is behind us.
fn reason(error: &hyper_util::client::legacy::Error) -> &'static str {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    let kinds = causes.filter_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    for kind in kinds {
        match kind {
            io::ErrorKind::PermissionDenied => {
                return "the host has no address that this server may connect to";
            }
            io::ErrorKind::TimedOut => return "the connection was not made in time",
            _ => {}
        }
    }
    if error.is_connect() {
        "no connection could be made"
    } else {
        "the connection broke before there was an answer"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_https_or_near() {
        const NOT_HTTPS: Result<(), Option<BadUrl>> = Err(None);
        const UNREACHABLE: Result<(), Option<BadUrl>> = Err(Some(BadUrl::Unreachable));
        for (url, reach, expected) in [
            ("https://hooks.example.com/in", Reach::Public, Ok(())),
            ("https://hooks.example.com/in", Reach::Loopback, Ok(())),
            ("http://hooks.example.com/in", Reach::Public, NOT_HTTPS),
            ("http://hooks.example.com/in", Reach::Loopback, NOT_HTTPS),
            ("http://receiver:8080/in", Reach::Private, Ok(())),
            ("http://10.0.0.5/in", Reach::Private, Ok(())),
            ("http://10.0.0.5/in", Reach::Loopback, UNREACHABLE),
            ("http://127.0.0.1:9000/in", Reach::Loopback, Ok(())),
            ("http://localhost:9000/in", Reach::Loopback, Ok(())),
            ("http://127.0.0.1:9000/in", Reach::Public, UNREACHABLE),
            ("http://169.254.169.254/in", Reach::Private, UNREACHABLE),
        ] {
            assert_eq!(check_endpoint(url, reach), expected, "{url} {reach:?}");
        }
    }
}
