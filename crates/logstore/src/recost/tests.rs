#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use entity::usage_hourly;
use plans::{Overrides, Plan};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::append::Rules;
use crate::exports::Exports;
use crate::spending::Limited;
use crate::{Batch, Entry, append};

const HOUR: Duration = Duration::from_hours(1);

struct World {
    db: DatabaseConnection,
    clock: Clock,
    ids: Ids,
    which: Which,
    _folder: tempfile::TempDir,
}

/// By the version's digit: a log's tokens, that many times over.
fn costing(version: &str) -> impl Fn(&log::Model) -> Option<i64> + Sync {
    let factor: i64 = version.trim_start_matches('v').parse().unwrap();
    move |log| log.input_tokens.map(|tokens| tokens * factor)
}

impl World {
    /// Two months, some models, and all kinds of costs.
    async fn with(logs: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = scratch::database(folder.path()).await;
        let clock = Clock::starting_at(1_793_491_200_000); // 2026-11-01
        clock.set_back(HOUR * 2);
        let from = clock.now_ms();
        let ids = Ids::new(clock.clone());
        let organisation_id = ids.fresh();
        let mut entries = Vec::new();
        for n in 0..logs {
            if n == logs / 2 {
                clock.advance(HOUR * 3);
            }
            let mut log = scratch::log(ids.log_id(), organisation_id);
            let tokens = i64::try_from(n % 97).unwrap();
            log.input_tokens = Some(tokens);
            log.model = (n % 3 > 0).then(|| format!("m{}", n % 3));
            (log.cost_pusd, log.prices_version) = match n % 5 {
                0 => (None, None),            // Its price was not known.
                1 => (Some(1_000_000), None), // Its cost was given.
                _ => (Some(tokens), Some("v1".to_owned())),
            };
            if n % 11 == 0 {
                (log.input_tokens, log.output_tokens, log.cost_pusd, log.prices_version) =
                    (None, None, None, None);
            }
            entries.push(Entry { log, payload: None, opinions: Vec::new() });
        }
        clock.advance(HOUR);
        let terms = plans::terms(Plan::Enterprise, &Overrides::default());
        let batch = Batch { segment: ids.fresh(), start: 0, end: 1, entries, late: Vec::new() };
        let rules = Rules {
            terms: &|_| Some(terms),
            limited: &Limited::default(),
            exports: &Exports::default(),
            searchable: true,
        };
        append(&db, batch, rules, &clock).await.unwrap();
        let which = Which { organisation_id, received_ms: from..clock.now_ms() };
        Self { db, clock, ids, which, _folder: folder }
    }

    async fn recost(&self, version: &str, mut tell: impl FnMut(Recosted)) -> Recosted {
        let cost = costing(version);
        let mut sum = Recosted::default();
        let told = |recosted| {
            sum.add(recosted);
            tell(recosted);
        };
        let costing = Costing { version, cost: &cost };
        recost(&self.db, (&self.ids, &self.clock), &self.which, costing, told).await.unwrap();
        sum
    }

    async fn logs(&self) -> BTreeMap<Uuid, log::Model> {
        let logs = log::Entity::find().all(&self.db).await.unwrap();
        logs.into_iter().map(|log| (log.id, log)).collect()
    }

    async fn deltas(&self) -> BTreeMap<Uuid, i64> {
        let mut deltas = BTreeMap::new();
        for entry in cost_correction::Entity::find().all(&self.db).await.unwrap() {
            assert_eq!(entry.delta_pusd, entry.new_pusd - entry.old_pusd.unwrap_or(0));
            *deltas.entry(entry.log_id).or_default() += entry.delta_pusd;
        }
        deltas
    }

