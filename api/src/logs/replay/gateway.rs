//! The gateway, as the control plane calls it.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tenancy::people::REPLAY_TOKEN;
use uuid::Uuid;

/// How long a call may take that is made once more: as long as those of the gateway mostly may.
const TIMEOUT: Duration = Duration::from_mins(10);

/// Bytes of an answer that are passed on.
const MAX_ANSWER: usize = 8 << 20;

/// A setting that is no place where a gateway can be.
#[derive(Debug, thiserror::Error)]
#[error("gateway_url: found `{0}`; expected http:// or https:// and a host, and no path")]
pub struct BadGatewayUrl(String);

/// Why a call was not made once more, or was without our knowing what came of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("no gateway is known: set TURNPIKE_GATEWAY_URL to where this server reaches one")]
    NoGateway,
    #[error("the gateway at {0} did not answer: {1}")]
    Unanswered(Authority, &'static str),
    #[error("what answers at {0} is no gateway of this installation (status {1})")]
    Stranger(Authority, u16),
}

/// What the gateway answered.
pub(super) struct Answer {
    pub status: u16,
    pub content_type: Option<String>,
    pub log_id: Uuid,
    /// None: it is too long.
    pub body: Option<Bytes>,
}

/// Calls the gateway.
pub struct GatewayClient {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    place: OnceLock<(Scheme, Authority)>,
}

impl GatewayClient {
    /// For the gateway at `url`; without one it has to be told by [`GatewayClient::is_at`].
    ///
    /// # Errors
    /// [`BadGatewayUrl`].
    pub fn new(url: Option<&str>) -> Result<Self, BadGatewayUrl> {
        let https = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new()).build(https);
        let this = Self { client, place: OnceLock::new() };
        if let Some(url) = url {
            this.is_at(url)?;
        }
        Ok(this)
    }

    /// Tells where the gateway is, unless that is known.
    ///
    /// # Errors
    /// [`BadGatewayUrl`].
    pub fn is_at(&self, url: &str) -> Result<(), BadGatewayUrl> {
        let bad = || BadGatewayUrl(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| bad())?;
        let parts = uri.into_parts();
        let has_path = parts.path_and_query.is_some_and(|path| path != "/");
        let place = parts.scheme.zip(parts.authority).filter(|_| !has_path).ok_or_else(bad)?;
        self.place.get_or_init(|| place);
        Ok(())
    }

    /// Makes a call whose URI has a path alone, in the name of who holds `token`.
    pub(super) async fn ask(
        &self,
        mut request: Request<Full<Bytes>>,
        token: &str,
    ) -> Result<Answer, Failure> {
        let (scheme, authority) = self.place.get().cloned().ok_or(Failure::NoGateway)?;
        let unanswered = |why| Failure::Unanswered(authority.clone(), why);
        let mut parts = std::mem::take(request.uri_mut()).into_parts();
        (parts.scheme, parts.authority) = (Some(scheme), Some(authority.clone()));
        *request.uri_mut() = Uri::from_parts(parts).map_err(|_| unanswered("the log's path is none"))?;
        let token = token.parse().map_err(|_| unanswered("the token is none"))?;
        request.headers_mut().insert(REPLAY_TOKEN, token);
        let agent = http::HeaderValue::from_static(concat!("turnpike-api/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().insert(USER_AGENT, agent);
        let asking = async {
            let response = self.client.request(request).await;
            let response = response.map_err(|error| {
                unanswered(if error.is_connect() { "no connection" } else { "the connection broke" })
            })?;
            self.answer(response, &authority).await
        };
        let answered = tokio::time::timeout(TIMEOUT, asking).await;
        answered.unwrap_or_else(|_| Err(unanswered("it took too long")))
    }

    async fn answer(&self, response: Response<Incoming>, at: &Authority) -> Result<Answer, Failure> {
        let status = response.status().as_u16();
        let header = |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
        let content_type = header(CONTENT_TYPE.as_str());
        let log_id = header("x-turnpike-log-id").and_then(|id| id.parse().ok());
        let log_id = log_id.ok_or_else(|| Failure::Stranger(at.clone(), status))?;
        let body = match Limited::new(response.into_body(), MAX_ANSWER).collect().await {
            Ok(body) => Some(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => None,
            Err(_) => return Err(Failure::Unanswered(at.clone(), "the answer broke off; its log says why")),
        };
        Ok(Answer { status, content_type, log_id, body })
    }
}
