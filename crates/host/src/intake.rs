//! What it takes to take calls in: who may call, a spool for their records, and the shipper that empties it.

use std::path::PathBuf;
use std::sync::Arc;

use actix_web::web::ServiceConfig;
use answer_cache::Answers;
use clock::Clock;
use limits::Limiter;
use processes::Counts;
use quota::Ledger;
use recorder::{Recorder, Unrecorded};
use settings::Settings;
use spool::{Drain, Spool};
use telemetry::Telemetry;
use tenancy::notices::{Channel, Notices};
use tenancy::{Configs, Guardrails, Keys, People, PeopleParts, VirtualKeys};
use vault::Vault;

use crate::observed::Observed;
use crate::probes::Readiness;
use crate::running::Shipping;
use crate::{Base, OnConnect, Running, Task, place, server, spooling};

/// A [`Base`], and what takes calls in on it.
pub struct Intake {
    pub base: Base,
    pub vault: Vault,
    pub keys: Keys,
    pub virtual_keys: VirtualKeys,
    pub configs: Configs,
    pub guardrails: Guardrails,
    pub people: People,
    pub ledger: Arc<dyn Ledger>,
    pub limiter: Limiter,
    /// What calls are costed by; the shipper keeps it up to date.
    pub prices: pricing::Current,
    pub answers: Answers,
    limits_ledger: Arc<dyn limits::Ledger>,
    pub recorder: Recorder,
    unrecorded: Unrecorded,
    spool: Spool,
    drain: Drain,
    /// The spool's folder, which is this process's alone.
    folder: PathBuf,
    /// What other processes are told of, and tell us.
    channel: Option<Channel>,
    needs_database: bool,
}

impl Intake {
    /// Opens all of it; the spool in the data folder's `spool`, which no two processes may have.
    ///
    /// # Errors
    /// Says what could not be had, and what to do about it; nothing is left running.
    pub async fn open(
        settings: Settings,
        clock: Clock,
        telemetry: Telemetry,
        spool: &str,
    ) -> anyhow::Result<Self> {
        place::check(&settings)?;
        let ledger = spooling::ledger(&settings)?;
        let limits_ledger = spooling::limits_ledger(&settings)?;
        let answers = spooling::answers(&settings, &clock)?;
        place::make_folder(&settings.data_dir)?;
        place::look_for_others(&settings.data_dir)?;
        let folder = settings.data_dir.join(spool);
        // First of all: its lock tells that no other process works on this folder.
        let (spool, drain) = spooling::open_spool(&settings, &folder).await?;
        let base = Base::open(settings, clock, telemetry).await?;

        let Base { settings, clock, ids, db, vault, .. } = base.clone();
        let limiter = spooling::limiter(&settings, Arc::clone(&limits_ledger), db.clone());
        let prices = spooling::prices(&settings);
        let (ttl, stale_max) = (settings.gateway.key_cache_ttl, settings.auth.stale_max);
        let notices = if settings.redis_url.is_some() { Notices::to_others() } else { Notices::none() };
        let keys = Keys::new(db.clone(), clock.clone(), ttl, stale_max, settings.plans.clone());
        let keys = keys.telling(notices.clone());
        let virtual_keys = VirtualKeys::new(db.clone(), clock.clone(), vault.clone(), ttl, stale_max);
        let virtual_keys = virtual_keys.telling(notices.clone());
        let configs = Configs::new(db.clone(), clock.clone(), vault.clone(), ttl, stale_max);
        let configs = configs.telling(notices.clone());
        let guardrails = Guardrails::new(db.clone(), clock.clone(), vault.clone(), ttl, stale_max);
        let guardrails = guardrails.telling(notices.clone());
        let (vault_here, plan_overrides) = (vault.clone(), settings.plans.clone());
        let people =
            PeopleParts { db, clock, ids, vault: vault_here, plan_overrides, notices: notices.clone() };
        let people = People::new(people, ttl, stale_max);
        let channel = match &settings.redis_url {
            Some(url) => {
                let (keys, virtual_keys) = (keys.clone(), virtual_keys.clone());
                let (configs, guardrails) = (configs.clone(), guardrails.clone());
                let people = people.clone();
                Some(Channel::new(url, notices, keys, virtual_keys, configs, guardrails, people)?)
            }
            None => None,
        };
        let unrecorded = Unrecorded::default();
        let recorder = Recorder::new(spool.clone(), unrecorded.clone());
        Ok(Self {
            base,
            vault,
            keys,
            virtual_keys,
            configs,
            guardrails,
            people,
            ledger,
            limiter,
            prices,
            answers,
            limits_ledger,
            recorder,
            unrecorded,
            spool,
            drain,
            folder,
            channel,
            needs_database: false,
        })
    }

    /// Not ready while the database does not answer: for a plane that can do nothing without.
    #[must_use]
    pub fn needing_database(self) -> Self {
        Self { needs_database: true, ..self }
    }

    /// Serves `mount` and the probes, ships what is recorded, and says that this process is there.
    ///
    /// # Errors
    /// Says which other process is in the way, or why it cannot listen; nothing is left running.
    pub async fn serve(
        self,
        mount: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
        on_connect: OnConnect,
    ) -> anyhow::Result<Running> {
        let Base { settings, clock, ids, db, telemetry, .. } = &self.base;
        let redis = settings.redis_url.as_ref().map(|_| Arc::clone(&self.ledger));
        let readiness = Readiness::of(&self.base).taking_in(self.spool.clone(), redis);
        let readiness = if self.needs_database { readiness.needing_database() } else { readiness };
        let readiness = Arc::new(readiness);
        let counts = if settings.redis_url.is_some() { Counts::Together } else { Counts::Alone };
        let process = processes::enter(db, clock, ids.fresh(), &self.folder, counts).await?;
        let server = match server::start(&self.base, mount, on_connect, Arc::clone(&readiness)) {
            Ok(server) => server,
            Err(error) => {
                process.leave().await?;
                return Err(error);
            }
        };
        let observed = Observed::of(db).taking_in(&self.spool, &self.keys, &self.unrecorded, &self.answers);
        let metrics = telemetry.metrics.clone();
        let ledgers = (self.ledger, self.limits_ledger);
        let shipper = spooling::shipper(
            settings,
            clock,
            db.clone(),
            self.drain,
            ledgers,
            self.prices,
            self.unrecorded,
            metrics,
        );
        let shipping = Shipping {
            recorder: self.recorder,
            spool: self.spool,
            shipper: Task::start(|stop| shipper.run(stop)),
            channel: self.channel.map(|channel| Task::start(|stop| channel.run(stop))),
            staying: Task::start(|stop| process.stay(stop)),
        };
        Ok(Running::new(self.base, server, readiness, observed, Some(shipping)))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[tokio::test]
    async fn a_second_process_on_a_data_folder_is_told_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { data_dir: folder.path().to_owned(), ..Settings::default() };
        let held = spooling::open_spool(&settings, &settings.data_dir.join("spool")).await.unwrap();
        let error =
            Intake::open(settings, Clock::system(), Telemetry::default(), "spool").await.err().unwrap();
        let text = format!("{error:#}");
        assert!(text.starts_with("one process at a time works on a data folder: stop the other"), "{text}");
        assert!(text.contains("is in use by another process"), "{text}");
        drop(held);
    }
}
