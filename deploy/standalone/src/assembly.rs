//! Puts the planes together.

use std::path::Path;
use std::sync::Arc;

use clock::{Clock, Ids};
use entity::organisation;
use plans::{Overrides, Plan};
use processes::Counts;
use quota::Ledger;
use recorder::{Recorder, Shipper, Unrecorded};
use sea_orm::DatabaseConnection;
use settings::Settings;
use spool::{Drain, Spool};
use tenancy::notices::{Channel, Notices};
use tenancy::{Keys, People, PeopleParts, PlanOverrides, VirtualKeys};
use tokio_util::sync::CancellationToken;
use workers::Schedule;

use crate::running::{Running, Task};
use crate::{place, server};

/// Starts all planes in this process and returns when they serve. Nothing runs by another clock than `clock`.
///
/// # Errors
/// Says what could not be had, and what to do about it; nothing is left running.
pub async fn start(settings: Settings, clock: Clock) -> anyhow::Result<Running> {
    place::check(&settings)?;
    let ledger = ledger(&settings)?;
    place::make_folder(&settings.data_dir)?;
    place::look_for_others(&settings.data_dir)?;
    // First of all: its lock tells that no other process works on this folder.
    let (spool, drain) = open_spool(&settings, &settings.data_dir.join("spool")).await?;
    let db = place::database(&settings).await?;
    let vault = place::vault(&settings)?;
    let schedule = Schedule::new(&settings.jobs)?;

    let ids = Ids::new(clock.clone());
    let (ttl, stale_max) = (settings.gateway.key_cache_ttl, settings.auth.stale_max);
    let notices = if settings.redis_url.is_some() { Notices::to_others() } else { Notices::none() };
    let keys = Keys::new(db.clone(), clock.clone(), ttl, stale_max, settings.plans.clone());
    let keys = keys.telling(notices.clone());
    let virtual_keys = VirtualKeys::new(db.clone(), clock.clone(), vault.clone(), ttl, stale_max);
    let people = People::new(
        PeopleParts {
            db: db.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            vault: vault.clone(),
            plan_overrides: settings.plans.clone(),
        },
        ttl,
        stale_max,
    );
    let virtual_keys = virtual_keys.telling(notices.clone());
    let channel = match &settings.redis_url {
        Some(url) => Some(Channel::new(url, notices, keys.clone(), virtual_keys.clone())?),
        None => None,
    };
    let unrecorded = Unrecorded::default();
    let recorder = Recorder::new(spool.clone(), unrecorded.clone());

    let gateway = gateway::Gateway::new(gateway::Parts {
        clock: clock.clone(),
        ids: ids.clone(),
        keys: keys.clone(),
        virtual_keys: virtual_keys.clone(),
        recorder: recorder.clone(),
        ledger: Arc::clone(&ledger),
        settings: settings.clone(),
    });
    let api = api::Api::new(api::Parts {
        db: db.clone(),
        clock: clock.clone(),
        ids: ids.clone(),
        keys: keys.clone(),
        virtual_keys: virtual_keys.clone(),
        people,
        vault: vault.clone(),
        recorder: recorder.clone(),
        reach: settings.gateway.allow_private_hosts,
        trust_forwarded_for: settings.auth.trust_forwarded_for,
        max_payload_bytes: settings.log.max_payload_bytes,
        operator_token: settings.operator_token.clone(),
    });
    let counts = if settings.redis_url.is_some() { Counts::Together } else { Counts::Alone };
    let process = processes::enter(&db, &clock, ids.fresh(), &settings.data_dir, counts).await?;
    let server = match server::start(&settings, api, gateway) {
        Ok(server) => server,
        Err(error) => {
            process.leave().await?;
            return Err(error);
        }
    };
    let staying = Task::start(|stop| process.stay(stop));
    let channel = channel.map(|channel| Task::start(|stop| channel.run(stop)));

    let shipper = shipper(&settings, &clock, db.clone(), drain, Arc::clone(&ledger), unrecorded);
    let shipping = Task::start(|stop| shipper.run(stop));
    let parts = working_parts(&settings, &clock, &ids, &db);
    // Where logs are partitioned; what is missing all the same is made with the first log that needs it.
    if let Err(error) = workers::make_partitions(&parts).await {
        tracing::warn!(%error, "the partitions of the next days could not be made; they are tried again");
    }
    let working = Task::start(|stop: CancellationToken| workers::run(schedule, parts, stop));

    let addr = server.addr;
    tracing::info!(%addr, "serving");
    Ok(Running {
        addr,
        settings,
        clock,
        ids,
        db,
        keys,
        virtual_keys,
        vault,
        ledger,
        spool,
        recorder,
        server,
        channel,
        shipping,
        working,
        staying,
    })
}

