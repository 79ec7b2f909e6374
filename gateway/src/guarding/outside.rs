//! What checks ask of the world, through the guard of every URL that a tenant gives.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use egress::{Reach, Resolver, check_private_url, check_url};
use guardrails::{Failure, Outside};
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use url::Url;

/// Bytes of an answer: a webhook may give a whole body back.
const MAX_ANSWER: usize = 8 << 20;

const AGENT: HeaderValue = HeaderValue::from_static(concat!("Turnpike/", env!("CARGO_PKG_VERSION")));

/// The world, as far as it may be reached.
pub(super) struct Web {
    client: Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>,
    reach: Reach,
}

impl Web {
    pub fn new(reach: Reach, connect_timeout: Duration) -> Self {
        let https = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(egress::connector(reach, connect_timeout));
        // Connections belong to the thread that opened them, and this client to all: none is kept.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(https);
        Self { client, reach }
    }

    /// A redirect is followed nowhere: it could lead anywhere.
    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Failure> {
        self.client.request(request).await.map_err(|error| Failure::Unanswered(egress::unanswered(&error)))
    }

    async fn body(&self, request: Request<Full<Bytes>>) -> Result<Bytes, Failure> {
        let response = self.send(request).await?;
        if !response.status().is_success() {
            return Err(Failure::Status(response.status().as_u16()));
        }
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        let body = body.map_err(|error| match error.downcast::<http_body_util::LengthLimitError>() {
            Ok(_) => Failure::TooLong(MAX_ANSWER),
            Err(_) => Failure::Unanswered("the connection broke before the answer was whole"),
        })?;
        Ok(body.to_bytes())
    }
}

/// What of a URL says where it leads: the guard judges that, and takes nothing behind it.
fn origin(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

fn request(method: Method, url: &Url, body: Bytes) -> Result<Request<Full<Bytes>>, Failure> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = url.as_str().parse().map_err(|_| Failure::Forbidden)?;
    request.headers_mut().insert(USER_AGENT, AGENT);
    Ok(request)
}

async fn within<T>(timeout: Duration, asked: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::time::timeout(timeout, asked).await.unwrap_or(Err(Failure::TimedOut(timeout.as_millis())))
}

#[async_trait]
impl Outside for Web {
    async fn post(
        &self,
        url: &Url,
        headers: &[(HeaderName, HeaderValue)],
        body: Bytes,
        timeout: Duration,
    ) -> Result<Bytes, Failure> {
        // What a call says is private.
        check_private_url(&origin(url), self.reach).map_err(|_| Failure::Forbidden)?;
        let mut request = request(Method::POST, url, body)?;
        for (name, value) in headers {
            request.headers_mut().insert(name, value.clone());
        }
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        within(timeout, self.body(request)).await
    }

    async fn get(&self, url: &Url, timeout: Duration) -> Result<Bytes, Failure> {
        check_url(&origin(url), self.reach).map_err(|_| Failure::Forbidden)?;
        within(timeout, self.body(request(Method::GET, url, Bytes::new())?)).await
    }

    async fn answers(&self, url: &Url, timeout: Duration) -> bool {
        let asked = async {
            check_url(&origin(url), self.reach).map_err(|_| Failure::Forbidden)?;
            let response = self.send(request(Method::HEAD, url, Bytes::new())?).await?;
            Ok(response.status().is_success() || response.status().is_redirection())
        };
        within(timeout, asked).await.unwrap_or(false)
    }

    async fn resolves(&self, host: &str, timeout: Duration) -> bool {
        tokio::time::timeout(timeout, egress::resolves(host, self.reach)).await.unwrap_or(false)
    }
}
