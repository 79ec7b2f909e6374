//! The spool's disk is full: calls go on and are counted, and with room again they are recorded again.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use redis_server::RedisServer;

use super::{Chaos, signed, size};
use crate::harness::{Answered, Ask, Fleet, Tenant, load, load_of, until};

/// Of one call.
const TEXT_BYTES: usize = 3_000;

/// Of a small disk.
const DISK_BYTES: usize = 2 << 20;

/// So small that there are many.
const SEGMENTS: (&str, &str) = ("TURNPIKE_SPOOL__SEGMENT_BYTES", "51200");

async fn spool_is(fleet: &Fleet, wanted: &str) {
    until(&format!("the spool is {wanted}"), || async {
        (fleet.check(0, "spool").await == wanted).then_some(())
    })
    .await;
}

/// All calls that were answered are logged, or counted as unrecorded; the next one is logged.
async fn account(chaos: &Chaos, fleet: &mut Fleet, tenant: &Tenant, answered: &Answered) {
    let calls = answered.ids.len();
    assert_eq!((answered.cut, answered.refused), (0, 0));
    fleet.caught_up(tenant, calls).await;
    let [used, dropped, unrecorded] = fleet.counts(tenant).await;
    assert_eq!((used + unrecorded, dropped), (signed(calls), 0));
    assert!(used > 0 && unrecorded > 0, "{used} used, {unrecorded} unrecorded");
    let next = load(&fleet.addrs(), tenant, 1).1.await;
    fleet.stop();
    let logs = fleet.logs().await;
    assert!(logs.contains(&next.ids[0]), "there is room, and the call is not logged");
    let summary = fleet.reconcile();
    chaos.tell(format_args!(
        "over: {calls} calls answered, {used} logs, {unrecorded} counted as unrecorded; usage {}",
        summary["used"]
    ));
    assert_eq!(signed(logs.len()), used + 1);
    assert_eq!((&summary["used"], &summary["unrecorded"]), (&(used + 1).into(), &unrecorded.into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spool_at_its_limit_counts_what_it_cannot_take() {
    let chaos = Chaos::begin("full");
    let redis = RedisServer::start();
    let bytes = size(400 << 10, 20 << 20).to_string();
    let env = [("TURNPIKE_SPOOL__MAX_BYTES", bytes.as_str()), SEGMENTS];
    let mut fleet = Fleet::start(1, &redis, &env);
    let tenant = fleet.org("enterprise");
    let db = fleet.database().await;
    scratch::refuse(&db, "broken", "UPDATE ON spool_mark", "TRUE").await;
    let asks = vec![Ask::Echo("x".repeat(TEXT_BYTES))];
    let (mut progress, answering) = load_of(&fleet.addrs, &tenant, usize::MAX, asks);
    spool_is(&fleet, "full").await;
    let calls = progress.more(size(40, 1_000)).await;
    scratch::allow(&db, "broken").await;
    db.close().await.unwrap();
    spool_is(&fleet, "ok").await;
    chaos.tell(format_args!("the store took nothing until call {calls}, and the spool was full"));
    progress.more(20).await;
    progress.finish();
    account(&chaos, &mut fleet, &tenant, &answering.await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_lived_through() {
    let chaos = Chaos::begin("disk");
    let redis = RedisServer::start();
    let mut fleet = Fleet::new(&redis, &[SEGMENTS]);
    let tenant = fleet.org("enterprise");
    let spool = fleet.folder(0).join("spool");
    let Some(disk) = Disk::mount(&spool) else {
        chaos.tell("left out: only root may mount a small disk, where it may");
        return;
    };
    fleet.grow(1);
    let asks = vec![Ask::Echo("x".repeat(TEXT_BYTES))];
    let (mut progress, answering) = load_of(&fleet.addrs, &tenant, usize::MAX, asks);
    progress.more(40).await;
    for round in 1..=size(1, 5) {
        until("the spool is full", || async {
            // What is shipped makes room again.
            disk.fill();
            (fleet.check(0, "spool").await == "full").then_some(())
        })
        .await;
        let calls = progress.more(size(40, 1_000)).await;
        disk.make_room();
        spool_is(&fleet, "ok").await;
        chaos.tell(format_args!("round {round}: the disk was full until call {calls}"));
        progress.more(40).await;
    }
    progress.finish();
    account(&chaos, &mut fleet, &tenant, &answering.await).await;
}

/// A disk of [`DISK_BYTES`]; gone when it is dropped.
struct Disk(PathBuf);

impl Disk {
    /// None where this machine does not let us.
    fn mount(folder: &Path) -> Option<Self> {
        std::fs::create_dir_all(folder).unwrap();
        let size = format!("size={DISK_BYTES}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder).output();
        mounted.is_ok_and(|mounted| mounted.status.success()).then(|| Self(folder.to_owned()))
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let mut other = File::options().create(true).append(true).open(self.other()).unwrap();
        while other.write_all(&[0; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        std::fs::remove_file(self.other()).unwrap();
    }

    /// What lies there that is not ours.
    fn other(&self) -> PathBuf {
        self.0.join("other")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}
