//! The promise itself: what was acknowledged before SIGKILL is delivered, and reaches the store exactly once.

use std::{
    collections::{BTreeSet, HashMap},
    env,
    fs::{self, File},
    hash::{BuildHasher, RandomState},
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use spool::{Batch, Options};

use crate::texts;

const CHILD_DIR: &str = "SPOOL_KILL_TEST_DIR";
const CHILD_FIRST: &str = "SPOOL_KILL_TEST_FIRST";
const PRODUCERS: u64 = 4;

fn options(dir: &Path) -> Options {
    Options { segment_bytes: 20_000, ..Options::new(dir.join("spool"), 1 << 30) }
}

/// Stands for the log store: one line a batch, and the same rule as `spool_mark` for batches that come again.
#[derive(Default)]
struct Store {
    next: HashMap<String, u64>,
    records: Vec<u64>,
}

impl Store {
    fn line(batch: &Batch) -> String {
        format!("{} {} {} {} .\n", batch.segment, batch.start, batch.end, texts(batch).join(","))
    }

    fn append(&mut self, line: &str) {
        // A write may be torn by SIGKILL: what has no end was not stored.
        let [segment, start, end, records, "."] = line.split(' ').collect::<Vec<_>>()[..] else { return };
        let (start, end): (u64, u64) = (start.parse().unwrap(), end.parse().unwrap());
        let next = self.next.entry(segment.to_owned()).or_default();
        if *next == start {
            *next = end;
            self.records.extend(records.split(',').map(number));
        } else {
            assert!(*next >= end, "a batch spans the store's mark {next}: {start}..{end}");
        }
    }
}

/// The record's number; its filling is there for size.
fn number(record: &str) -> u64 {
    record.trim_end_matches('x').parse().unwrap()
}

/// Not a test by itself: the process that the test below kills. Appends, says what was acknowledged, and
/// ships.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_appends_until_it_is_killed() {
    let (Ok(dir), Ok(first)) = (env::var(CHILD_DIR), env::var(CHILD_FIRST)) else { return };
    let (dir, first) = (Path::new(&dir), first.parse::<u64>().unwrap());
    let (spool, mut drain) = spool::open(options(dir)).unwrap();
    for producer in 0..PRODUCERS {
        let spool = spool.clone();
        tokio::spawn(async move {
            for n in (first + producer..).step_by(usize::try_from(PRODUCERS).unwrap()) {
                let filling = usize::try_from(n * 31 % 700).unwrap();
                spool.append(format!("{n}{}", "x".repeat(filling)).into_bytes()).await.unwrap();
                writeln!(std::io::stdout(), "acknowledged {n}").unwrap();
            }
        });
    }
    let mut store = File::options().append(true).create(true).open(dir.join("store")).unwrap();
    // What the process before has torn ends here.
    store.write_all(b"\n").unwrap();
    loop {
        let batch = drain.next(7, 3000).await.unwrap();
        store.write_all(Store::line(&batch).as_bytes()).unwrap();
        drain.forget(&batch).unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_before_sigkill_is_stored_exactly_once() {
    let dir = tempfile::tempdir().unwrap();
    let chance = RandomState::new();
    let (mut acknowledged, mut first) = (BTreeSet::new(), 0);
    for round in 0..8 {
        let lines = usize::try_from(20 + chance.hash_one(round) % 600).unwrap();
        acknowledged.extend(acknowledged_until_killed(dir.path(), first, lines));
        first = acknowledged.last().unwrap() + 1000;
    }

    let (_spool, mut drain) = spool::open(options(dir.path())).unwrap();
    let mut store = Store::default();
    fs::read_to_string(dir.path().join("store")).unwrap().lines().for_each(|line| store.append(line));
    let shipped = store.records.len();
    while let Some(batch) = drain.try_next(7, 3000).unwrap() {
        store.append(Store::line(&batch).trim_end());
        drain.forget(&batch).unwrap();
    }
    let stored: BTreeSet<_> = store.records.iter().copied().collect();
    assert_eq!(stored.len(), store.records.len(), "none twice");
    assert!(
        acknowledged.is_subset(&stored),
        "lost: {:?}",
        acknowledged.difference(&stored).collect::<Vec<_>>()
    );
    assert!(shipped > 0, "the children shipped some");
}

/// Runs the child, kills it after so many lines, and gives all numbers it said were acknowledged.
fn acknowledged_until_killed(dir: &Path, first: u64, lines: usize) -> Vec<u64> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "kill::child_appends_until_it_is_killed", "--nocapture"])
        .env(CHILD_DIR, dir)
        .env(CHILD_FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut numbers = Vec::new();
    let mut line = String::new();
    while said.read_line(&mut line).unwrap() > 0 {
        if let Some(number) = line.strip_prefix("acknowledged ").and_then(|line| line.strip_suffix('\n')) {
            numbers.push(number.parse().unwrap());
            if numbers.len() == lines {
                child.kill().unwrap();
            }
        }
        line.clear();
    }
    child.wait().unwrap();
    assert!(numbers.len() >= lines, "the child ended by itself");
    numbers
}
