//! Everything goes away at random moments: every call whose answer came to its end has one log, and `turnpike reconcile` agrees.
//!
//! Here each scenario is small, with a seed that is always the same. `make chaos` takes the sizes that people are told of
//! (`CHAOS_SIZE=full`), with a new seed, and tells what it does. A seed makes the same choices again: what is struck, after
//! how many calls, and what comes then. The machine's timing is not among them.

mod clock;
mod configs;
mod database;
mod disk;
mod drain;
mod kills;
mod month;
mod provider;
mod quota;
mod redis;
mod retention;

use std::collections::HashSet;
use std::fmt::Display;
use std::time::{Duration, Instant};

use crate::harness::{Answered, Chance, Fleet, Progress, at_full_size};

/// The seed of a run that names none.
const SEED: u64 = 1;

/// A scenario: its size, its choices, and what is told of it.
struct Chaos {
    name: &'static str,
    chance: Chance,
    begun: Instant,
}

impl Chaos {
    fn begin(name: &'static str) -> Self {
        let seed = std::env::var("CHAOS_SEED").map_or(SEED, |seed| seed.parse().unwrap());
        // By itself or among the others, a scenario makes the same choices.
        let own = name.bytes().fold(seed, |seed, byte| Chance::seeded(seed ^ u64::from(byte)).next());
        let chaos = Self { name, chance: Chance::seeded(own), begun: Instant::now() };
        chaos.tell(format_args!("seed {seed}; once more: make chaos CHAOS_SEED={seed}"));
        chaos
    }

    /// From 1 to `most`.
    fn up_to(&mut self, most: usize) -> usize {
        1 + self.chance.below(most)
    }

    fn tell(&self, what: impl Display) {
        println!("{:<10} {:>6.1} s  {what}", self.name, self.begun.elapsed().as_secs_f64());
    }

    /// Lets calls go on while something is away: for so long at full size, else for so many calls.
    async fn endure(&self, progress: &mut Progress, full: Duration, calls: usize) {
        if at_full_size() {
            tokio::time::sleep(full).await;
        }
        progress.more(calls).await;
    }

    /// Each call that was answered whole has one log, and all agrees; how many logs there are.
    async fn prove(&self, fleet: &Fleet, answered: &Answered) -> usize {
        let logs = fleet.logs().await;
        let there: HashSet<&String> = logs.iter().collect();
        let lost = answered.ids.iter().filter(|id| !there.contains(id)).count();
        let double = logs.len() - there.len();
        let summary = fleet.reconcile();
        let (calls, cut) = (answered.ids.len(), answered.cut);
        self.tell(format_args!(
            "over: {calls} calls answered, {cut} cut, {} logs, {lost} lost, {double} double; usage {}",
            logs.len(),
            summary["used"]
        ));
        assert_eq!((lost, double), (0, 0), "the gateways said:\n{}", fleet.complaints());
        assert_eq!((&summary["logs"], &summary["used"]), (&logs.len().into(), &logs.len().into()));
        logs.len()
    }
}

/// What a number is in this run.
fn size(small: usize, full: usize) -> usize {
    if at_full_size() { full } else { small }
}

fn signed(n: usize) -> i64 {
    i64::try_from(n).unwrap()
}
