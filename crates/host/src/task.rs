//! What runs beside the server.

use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long it may take at the end; what the shipper leaves in the spool then is shipped at the next start.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// Something that runs beside the server until it is told to stop.
pub struct Task {
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Task {
    /// Begins it; it is to end soon after its token is cancelled.
    pub fn start<F>(run: impl FnOnce(CancellationToken) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = CancellationToken::new();
        Self { running: tokio::spawn(run(stop.clone())), stop }
    }

    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(ENDS_WITHIN, &mut self.running).await;
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
