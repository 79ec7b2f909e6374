//! What the tests of the fronts over [`crate::cache`] have in common.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use clock::{Clock, Ids};
use plans::Plan;
use sea_orm::DatabaseConnection;
use secrecy::ExposeSecret as _;
use vault::{MasterKey, Vault};

use crate::organisation::{NewOrganisation, create};
use crate::{Keys, PlanOverrides, TenantScope};

pub(crate) const TTL: Duration = Duration::from_secs(10);
pub(crate) const STALE_MAX: Duration = Duration::from_mins(15);

/// A front on a database of its own, with an organisation in it.
pub(crate) struct Fixture<T> {
    pub front: T,
    pub db: DatabaseConnection,
    pub clock: Clock,
    pub ids: Ids,
    pub vault: Vault,
    /// Of a workspace and of its whole organisation.
    pub own: TenantScope,
    pub admin: TenantScope,
    _folder: tempfile::TempDir,
}

impl<T> Fixture<T> {
    pub async fn over(make: fn(DatabaseConnection, Clock, Vault, Duration, Duration) -> T) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = scratch::database(folder.path()).await;
        let clock = Clock::system();
        let ids = Ids::new(clock.clone());
        let vault = Vault::new(MasterKey::generate().unwrap());
        let [own, admin] = scopes(&db, &ids, &clock).await;
        let front = make(db.clone(), clock.clone(), vault.clone(), TTL, STALE_MAX);
        Self { front, db, clock, ids, vault, own, admin, _folder: folder }
    }
}

/// Of a new organisation: its workspace's and all of it.
pub(crate) async fn scopes(db: &DatabaseConnection, ids: &Ids, clock: &Clock) -> [TenantScope; 2] {
    let new = NewOrganisation {
        name: "Acme".to_owned(),
        plan: Plan::Developer,
        owner_email: "o@example.com".to_owned(),
    };
    let made = create(db, ids, clock, new).await.unwrap();
    let keys = Keys::new(db.clone(), clock.clone(), TTL, STALE_MAX, PlanOverrides::new());
    let own = keys.identify(made.api_key.expose_secret()).await.unwrap().scope();
    [own, keys.identify(made.admin_api_key.expose_secret()).await.unwrap().scope()]
}
