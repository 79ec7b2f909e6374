//! What every process has.

use std::sync::Arc;

use actix_web::web::ServiceConfig;
use clock::{Clock, Ids};
use sea_orm::DatabaseConnection;
use settings::Settings;

use crate::probes::Readiness;
use crate::{OnConnect, Running, place, server};

/// Settings, time, ids and the database. Clones share them.
#[derive(Clone)]
pub struct Base {
    pub settings: Settings,
    pub clock: Clock,
    pub ids: Ids,
    pub db: DatabaseConnection,
}

impl Base {
    /// Opens the database at this release's schema.
    ///
    /// # Errors
    /// Says what could not be had, and what to do about it.
    pub async fn open(settings: Settings, clock: Clock) -> anyhow::Result<Self> {
        let db = place::database(&settings).await?;
        Ok(Self { ids: Ids::new(clock.clone()), settings, clock, db })
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
        let server = server::start(&self.settings, mount, on_connect, Arc::clone(&readiness))?;
        Ok(Running::new(self, server, readiness, None))
    }
}
