//! From settings to the way of a record: its spool, the ledger it is counted in, and the shipper into the store; and to where answers are
//! kept.

use std::path::Path;
use std::sync::Arc;

use answer_cache::{Answers, Store};
use clock::Clock;
use entity::organisation;
use limits::{AwayPolicy, Limiter};
use plans::{Overrides, Plan};
use quota::Ledger;
use recorder::{Shipper, Unrecorded};
use sea_orm::DatabaseConnection;
use settings::{OnRedisAway, Settings};
use spool::{Drain, Spool};
use telemetry::Metrics;
use tenancy::PlanOverrides;

/// Opens a spool folder; in the background, for it reads what earlier starts left.
///
/// # Errors
/// When another process works on the folder, or it cannot be used; says what to do.
pub async fn open_spool(settings: &Settings, dir: &Path) -> anyhow::Result<(Spool, Drain)> {
    let options = spool::Options {
        dir: dir.to_owned(),
        max_bytes: settings.spool.max_bytes,
        segment_bytes: settings.spool.segment_bytes,
        fsync: settings.spool.fsync,
    };
    let opened = tokio::task::spawn_blocking(|| spool::open(options)).await?;
    opened.map_err(|error| {
        let todo = match error {
            spool::Error::Locked { .. } => {
                "one process at a time works on a data folder: stop the other turnpike first, or give this one a folder \
                 of its own with TURNPIKE_DATA_DIR (and another port with TURNPIKE_ADDR)"
            }
            _ => "the spool cannot be opened; check that its folder can be read and written and that its disk has room",
        };
        anyhow::Error::new(error).context(todo)
    })
}

/// Where the logs of the month are counted.
///
/// # Errors
/// [`quota::BadUrl`] when `redis_url` is no address of a Redis.
pub fn ledger(settings: &Settings) -> Result<Arc<dyn Ledger>, quota::BadUrl> {
    Ok(match &settings.redis_url {
        Some(url) => Arc::new(quota::Redis::connect(url, settings.redis.timeout)?),
        None => Arc::new(quota::Embedded::new()),
    })
}

/// Where budgets and rate limits are counted.
///
/// # Errors
/// [`limits::BadUrl`] when `redis_url` is no address of a Redis.
pub fn limits_ledger(settings: &Settings) -> Result<Arc<dyn limits::Ledger>, limits::BadUrl> {
    Ok(match &settings.redis_url {
        Some(url) => Arc::new(limits::Redis::connect(url, settings.redis.timeout)?),
        None => Arc::new(limits::Embedded::new()),
    })
}

/// Answers that are kept: in Redis where there is one, else in memory.
///
/// # Errors
/// [`answer_cache::BadUrl`] when `cache.redis_url` is no address of a Redis.
pub fn answers(settings: &Settings, clock: &Clock) -> Result<Answers, answer_cache::BadUrl> {
    let store: Box<dyn Store> = match settings.cache.redis_url.as_ref().or(settings.redis_url.as_ref()) {
        Some(url) => Box::new(answer_cache::Redis::connect(url, settings.redis.timeout)?),
        None => Box::new(answer_cache::Embedded::new(settings.cache.max_bytes)),
    };
    Ok(Answers::new(store, clock.clone(), settings.cache.max_entry_bytes))
}

/// Who asks there for calls.
pub fn limiter(settings: &Settings, ledger: Arc<dyn limits::Ledger>, db: DatabaseConnection) -> Limiter {
    let when_away = match settings.limits.on_redis_away {
        OnRedisAway::Pass => AwayPolicy::Pass,
        OnRedisAway::Refuse => AwayPolicy::Refuse,
    };
    Limiter::new(ledger, db, when_away)
}

/// The prices that calls are costed by.
#[must_use]
pub fn prices(settings: &Settings) -> pricing::Current {
    pricing::Current::new(settings.shipper.prices_every)
}

/// The way from the spool into the store.
#[expect(clippy::too_many_arguments, reason = "what a shipper works with, by name in its parts")]
pub fn shipper(
    settings: &Settings,
    clock: &Clock,
    db: DatabaseConnection,
    drain: Drain,
    (ledger, limits): (Arc<dyn Ledger>, Arc<dyn limits::Ledger>),
    prices: pricing::Current,
    unrecorded: Unrecorded,
    metrics: Metrics,
) -> Shipper {
    let plans = settings.plans.clone();
    Shipper::new(recorder::Parts {
        drain,
        db,
        ledger,
        limits,
        clock: clock.clone(),
        terms: Arc::new(move |organisation, now_ms| terms(organisation, &plans, now_ms)),
        prices,
        unrecorded,
        options: recorder::Options {
            batch_records: settings.shipper.batch_records,
            batch_bytes: settings.shipper.batch_bytes,
            linger: settings.shipper.linger,
            searchable: settings.log.text_index,
        },
        metrics,
    })
}

/// An organisation whose terms cannot be read is served as the smallest plan is, rather than holding up all others.
fn terms(organisation: &organisation::Model, of_plans: &PlanOverrides, now_ms: i64) -> plans::Terms {
    match tenancy::terms(organisation, of_plans, now_ms) {
        Ok((_, terms)) => terms,
        Err(error) => {
            tracing::error!(%error, "the terms of an organisation cannot be read; the developer plan's hold");
            plans::terms(Plan::Developer, &Overrides::default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreadable_terms_are_those_of_the_smallest_plan() {
        let row = |plan: &str, overrides: serde_json::Value| organisation::Model {
            overrides,
            ..scratch::organisation(uuid::Uuid::nil(), plan)
        };
        let none = PlanOverrides::new();
        let developer = plans::terms(Plan::Developer, &Overrides::default());
        for organisation in
            [row("gold", serde_json::json!({})), row("production", serde_json::json!({"included": 5}))]
        {
            assert_eq!(terms(&organisation, &none, 0), developer);
        }
        let production = row("production", serde_json::json!({}));
        assert_eq!(terms(&production, &none, 0).included, Some(100_000));
    }
}
