//! What is read for the process's numbers when somebody asks for them. The crates that it is read from know nothing of it.

use std::sync::{Arc, Weak};

use answer_cache::Answers;
use recorder::Unrecorded;
use sea_orm::{DatabaseConnection, DatabaseConnectionType};
use spool::{Level, Spool};
use telemetry::{AsyncInstrument, KeyValue, Metrics};
use tenancy::Keys;

/// The parts that numbers are read from; those who ask hold them no longer than the process does.
pub(crate) struct Observed {
    db: DatabaseConnection,
    intake: Option<Intake>,
}

struct Intake {
    spool: Spool,
    keys: Keys,
    unrecorded: Unrecorded,
    answers: Answers,
}

impl Observed {
    pub(crate) fn of(db: &DatabaseConnection) -> Self {
        Self { db: db.clone(), intake: None }
    }

    pub(crate) fn taking_in(
        self,
        spool: &Spool,
        keys: &Keys,
        unrecorded: &Unrecorded,
        answers: &Answers,
    ) -> Self {
        let intake = Intake {
            spool: spool.clone(),
            keys: keys.clone(),
            unrecorded: unrecorded.clone(),
            answers: answers.clone(),
        };
        Self { intake: Some(intake), ..self }
    }

    pub(crate) fn for_whoever_asks(self, metrics: &Metrics) -> Arc<Self> {
        let takes_in = self.intake.is_some();
        let observed = Arc::new(self);
        database(metrics, &observed);
        if takes_in {
            spool(metrics, &observed);
            intake(metrics, &observed);
            cache(metrics, &observed);
        }
        observed
    }
}

/// A reading of what still runs.
fn reading(
    observed: &Arc<Observed>,
    read: impl Fn(&Observed, &dyn AsyncInstrument<u64>) + Send + Sync + 'static,
) -> impl Fn(&dyn AsyncInstrument<u64>) + Send + Sync + 'static {
    let observed: Weak<Observed> = Arc::downgrade(observed);
    move |now| {
        if let Some(observed) = observed.upgrade() {
            read(&observed, now);
        }
    }
}

fn database(metrics: &Metrics, observed: &Arc<Observed>) {
    let count = reading(observed, |observed, now| {
        let Some((size, idle)) = pool(&observed.db) else { return };
        let state = |state| [KeyValue::new("db.client.connection.state", state)];
        now.observe(idle.min(size), &state("idle"));
        now.observe(size.saturating_sub(idle), &state("used"));
    });
    let about = "Connections to the database; all of them together are the pool's size.";
    metrics.gauge("db.client.connection.count", "{connection}", about, count);
}

/// How many connections there are, and how many of them are idle.
fn pool(db: &DatabaseConnection) -> Option<(u64, u64)> {
    let (size, idle) = match &db.inner {
        DatabaseConnectionType::SqlxPostgresPoolConnection(_) => {
            let pool = db.get_postgres_connection_pool();
            (pool.size(), pool.num_idle())
        }
        DatabaseConnectionType::SqlxSqlitePoolConnection(_) => {
            let pool = db.get_sqlite_connection_pool();
            (pool.size(), pool.num_idle())
        }
        DatabaseConnectionType::Disconnected => return None,
    };
    Some((u64::from(size), idle as u64))
}

fn spool(metrics: &Metrics, observed: &Arc<Observed>) {
    let of_spool = |read: fn(&Spool) -> u64| {
        reading(observed, move |observed, now| {
            if let Some(intake) = &observed.intake {
                now.observe(read(&intake.spool), &[]);
            }
        })
    };
    let records = of_spool(|spool| spool.depth().records);
    metrics.gauge("turnpike.spool.records", "{record}", "Records that wait in the spool.", records);
    let bytes = of_spool(|spool| spool.depth().bytes);
    metrics.gauge("turnpike.spool.size", "By", "Bytes of records that wait in the spool.", bytes);
    let age = of_spool(|spool| spool.oldest_waits().map_or(0, |waits| waits.as_secs()));
    metrics.gauge("turnpike.spool.oldest.age", "s", "For how long the oldest record has waited.", age);
    let level = of_spool(|spool| match spool.level() {
        Level::Normal => 0,
        Level::Shed => 1,
        Level::Full => 2,
    });
    let about = "0: there is room; 1: nearly full, contents are not kept; 2: full, calls go unrecorded.";
    metrics.gauge("turnpike.spool.level", "", about, level);
}

fn intake(metrics: &Metrics, observed: &Arc<Observed>) {
    let unrecorded = reading(observed, |observed, now| {
        if let Some(intake) = &observed.intake {
            now.observe(intake.unrecorded.ever(), &[]);
        }
    });
    let about = "Calls that were answered and are in no log, for there was no room or a fault.";
    metrics.total("turnpike.logs.unrecorded", about, unrecorded);
    let look_ups = reading(observed, |observed, now| {
        if let Some(intake) = &observed.intake {
            let found = intake.keys.look_ups();
            now.observe(found.hits, &[KeyValue::new("result", "hit")]);
            now.observe(found.misses, &[KeyValue::new("result", "miss")]);
        }
    });
    metrics.total(
        "turnpike.key_cache.lookups",
        "API keys that were looked up, by whether memory had them.",
        look_ups,
    );
}

fn cache(metrics: &Metrics, observed: &Arc<Observed>) {
    let look_ups = reading(observed, |observed, now| {
        if let Some(intake) = &observed.intake {
            let counts = intake.answers.counts();
            let results = [("hit", counts.hits), ("miss", counts.misses), ("refresh", counts.refreshes)];
            for (result, n) in results {
                now.observe(n, &[KeyValue::new("result", result)]);
            }
        }
    });
    metrics.total(
        "turnpike.cache.lookups",
        "Calls that asked for a kept answer, by what came of it.",
        look_ups,
    );
    let of_answers = |read: fn(&Answers) -> u64| {
        reading(observed, move |observed, now| {
            if let Some(intake) = &observed.intake {
                now.observe(read(&intake.answers), &[]);
            }
        })
    };
    let kept = of_answers(|answers| answers.counts().kept);
    metrics.total("turnpike.cache.kept", "Answers that were kept.", kept);
    let failures = of_answers(|answers| answers.counts().failures);
    let about = "Steps that the store of kept answers did not answer.";
    metrics.total("turnpike.cache.failures", about, failures);
    let size = of_answers(Answers::size);
    let about = "Bytes of kept answers in this process's memory; 0 where they are in Redis.";
    metrics.gauge("turnpike.cache.size", "By", about, size);
}
