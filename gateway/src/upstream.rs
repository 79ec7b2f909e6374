//! Asking an upstream: one pooled client for each worker thread.

use std::error::Error as StdError;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use egress::Resolver;
use http::{Request, Response};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use settings::GatewaySettings;
use tokio::sync::mpsc;

use crate::connection::{Waited, Watch};
use crate::error::Error;
use crate::reading::{self, Interrupted};

/// How long a connection is kept for the next call.
const IDLE_CONNECTION: Duration = Duration::from_mins(1);

/// Bytes of an answer that nobody wants which are read for the sake of its connection, and for how long.
const DRAINED_MAX: u64 = 64 << 10;
const DRAINED_WITHIN: Duration = Duration::from_secs(1);

/// The client of one worker thread.
pub(crate) struct Upstream {
    client: Client<HttpsConnector<HttpConnector<Resolver>>, Outgoing>,
}

/// A request's body on its way upstream.
pub(crate) enum Outgoing {
    Whole(Bytes),
    /// As it comes from the client; with its length where the client gave one.
    Streamed {
        pieces: mpsc::Receiver<Result<Bytes, Interrupted>>,
        length: Option<u64>,
    },
}

impl Upstream {
    pub(crate) fn new(settings: &GatewaySettings) -> Self {
        let mut http = egress::connector(settings.allow_private_hosts, settings.connect_timeout);
        http.set_nodelay(true);
        // A long call is silent; the networks between may forget a connection that is.
        http.set_keepalive(Some(IDLE_CONNECTION));
        let https = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_CONNECTION)
            .build(https);
        Self { client }
    }

    /// Sends the request and waits for the head of the answer, for `timeout` and while the client is there.
    ///
    /// # Errors
    /// What stood in the way; the request is cancelled then.
    pub(crate) async fn ask(
        &self,
        request: Request<Outgoing>,
        provider: &str,
        timeout: Duration,
        watch: &mut Watch,
    ) -> Result<Response<Incoming>, Error> {
        tokio::select! {
            biased;
            answer = self.client.request(request) => answer.map_err(|error| failure(&error, provider)),
            waited = watch.wait(timeout) => Err(match waited {
                Waited::ClientGone => Error::ClientGone,
                Waited::TooLong => {
                    Error::TimedOut { provider: provider.to_owned(), timeout_ms: timeout.as_millis() }
                }
            }),
        }
    }
}

/// Reads what is left of an answer that nobody wants, in the background: as far as that is little and comes soon, so that its
/// connection can be used again. Else the connection is closed.
pub(crate) fn drain(mut body: Incoming) {
    if body.is_end_stream() || body.size_hint().lower() > DRAINED_MAX {
        return;
    }
    actix_web::rt::spawn(tokio::time::timeout(DRAINED_WITHIN, async move {
        let mut read = 0;
        while let Some(Ok(frame)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            read += frame.data_ref().map_or(0, |data| data.len() as u64);
            if read > DRAINED_MAX {
                return;
            }
        }
    }));
}

fn failure(error: &hyper_util::client::legacy::Error, provider: &str) -> Error {
    let mut reason = error.to_string();
    let mut timed_out = false;
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(interrupted) = cause.downcast_ref::<Interrupted>() {
            return match interrupted {
                Interrupted::ClientGone => Error::ClientGone,
                Interrupted::TooLarge => Error::UploadTooLarge,
                Interrupted::TimedOut => Error::BodyTimedOut(reading::PIECE_TIMEOUT.as_secs()),
            };
        }
        timed_out |= cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::TimedOut);
        reason = cause.to_string();
        source = cause.source();
    }
    let provider = provider.to_owned();
    if error.is_connect() && timed_out {
        Error::ConnectTimedOut { provider, reason }
    } else {
        Error::Unreachable { provider, reason }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Interrupted;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Interrupted>>> {
        match self.get_mut() {
            Self::Whole(body) if body.is_empty() => Poll::Ready(None),
            Self::Whole(body) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(body))))),
            Self::Streamed { pieces, .. } => {
                pieces.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(body) if body.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => SizeHint::with_exact(body.len() as u64),
            Self::Streamed { length: Some(length), .. } => SizeHint::with_exact(*length),
            Self::Streamed { length: None, .. } => SizeHint::default(),
        }
    }
}
