//! The one HTTP server of all planes.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context as _;
use api::Api;
use gateway::Gateway;
use settings::Settings;
use tokio::task::JoinHandle;

/// How long a client may take to send a request's head.
const HEAD_WITHIN: Duration = Duration::from_secs(30);

/// How long calls may go on once the server stops, in seconds.
const CALLS_END_S: u64 = 5;

pub(crate) struct Server {
    pub addr: SocketAddr,
    handle: ServerHandle,
    running: JoinHandle<io::Result<()>>,
}

/// Listens, and serves on threads of its own.
pub(crate) fn start(settings: &Settings, api: Api, gateway: Gateway) -> anyhow::Result<Server> {
    // The control plane's routes first: what it does not know is the gateway's.
    let app = move || {
        App::new()
            .route("/healthz", web::get().to(healthz))
            .configure(|config| api::configure(config, api.clone()))
            .configure(|config| gateway::configure(config, &gateway))
    };
    let mut server = HttpServer::new(app)
        .on_connect(gateway::on_connect)
        // The end of an answer is written by itself, once it is recorded: it must not wait for the client's ACK.
        .tcp_nodelay(true)
        .client_request_timeout(HEAD_WITHIN)
        .shutdown_timeout(CALLS_END_S)
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

/// `GET /healthz`: the process serves HTTP.
async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({"status": "ok"}))
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
