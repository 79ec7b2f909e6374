//! What every process has.

use std::sync::Arc;

use actix_web::web::ServiceConfig;
use clock::{Clock, Ids};
use sea_orm::DatabaseConnection;
use settings::Settings;
use telemetry::Telemetry;
use vault::Vault;

use crate::observed::Observed;
use crate::probes::Readiness;
use crate::{OnConnect, Running, place, server};

/// Settings, time, ids, the database, the vault, and what is measured and traced with. Clones share them.
#[derive(Clone)]
pub struct Base {
    pub settings: Settings,
    pub clock: Clock,
    pub ids: Ids,
    pub db: DatabaseConnection,
    pub vault: Vault,
    pub telemetry: Telemetry,
}

impl Base {
    /// Opens the database at this release's schema.
    ///
    /// # Errors
    /// Says what could not be had, and what to do about it.
    pub async fn open(settings: Settings, clock: Clock, telemetry: Telemetry) -> anyhow::Result<Self> {
        let db = place::database(&settings).await?;
        let vault = place::vault(&settings)?;
        Ok(Self { ids: Ids::new(clock.clone()), settings, clock, db, vault, telemetry })
    }

    /// Serves `mount` and the probes; ready while the database answers.
    ///
    /// # Errors
    /// Says why it cannot listen.
    pub fn serve(
        self,
        mount: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
        on_connect: OnConnect,
    ) -> anyhow::Result<Running> {
        let readiness = Arc::new(Readiness::of(&self).needing_database());
        let observed = Observed::of(&self.db);
        let server = server::start(&self, mount, on_connect, Arc::clone(&readiness))?;
        Ok(Running::new(self, server, readiness, observed, None))
    }
}
