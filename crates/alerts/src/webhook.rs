//! Sending a webhook, signed, to where the guard of tenants' URLs lets it go.

use std::time::Duration;

use bytes::Bytes;
use egress::{Reach, Resolver, check_private_url};
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

/// Sends webhooks.
pub(crate) struct Webhooks {
    client: Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>,
    reach: Reach,
    vault: Vault,
}

impl Webhooks {
    pub fn new(reach: Reach, vault: Vault) -> Self {
        let https = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(egress::connector(reach, TIMEOUT));
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
        if check_private_url(&endpoint.url, self.reach).is_err() {
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
            Ok(Err(error)) => Outcome::failed(egress::unanswered(&error)),
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
