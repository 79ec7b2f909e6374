#![expect(clippy::unwrap_used, reason = "tests")]
use clock::Ids;
use entity::workspace;
use plans::Plan;
use sea_orm::{IntoActiveModel, Set};
use secrecy::ExposeSecret as _;
use vault::MasterKey;

use super::*;
use crate::organisation::{NewOrganisation, create};
use crate::{Keys, PlanOverrides};

const TTL: Duration = Duration::from_secs(10);
const STALE_MAX: Duration = Duration::from_mins(15);

struct Fixture {
    virtual_keys: VirtualKeys,
    db: DatabaseConnection,
    clock: Clock,
    ids: Ids,
    vault: Vault,
    /// Of a workspace and of its whole organisation.
    own: TenantScope,
    admin: TenantScope,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = scratch::database(folder.path()).await;
        let clock = Clock::system();
        let ids = Ids::new(clock.clone());
        let vault = Vault::new(MasterKey::generate().unwrap());
        let [own, admin] = scopes(&db, &ids, &clock).await;
        let virtual_keys = VirtualKeys::new(db.clone(), clock.clone(), vault.clone(), TTL, STALE_MAX);
        Self { virtual_keys, db, clock, ids, vault, own, admin, _folder: folder }
    }

    async fn insert(&self, workspace_id: Uuid, slug: &str) -> virtual_key::Model {
        let id = self.ids.fresh();
        let organisation_id = self.own.organisation();
        let sealed = self.vault.seal(&"sk-1".into(), context(organisation_id, id).as_bytes()).unwrap();
        let row = virtual_key::Model {
            id,
            organisation_id,
            workspace_id,
            slug: slug.to_owned(),
            name: slug.to_owned(),
            provider: "openai".to_owned(),
            secret: sealed,
            hint: String::new(),
            custom_host: None,
            extras: None,
            model_config: None,
            models: None,
            expires_at: None,
            note: None,
            status: "active".to_owned(),
            created_at: 0,
            last_updated_at: 0,
        };
        row.into_active_model().insert(&self.db).await.unwrap()
    }
}

async fn scopes(db: &DatabaseConnection, ids: &Ids, clock: &Clock) -> [TenantScope; 2] {
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

#[tokio::test]
async fn a_virtual_key_is_found_within_its_workspace_only() {
    let f = Fixture::new().await;
    let workspace_id = f.own.workspace().unwrap();
    f.insert(workspace_id, "mine").await;
    let other = workspace::Entity::find().one(&f.db).await.unwrap().unwrap();
    let other =
        workspace::Model { id: f.ids.fresh(), slug: "ws-other".to_owned(), is_default: false, ..other };
    f.insert(other.into_active_model().insert(&f.db).await.unwrap().id, "theirs").await;
    let [stranger, _] = scopes(&f.db, &f.ids, &f.clock).await;

    let key = f.virtual_keys.resolve(&f.own, "mine").await.unwrap();
    assert_eq!((key.provider.as_str(), key.secret.expose_secret()), ("openai", "sk-1"));
    for (scope, slug, found) in [
        (f.own, "theirs", false),
        (f.own, "nobodys", false),
        (f.admin, "mine", true),
        (f.admin, "theirs", true),
        (stranger, "mine", false),
        (stranger, "theirs", false),
    ] {
        assert_eq!(f.virtual_keys.resolve(&scope, slug).await.is_ok(), found, "{scope:?} {slug}");
    }
    let names = async |scope| {
        let keys = f.virtual_keys.list(&scope).await.unwrap();
        let mut names: Vec<String> = keys.into_iter().map(|key| key.slug).collect();
        names.sort();
        names
    };
    assert_eq!(names(f.own).await, ["mine"]);
    assert_eq!(names(f.admin).await, ["mine", "theirs"]);
    assert!(names(stranger).await.is_empty());
}

#[tokio::test]
async fn an_archived_virtual_key_is_told_from_an_unknown_one() {
    let f = Fixture::new().await;
    let mut row = f.insert(f.own.workspace().unwrap(), "mine").await.into_active_model();
    assert!(!f.virtual_keys.resolve(&f.own, "mine").await.unwrap().archived);
    row.status = Set("archived".to_owned());
    row.update(&f.db).await.unwrap();
    f.virtual_keys.invalidate(f.own.organisation(), "mine");
    assert!(f.virtual_keys.resolve(&f.own, "mine").await.unwrap().archived);
    assert!(f.virtual_keys.list(&f.own).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_secret_copied_to_another_row_does_not_open() {
    let f = Fixture::new().await;
    let workspace_id = f.own.workspace().unwrap();
    let sealed = f.insert(workspace_id, "one").await.secret;
    let mut row = f.insert(workspace_id, "two").await.into_active_model();
    row.secret = Set(sealed);
    row.update(&f.db).await.unwrap();
    assert_eq!(f.virtual_keys.resolve(&f.own, "two").await.unwrap_err(), ResolveError::Unavailable);
    assert_eq!(f.virtual_keys.list(&f.own).await.unwrap().len(), 1);
}

#[tokio::test]
async fn without_a_database_a_known_virtual_key_works_on() {
    let f = Fixture::new().await;
    f.insert(f.own.workspace().unwrap(), "mine").await;
    f.virtual_keys.resolve(&f.own, "mine").await.unwrap();
    f.db.clone().close().await.unwrap();
    f.clock.advance(TTL);
    assert!(f.virtual_keys.resolve(&f.own, "mine").await.is_ok());
    assert_eq!(f.virtual_keys.resolve(&f.own, "other").await.unwrap_err(), ResolveError::Unavailable);
    assert_eq!(f.virtual_keys.list(&f.own).await.unwrap_err(), ResolveError::Unavailable);
}