    /// The statistics are what the logs add up to, and each log's corrections what it has changed by.
    async fn adds_up(&self, before: &BTreeMap<Uuid, log::Model>) {
        let (after, deltas) = (self.logs().await, self.deltas().await);
        let mut hours: BTreeMap<(i64, String), i64> = BTreeMap::new();
        for (id, log) in &after {
            let cost = |log: &log::Model| log.cost_pusd.unwrap_or(0);
            let delta = cost(log) - cost(&before[id]);
            assert_eq!(deltas.get(id).copied().unwrap_or(0), delta, "{log:?}");
            *hours.entry((log.created_at / 3_600_000, log.model.clone().unwrap_or_default())).or_default() +=
                cost(log);
        }
        for row in usage_hourly::Entity::find().all(&self.db).await.unwrap() {
            assert_eq!(
                hours.remove(&(i64::from(row.hour), row.model.clone())),
                Some(row.cost_pusd),
                "{row:?}"
            );
        }
        assert_eq!(hours, BTreeMap::new());
    }
}

#[tokio::test]
async fn costs_are_corrected_once_up_and_down_and_statistics_with_them() {
    let world = World::with(1_300).await;
    let before = world.logs().await;
    let mut estimated = Recosted::default();
    let cost = costing("v3");
    let by = Costing { version: "v3", cost: &cost };
    estimate(&world.db, &world.which, by, |more| estimated.add(more)).await.unwrap();
    assert_eq!(world.logs().await, before, "an estimate changes nothing");

    let done = world.recost("v3", |_| {}).await;
    assert_eq!(done, estimated);
    assert!(done.corrected > 700 && done.corrected < done.logs, "{done:?}");
    world.adds_up(&before).await;
    for (id, log) in world.logs().await {
        let was = &before[&id];
        let given = was.cost_pusd.is_some() && was.prices_version.is_none();
        if given || was.input_tokens.is_none() {
            assert_eq!(&log, was);
        } else {
            assert_eq!(
                (log.cost_pusd, log.prices_version.as_deref()),
                (was.input_tokens.map(|n| 3 * n), Some("v3"))
            );
        }
    }
    let once = world.deltas().await;
    assert_eq!(once.values().sum::<i64>(), done.delta_pusd);
    assert_eq!(world.recost("v3", |_| {}).await, Recosted::default(), "twice is once");
    assert_eq!(world.deltas().await, once);

    let down = world.recost("v2", |_| {}).await;
    assert!(down.delta_pusd < 0);
    world.adds_up(&before).await;
}

#[tokio::test]
async fn what_is_killed_in_the_middle_is_finished_by_the_next_and_counted_once() {
    let world = World::with(2_600).await;
    let before = world.logs().await;
    let (kill, dead) = (CancellationToken::new(), AtomicBool::new(false));
    let begun = world.recost("v2", |_| kill.cancel());
    tokio::select! {
        biased;
        () = kill.cancelled() => dead.store(true, Ordering::SeqCst),
        _ = begun => {}
    }
    assert!(dead.load(Ordering::SeqCst), "it was under way");
    world.adds_up(&before).await;
    let half = world.deltas().await.len();
    let rest = world.recost("v2", |_| {}).await;
    assert!(half > 0 && rest.corrected > 0, "{half} {rest:?}");
    world.adds_up(&before).await;
    assert_eq!(world.deltas().await.len(), half + usize::try_from(rest.corrected).unwrap());
}

#[tokio::test]
async fn only_logs_of_the_time_and_the_organisation_are_costed() {
    let mut world = World::with(60).await;
    let logs = world.logs().await;
    let middle = logs.values().nth(30).unwrap().created_at;
    world.which.received_ms.end = middle;
    world.recost("v4", |_| {}).await;
    for log in world.logs().await.values() {
        let is_costed = log.prices_version.as_deref() == Some("v4");
        assert!(!is_costed || log.created_at < middle);
    }
    world.which = Which { organisation_id: world.ids.fresh(), received_ms: middle..world.clock.now_ms() };
    assert_eq!(world.recost("v4", |_| {}).await, Recosted::default());
}
