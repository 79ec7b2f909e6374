//! How fast a start brings in what the process before it left in its spool.

use std::time::{Duration, Instant};

use anyhow::bail;

use crate::load;
use crate::numbers::Numbers;
use crate::process;
use crate::starts::until_ready;
use crate::subject::{self, Site};

/// Logs that are left, at least.
const LOGS: u64 = 100_000;

/// Leaves logs in the spool of each of these subjects, by a shipper that waits and a SIGKILL, starts it again and prints what
/// it took to have them all in the store.
///
/// # Errors
/// When a call fails or its log does not arrive.
pub async fn run(names: &[&str], site: &Site<'_>) -> anyhow::Result<()> {
    println!("drain of what a process that was killed left in its spool, from the next one's spawn\n");
    println!("               logs  spool MiB  ready ms  all in s  logs/s  CPU us  pg us  peak MiB");
    for name in names {
        let site = site.room(&format!("drain-{name}"))?;
        let Some(mut place) = subject::place(name, &site) else { continue };
        place.hold_logs(true);
        let subject = place.start()?;
        let mut left = Numbers::of(subject.addr).await?;
        while left.sum("turnpike_spool_records", "") < LOGS {
            load::make(&subject, Duration::from_secs(1)).await?;
            left = Numbers::of(subject.addr).await?;
        }
        if left.sum("turnpike_spool_level", "") > 0 {
            bail!("the spool is nearly full: contents are not kept");
        }
        let (logs, bytes) =
            (left.sum("turnpike_spool_records", ""), left.sum("turnpike_spool_size_bytes", ""));
        let made = subject.store()?.made();
        let postgres = subject.processes.postgres.clone();
        let mut place = subject.kill()?;
        place.hold_logs(false);

        let postgres_before = process::cpu(&postgres)?;
        let begun = Instant::now();
        let subject = place.start()?;
        until_ready(subject.addr).await?;
        let ready = begun.elapsed();
        let store = subject.store()?;
        store.expect(made);
        store.settled().await?;
        let took = begun.elapsed();
        let each = |cpu: Duration| cpu.as_secs_f64() * 1e6 / logs as f64;
        let own = each(process::cpu(&subject.processes.own)?);
        let postgres = each(process::cpu(&postgres)?.saturating_sub(postgres_before));
        println!(
            "  {name:<9} {logs:>8} {:>10} {:>9.0} {:>9.1} {:>7.0} {own:>7.1} {postgres:>6.1} {:>9}",
            bytes >> 20,
            ready.as_secs_f64() * 1e3,
            took.as_secs_f64(),
            logs as f64 / took.as_secs_f64(),
            process::peak_kib(&subject.processes.own)? / 1024,
        );
        let (said, agrees) = subject.place()?.reconcile()?;
        if !agrees {
            bail!("turnpike reconcile found differences: {said}");
        }
    }
    Ok(())
}
