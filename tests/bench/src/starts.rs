//! How long a start takes until the process is ready, on a new folder and on one with logs, and what it holds when idle.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::load;
use crate::process::{self, Process};
use crate::report::{middle, shown};
use crate::subject::{self, Place, Site, Subject};
use crate::wire::Connection;

/// Starts that a median is taken of.
const STARTS: usize = 5;

/// Logs in a folder that is not new, at least.
const LOGS: u64 = 10_000;

/// From ready to idle: connections that a start opened are back in their pools.
const SETTLES: Duration = Duration::from_secs(2);

/// Far longer than a start takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// Starts every binary of these subjects again and again, and prints what it took.
///
/// # Errors
/// When one does not start, or does not get ready.
pub async fn run(names: &[&str], site: &Site<'_>) -> anyhow::Result<()> {
    println!(
        "starts, medians of {STARTS}: from the spawn until /readyz answers 200, on nothing and on {LOGS} logs or more;\n\
         idle: resident {} s later\n",
        SETTLES.as_secs()
    );
    println!("                     new ms  with logs ms  idle MiB");
    for name in names {
        let site = site.room(&format!("starts-{name}"))?;
        let Some(place) = subject::place(name, &site.room("with-logs")?) else { continue };
        let place = with_logs(place.start()?).await?;
        for binary in place.binaries() {
            let mut new = Vec::new();
            for n in 0..STARTS {
                let site = site.room(&format!("{binary}-{n}"))?;
                let place = subject::place(name, &site).context("it was there before")?;
                new.push(ready(&place, binary).await?.1);
            }
            let mut again = Vec::new();
            let mut idle_kib = 0;
            for _ in 0..STARTS {
                let (process, took_ms) = ready(&place, binary).await?;
                again.push(took_ms);
                if again.len() == STARTS {
                    tokio::time::sleep(SETTLES).await;
                    idle_kib = process::resident_kib(&[process.id()])?;
                }
            }
            let cells =
                [shown(middle(new), 0), shown(middle(again), 0), shown(Some(idle_kib as f64 / 1024.0), 0)];
            println!("  {binary:<17} {:>7} {:>13} {:>9}", cells[0], cells[1], cells[2]);
        }
    }
    println!();
    Ok(())
}

async fn with_logs(subject: Subject) -> anyhow::Result<Place> {
    while subject.store()?.made() < LOGS {
        load::make(&subject, Duration::from_secs(1)).await?;
    }
    subject.store()?.settled().await?;
    subject.stop()
}

/// A process that is ready, and after how many milliseconds.
async fn ready(place: &Place, binary: &str) -> anyhow::Result<(Process, f64)> {
    let begun = Instant::now();
    let (process, addr) = place.serve(binary)?;
    until_ready(addr).await?;
    Ok((process, begun.elapsed().as_secs_f64() * 1e3))
}

/// Asks until `/readyz` answers 200.
///
/// # Errors
/// When it does not for a minute.
pub async fn until_ready(addr: SocketAddr) -> anyhow::Result<()> {
    let begun = Instant::now();
    let request = format!("GET /readyz HTTP/1.1\r\nhost: {addr}\r\n\r\n");
    let mut connection = Connection::open(addr).await?;
    while let Err(error) = connection.call(request.as_bytes()).await {
        if begun.elapsed() > PATIENCE {
            bail!("it does not get ready: {error:#}");
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
