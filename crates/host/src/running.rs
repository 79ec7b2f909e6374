//! What runs, and how it ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use recorder::Recorder;
use spool::Spool;

use crate::observed::Observed;
use crate::probes::Readiness;
use crate::server::Server;
use crate::{Base, Task};

/// How long calls that were ended half-way may take to hand their logs over.
const RECORDING_ENDS: Duration = Duration::from_secs(10);

/// A process that serves. [`stop`](Self::stop) ends it; dropped, it runs on until the runtime ends.
pub struct Running {
    /// Where it listens: the port that was taken, when 0 was asked for.
    pub addr: SocketAddr,
    /// Where it takes spans by gRPC, if it does.
    pub grpc_addr: Option<SocketAddr>,
    /// Advancing its clock moves everything that serves here.
    base: Base,
    server: Server,
    grpc: Option<Task>,
    readiness: Arc<Readiness>,
    /// What is read for its numbers, as long as it runs.
    observed: Arc<Observed>,
    shipping: Option<Shipping>,
    beside: Vec<Task>,
}

/// What brings records into the store.
pub(crate) struct Shipping {
    pub recorder: Recorder,
    pub spool: Spool,
    pub shipper: Task,
    /// What other processes are told of, and tell us.
    pub channel: Option<Task>,
    /// Says that we serve on the database.
    pub staying: Task,
}

impl Running {
    pub(crate) fn new(
        base: Base,
        server: Server,
        readiness: Arc<Readiness>,
        observed: Observed,
        shipping: Option<Shipping>,
    ) -> Self {
        let observed = observed.for_whoever_asks(&base.telemetry.metrics);
        let addr = server.addr;
        tracing::info!(%addr, "serving");
        Self {
            addr,
            grpc_addr: None,
            base,
            server,
            grpc: None,
            readiness,
            observed,
            shipping,
            beside: Vec::new(),
        }
    }

    /// The same with a task that ends when no more calls come in, before the database closes.
    #[must_use]
    pub fn beside(mut self, task: Task) -> Self {
        self.beside.push(task);
        self
    }

    /// The same with a server of gRPC, which ends with the one of HTTP.
    #[must_use]
    pub fn taking_grpc(self, addr: SocketAddr, server: Task) -> Self {
        tracing::info!(%addr, "serving gRPC");
        Self { grpc_addr: Some(addr), grpc: Some(server), ..self }
    }

    /// The address as a client would use it, without a path.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.settings.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => self.url_here(),
        }
    }

    /// The address as a client on this machine would use it, without a path.
    #[must_use]
    pub fn url_here(&self) -> String {
        local_url(self.addr)
    }

    /// Resolves when the server ends without being asked to.
    ///
    /// # Errors
    /// Always: it says why.
    pub async fn failed(&mut self) -> anyhow::Result<()> {
        self.server.failed().await
    }

    /// Stops accepting, lets calls end (`stop_within` at the most), ships what is in the spool, and closes everything.
    pub async fn stop(self) {
        self.readiness.stopping();
        let grpc = async {
            if let Some(grpc) = self.grpc {
                grpc.stop().await;
            }
        };
        tokio::join!(self.server.stop(), grpc);
        tracing::debug!("the server has stopped");
        if let Some(shipping) = &self.shipping {
            shipping.end_intake().await;
        }
        for task in self.beside {
            task.stop().await;
        }
        if let Some(shipping) = self.shipping {
            shipping.end().await;
        }
        drop(self.observed);
        if let Err(error) = self.base.db.close().await {
            tracing::warn!(%error, "the database did not close");
        }
    }
}

impl std::ops::Deref for Running {
    type Target = Base;

    fn deref(&self) -> &Base {
        &self.base
    }
}

impl Shipping {
    async fn end_intake(&self) {
        // The threads that served may still be ending the calls they had: those hand their logs over when they are dropped.
        if tokio::time::timeout(RECORDING_ENDS, self.recorder.idle()).await.is_err() {
            tracing::error!("calls are still open; their logs are lost");
        }
        // From here on nothing comes in: what was handed over is written, then shipped.
        self.spool.close().await;
    }

    async fn end(self) {
        self.shipper.stop().await;
        tracing::debug!("the shipper has stopped");
        if let Some(channel) = self.channel {
            channel.stop().await;
        }
        self.staying.stop().await;
    }
}

/// A listening address as a URL for this machine.
fn local_url(addr: SocketAddr) -> String {
    if addr.ip().is_unspecified() {
        format!("http://127.0.0.1:{}", addr.port())
    } else {
        format!("http://{addr}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listening_address_becomes_one_that_can_be_opened() {
        for (addr, url) in [
            ("127.0.0.1:8787", "http://127.0.0.1:8787"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:8787", "http://127.0.0.1:8787"),
            ("[::1]:8787", "http://[::1]:8787"),
        ] {
            assert_eq!(addr.parse().map(local_url), Ok(url.to_owned()));
        }
    }
}
