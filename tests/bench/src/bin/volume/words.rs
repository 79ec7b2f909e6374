//! Making logs findable by their words, as the job does it.

use std::time::Instant;

use bench::{jobs, process};
use clock::Clock;
use workers::Job;

use crate::fill::Store;

/// Writes the words of all that wait for theirs, and says what it took.
pub async fn measure(store: &Store, clock: &Clock) -> anyhow::Result<()> {
    let parts = jobs::parts(store.db.clone(), clock.clone())?;
    let own = [std::process::id()];
    let (own_before, server_before) = (process::cpu(&own)?, store.server_cpu()?);
    let ((before, _), begun, mut logs) = (store.mib().await?, Instant::now(), 0);
    loop {
        let report = workers::run_now(Job::TextIndex, &parts).await?;
        match report.count("log_text") {
            None | Some(0) => break,
            Some(more) => logs += more,
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let each = |of: f64| of / logs.max(1) as f64;
    println!(
        "\nwords of {logs} logs: {:.0} logs/s (half of the time is others'), {:.0} µs of CPU a log, and {:.0} of the server; {} MiB",
        logs as f64 / seconds,
        each(process::cpu(&own)?.saturating_sub(own_before).as_secs_f64() * 1e6),
        each(store.server_cpu()?.saturating_sub(server_before).as_secs_f64() * 1e6),
        store.mib().await?.0.saturating_sub(before),
    );
    Ok(())
}