/// Opens a spool folder; in the background, for it reads what earlier starts left.
pub(crate) async fn open_spool(settings: &Settings, dir: &Path) -> anyhow::Result<(Spool, Drain)> {
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
pub(crate) fn ledger(settings: &Settings) -> Result<Arc<dyn Ledger>, quota::BadUrl> {
    Ok(match &settings.redis_url {
        Some(url) => Arc::new(quota::Redis::connect(url, settings.redis.timeout)?),
        None => Arc::new(quota::Embedded::new()),
    })
}

/// What the jobs work with.
fn working_parts(settings: &Settings, clock: &Clock, ids: &Ids, db: &DatabaseConnection) -> workers::Parts {
    workers::Parts {
        holder: ids.fresh(),
        clock: clock.clone(),
        db: db.clone(),
        settings: settings.jobs.clone(),
        plan_overrides: settings.plans.clone(),
    }
}

/// The way from the spool into the store.
pub(crate) fn shipper(
    settings: &Settings,
    clock: &Clock,
    db: DatabaseConnection,
    drain: Drain,
    ledger: Arc<dyn Ledger>,
    unrecorded: Unrecorded,
) -> Shipper {
    let plans = settings.plans.clone();
    Shipper::new(recorder::Parts {
        drain,
        db,
        ledger,
        clock: clock.clone(),
        terms: Arc::new(move |organisation| terms(organisation, &plans)),
        unrecorded,
        options: recorder::Options {
            batch_records: settings.shipper.batch_records,
            batch_bytes: settings.shipper.batch_bytes,
            linger: settings.shipper.linger,
        },
    })
}

/// An organisation whose terms cannot be read is served as the smallest plan is, rather than holding up all others.
fn terms(organisation: &organisation::Model, of_plans: &PlanOverrides) -> plans::Terms {
    match tenancy::terms(organisation, of_plans) {
        Ok((_, terms)) => terms,
        Err(error) => {
            tracing::error!(%error, "the terms of an organisation cannot be read; the developer plan's hold");
            plans::terms(Plan::Developer, &Overrides::default())
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn unreadable_terms_are_those_of_the_smallest_plan() {
        let row = |plan: &str, overrides: serde_json::Value| organisation::Model {
            id: uuid::Uuid::nil(),
            name: "x".to_owned(),
            plan: plan.to_owned(),
            overrides,
            created_at: 0,
        };
        let none = PlanOverrides::new();
        let developer = plans::terms(Plan::Developer, &Overrides::default());
        for organisation in
            [row("gold", serde_json::json!({})), row("production", serde_json::json!({"included": 5}))]
        {
            assert_eq!(terms(&organisation, &none), developer);
        }
        let production = row("production", serde_json::json!({}));
        assert_eq!(terms(&production, &none).included, Some(100_000));
    }

    #[tokio::test]
    async fn a_second_process_on_a_data_folder_is_told_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { data_dir: folder.path().to_owned(), ..Settings::default() };
        let held = open_spool(&settings, &settings.data_dir.join("spool")).await.unwrap();
        let error = start(settings, Clock::system()).await.err().unwrap();
        let text = format!("{error:#}");
        assert!(text.starts_with("one process at a time works on a data folder: stop the other"), "{text}");
        assert!(text.contains("is in use by another process"), "{text}");
        drop(held);
    }
}
