//! `turnpike spool drain`: an orphaned spool folder into the database.

use std::path::Path;

use anyhow::Context as _;
use clock::Clock;
use host::say;
use recorder::{Shipped, Unrecorded};
use serde_json::json;
use settings::Settings;
use telemetry::Metrics;

pub(crate) async fn run(settings: &Settings, dir: &Path, metrics: Metrics) -> anyhow::Result<()> {
    check(dir)?;
    let ledgers = (host::ledger(settings)?, host::limits_ledger(settings)?);
    let db = host::database(settings).await?;
    let (spool, drain) = host::open_spool(settings, dir).await?;
    let mut queue = host::shipper(
        settings,
        &Clock::system(),
        db.clone(),
        drain,
        ledgers,
        host::prices(settings),
        Unrecorded::default(),
        metrics,
    );
    let shipped = queue.drain_now().await.context(
        "not all logs could be shipped; they are still in the spool folder, and the command may be repeated",
    )?;
    spool.close().await;
    db.close().await?;
    say(&shown(dir, &shipped, spool.damaged()).to_string())?;
    Ok(())
}

/// Opening a folder would make a spool of it: not one that is something else.
fn check(dir: &Path) -> anyhow::Result<()> {
    let entries =
        std::fs::read_dir(dir).with_context(|| format!("the folder {} cannot be read", dir.display()))?;
    let is_spool =
        |name: &Path| name == Path::new("lock") || name.extension().is_some_and(|end| end == "seg");
    for entry in entries {
        if is_spool(Path::new(&entry?.file_name())) {
            return Ok(());
        }
    }
    anyhow::bail!(
        "{} is no spool folder: there is no *.seg file in it; a data folder's is called spool",
        dir.display()
    )
}

fn shown(dir: &Path, shipped: &Shipped, damaged: u64) -> serde_json::Value {
    json!({
        "spool": dir.display().to_string(),
        "batches": shipped.batches,
        "batches_in_before": shipped.batches_before,
        "recorded": shipped.recorded,
        "dropped": shipped.dropped,
        "expired": shipped.expired,
        "repeated": shipped.repeated,
        "refused": shipped.refused,
        "unreadable": shipped.unreadable,
        "damaged": damaged,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[tokio::test]
    async fn a_folder_that_is_no_spool_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("notes.txt"), "x").unwrap();
        let error = run(&Settings::default(), folder.path(), Metrics::default()).await.unwrap_err();
        assert!(error.to_string().contains("is no spool folder"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(run(&Settings::default(), &folder.path().join("missing"), Metrics::default()).await.is_err());
    }

    #[tokio::test]
    async fn what_is_in_the_spool_is_shipped_once_and_a_live_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { data_dir: folder.path().join("data"), ..Settings::default() };
        let orphan = folder.path().join("orphan");
        let (spool, drain) = host::open_spool(&settings, &orphan).await.unwrap();
        let error = run(&settings, &orphan, Metrics::default()).await.unwrap_err();
        assert!(format!("{error:#}").contains("is in use by another process"), "{error:#}");

        // A record of another release: it cannot be read, and must not be in the way.
        spool.append(b"no record".to_vec()).await.unwrap();
        spool.close().await;
        drop((spool, drain));
        run(&settings, &orphan, Metrics::default()).await.unwrap();
        let (_spool, mut drain) = host::open_spool(&settings, &orphan).await.unwrap();
        assert_eq!(drain.try_next(10, 1 << 20).unwrap(), None);
    }
}
