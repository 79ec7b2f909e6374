//! Stripe's REST API, as far as it is used. <https://docs.stripe.com/api>

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use settings::PaymentsSettings;
use url::form_urlencoded;

const BASE_URL: &str = "https://api.stripe.com";

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Bytes of an answer that are read.
const MAX_ANSWER: usize = 256 << 10;

/// Characters of what an error says.
const MAX_SAID: usize = 300;

/// Calls Stripe. No version is asked for: what is used here is the same in all that have it.
pub struct Stripe {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base_url: String,
    authorization: HeaderValue,
    key: SecretString,
}

/// Settings by which Stripe cannot be called.
#[derive(Debug, thiserror::Error)]
pub enum BadSettings {
    #[error("payments.stripe_api_key: a character is in it that no key has")]
    Key,
    #[error("payments.stripe_base_url: no URL; expected https:// and a host")]
    BaseUrl,
}

/// Why Stripe did not do it, or may not have done it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No whole answer came; it may be done all the same.
    #[error("no answer: {0}")]
    Unanswered(&'static str),
    /// It failed on its side, or there is too much at the moment. The first may be done all the same.
    #[error("answered {status}: {said}")]
    Busy { status: u16, said: String },
    /// The key is not good for it, which no other call will be better at.
    #[error("answered {status}: {said}")]
    Forbidden { status: u16, said: String },
    /// It will not have this.
    #[error("answered {status}: {said}")]
    Refused { status: u16, code: Option<String>, said: String },
}

impl Failure {
    /// Whether the next call would meet the same.
    #[must_use]
    pub fn is_of_all(&self) -> bool {
        !matches!(self, Self::Refused { .. })
    }
}

#[derive(Deserialize)]
struct Refusal {
    error: Reason,
}

#[derive(Default, Deserialize)]
struct Reason {
    code: Option<String>,
    message: Option<String>,
}

impl Stripe {
    /// `None` where no key is set.
    ///
    /// # Errors
    /// [`BadSettings`] names the setting.
    pub fn new(settings: &PaymentsSettings) -> Result<Option<Self>, BadSettings> {
        let Some(key) = settings.stripe_api_key.clone() else { return Ok(None) };
        let bearer = format!("Bearer {}", key.expose_secret());
        let mut authorization = HeaderValue::try_from(bearer).map_err(|_| BadSettings::Key)?;
        authorization.set_sensitive(true);
        let base_url =
            settings.stripe_base_url.as_deref().unwrap_or(BASE_URL).trim_end_matches('/').to_owned();
        base_url.parse::<Uri>().map_err(|_| BadSettings::BaseUrl)?;
        let https = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        // Calls come a minute apart: no connection is kept.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(https);
        Ok(Some(Self { client, base_url, authorization, key }))
    }

    /// Posts a form and gives the JSON that is answered.
    pub(crate) async fn post(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        idempotency_key: Option<&str>,
    ) -> Result<serde_json::Value, Failure> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut request = Request::post(format!("{}{path}", self.base_url))
            .header(AUTHORIZATION, self.authorization.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(USER_AGENT, concat!("Turnpike/", env!("CARGO_PKG_VERSION")));
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(Full::new(Bytes::from(form)));
        let request = request.map_err(|_| Failure::Unanswered("no request can be made for its URL"))?;
        let answered = tokio::time::timeout(TIMEOUT, self.answer(request)).await;
        let (status, body) = answered.unwrap_or(Err(Failure::Unanswered("it took too long")))?;
        self.judged(status, &body)
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), Failure> {
        let response = self.client.request(request).await.map_err(|error| {
            Failure::Unanswered(if error.is_connect() {
                "no connection could be made"
            } else {
                "the connection broke"
            })
        })?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        let body = body.map_err(|_| Failure::Unanswered("the answer broke off"))?;
        Ok((status, body.to_bytes()))
    }

    fn judged(&self, status: StatusCode, body: &[u8]) -> Result<serde_json::Value, Failure> {
        if status.is_success() {
            return serde_json::from_slice(body).map_err(|_| Failure::Unanswered("the answer is no JSON"));
        }
        let reason = serde_json::from_slice::<Refusal>(body).map(|refusal| refusal.error).unwrap_or_default();
        let said = self.said(reason.message.as_deref().unwrap_or("no reason given"));
        let code = reason.code;
        let status = status.as_u16();
        Err(match status {
            409 | 424 | 429 | 500.. => Failure::Busy { status, said },
            401 | 403 => Failure::Forbidden { status, said },
            _ => Failure::Refused { status, code, said },
        })
    }

    /// Never with the key in it, whoever answers.
    fn said(&self, message: &str) -> String {
        message.replace(self.key.expose_secret(), "...").chars().take(MAX_SAID).collect()
    }
}
