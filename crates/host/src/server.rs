//! The HTTP server of a process: its plane's routes, and the probes.

use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Extensions, ServerHandle};
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};
use anyhow::Context as _;
use tokio::task::JoinHandle;

use crate::probes::{self, Readiness};
use crate::{Base, numbers};

/// How long a client may take to send a request's head.
const HEAD_WITHIN: Duration = Duration::from_secs(30);

/// How long a connection is kept for another request. Longer than what stands before us keeps it (most load balancers: 60 s): who ends it
/// first must be the one that sends, or a request goes out on a connection that is just being closed.
const KEPT_FOR: Duration = Duration::from_secs(75);

/// What a plane wants to know of a new connection.
pub type OnConnect = fn(&dyn Any, &mut Extensions);

/// An [`OnConnect`] that looks at nothing.
pub fn not_watched(_: &dyn Any, _: &mut Extensions) {}

pub(crate) struct Server {
    pub addr: SocketAddr,
    handle: ServerHandle,
    running: JoinHandle<io::Result<()>>,
}

/// Listens, and serves on threads of its own.
pub(crate) fn start(
    base: &Base,
    mount: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    on_connect: OnConnect,
    readiness: Arc<Readiness>,
) -> anyhow::Result<Server> {
    let settings = &base.settings;
    let numbers = numbers::Numbers::of(base);
    let app = move || {
        let (readiness, numbers) = (Arc::clone(&readiness), numbers.clone());
        App::new()
            .configure(|config| probes::configure(config, readiness))
            .configure(|config| numbers::configure(config, numbers))
            .configure(&mount)
    };
    let mut server = HttpServer::new(app)
        .on_connect(on_connect)
        // The end of an answer is written by itself, once it is recorded: it must not wait for the client's ACK.
        .tcp_nodelay(true)
        .client_request_timeout(HEAD_WITHIN)
        .keep_alive(KEPT_FOR)
        .shutdown_timeout(settings.stop_within.as_secs())
        .disable_signals();
    if let Some(workers) = settings.workers {
        server = server.workers(workers);
    }
    let wanted = settings.addr;
    let server = server.bind(wanted).with_context(|| {
        format!(
            "cannot listen on {wanted}; is another process there? Name another address with TURNPIKE_ADDR, as \
             127.0.0.1:8788 (port 0 takes any free one)"
        )
    })?;
    let addr = server.addrs().first().copied().context("the server listens nowhere")?;
    let server = server.run();
    Ok(Server { addr, handle: server.handle(), running: tokio::spawn(server) })
}

impl Server {
    pub(crate) async fn failed(&mut self) -> anyhow::Result<()> {
        (&mut self.running).await.context("the HTTP server failed")?.context("the HTTP server failed")?;
        anyhow::bail!("the HTTP server ended")
    }

    pub(crate) async fn stop(self) {
        self.handle.stop(true).await;
        match self.running.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the HTTP server failed"),
            Err(error) => tracing::error!(%error, "the HTTP server failed"),
        }
    }
}
