//! What runs, and how it ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clock::{Clock, Ids};
use quota::Ledger;
use recorder::Recorder;
use sea_orm::DatabaseConnection;
use settings::Settings;
use spool::Spool;
use tenancy::{Keys, VirtualKeys};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vault::Vault;

use crate::server::Server;

/// How long the shipper may take at the end; what it leaves in the spool is shipped at the next start.
const SHIPPING_ENDS: Duration = Duration::from_secs(30);

/// How long calls that were ended half-way may take to hand their logs over.
const RECORDING_ENDS: Duration = Duration::from_secs(10);

/// All planes, running. [`stop`](Self::stop) ends them; dropped, they run on until the runtime ends.
pub struct Running {
    /// Where it listens: the port that was taken, when 0 was asked for.
    pub addr: SocketAddr,
    pub settings: Settings,
    /// Advancing it moves all planes.
    pub clock: Clock,
    pub ids: Ids,
    pub db: DatabaseConnection,
    pub keys: Keys,
    pub virtual_keys: VirtualKeys,
    pub vault: Vault,
    pub ledger: Arc<dyn Ledger>,
    pub spool: Spool,
    pub(crate) recorder: Recorder,
    pub(crate) server: Server,
    /// What other processes are told of, and tell us.
    pub(crate) channel: Option<Task>,
    pub(crate) shipping: Task,
    pub(crate) working: Task,
    /// Says that we serve on the database.
    pub(crate) staying: Task,
}

impl Running {
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

    /// Stops accepting, lets calls end (5 s at the most), ships what is in the spool, and closes everything.
    pub async fn stop(self) {
        self.server.stop().await;
        tracing::debug!("the server has stopped");
        // The threads that served may still be ending the calls they had: those hand their logs over when they are dropped.
        if tokio::time::timeout(RECORDING_ENDS, self.recorder.idle()).await.is_err() {
            tracing::error!("calls are still open; their logs are lost");
        }
        // From here on nothing comes in: what was handed over is written, then shipped.
        self.spool.close().await;
        self.shipping.stop(SHIPPING_ENDS).await;
        tracing::debug!("the shipper has stopped");
        self.working.stop(SHIPPING_ENDS).await;
        tracing::debug!("the jobs have stopped");
        if let Some(channel) = self.channel {
            channel.stop(SHIPPING_ENDS).await;
        }
        self.staying.stop(SHIPPING_ENDS).await;
        if let Err(error) = self.db.close().await {
            tracing::warn!(%error, "the database did not close");
        }
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

/// Something that runs beside the server until it is told to stop.
pub(crate) struct Task {
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Task {
    pub(crate) fn start<F>(run: impl FnOnce(CancellationToken) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = CancellationToken::new();
        Self { running: tokio::spawn(run(stop.clone())), stop }
    }

    async fn stop(mut self, within: Duration) {
        self.stop.cancel();
        let ended = tokio::time::timeout(within, &mut self.running).await;
        match ended.context("it took too long") {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "a background task failed"),
            Err(error) => {
                tracing::warn!(%error, "a background task is ended half-way; the next start goes on with it");
                self.running.abort();
            }
        }
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
