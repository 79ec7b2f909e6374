#![expect(clippy::unwrap_used, reason = "tests")]
use clock::Ids;
use entity::membership;
use plans::{Overrides, Plan};
use sea_orm::{IntoActiveModel, Set};
use secrecy::{ExposeSecret as _, SecretString};

use super::*;
use crate::organisation::{Created, NewOrganisation, NewPlan, create, set_plan};
use crate::{KeyKind, Scope};

const TTL: Duration = Duration::from_secs(10);
const STALE_MAX: Duration = Duration::from_mins(15);

struct Fixture {
    keys: Keys,
    db: DatabaseConnection,
    clock: Clock,
    made: Created,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = scratch::database(folder.path()).await;
        let clock = Clock::starting_at(1_795_392_000_000);
        let new = NewOrganisation {
            name: "Acme".to_owned(),
            plan: Plan::Developer,
            owner_email: "owner@example.com".to_owned(),
        };
        let made = create(&db, &Ids::new(clock.clone()), &clock, new).await.unwrap();
        let overrides = PlanOverrides::from([(
            Plan::Developer,
            Overrides { included_logs: Some(20), ..Overrides::default() },
        )]);
        let keys = Keys::new(db.clone(), clock.clone(), TTL, STALE_MAX, overrides);
        Self { keys, db, clock, made, _folder: folder }
    }

    async fn identify(&self, secret: &SecretString) -> Result<Arc<Tenant>, IdentifyError> {
        self.keys.identify(secret.expose_secret()).await
    }

    async fn change(&self, change: impl FnOnce(&mut api_key::ActiveModel)) {
        let row = api_key::Entity::find()
            .filter(api_key::Column::Hash.eq(secret::hash(self.made.api_key.expose_secret()).to_vec()))
            .one(&self.db);
        let mut row = row.await.unwrap().unwrap().into_active_model();
        change(&mut row);
        row.update(&self.db).await.unwrap();
    }
}

#[tokio::test]
async fn a_key_identifies_its_tenant() {
    let f = Fixture::new().await;
    assert!(f.keys.cached(f.made.api_key.expose_secret()).is_none());
    let tenant = f.identify(&f.made.api_key).await.unwrap();
    assert_eq!(tenant.kind, KeyKind::WorkspaceService);
    assert_eq!(
        (tenant.organisation_id, tenant.workspace_id),
        (f.made.organisation_id, Some(f.made.workspace_uuid))
    );
    assert_eq!(tenant.workspace_slug.as_ref(), Some(&f.made.workspace_id));
    assert_eq!((tenant.plan, tenant.terms.included, tenant.retention_class), (Plan::Developer, Some(20), 3));
    assert!(tenant.scopes.has(Scope::CompletionsWrite) && !tenant.scopes.has(Scope::AuditLogsList));
    assert_eq!(f.keys.cached(f.made.api_key.expose_secret()), Some(tenant));

    let admin = f.identify(&f.made.admin_api_key).await.unwrap();
    assert_eq!((admin.kind, admin.workspace_id), (KeyKind::OrganisationService, None));
    assert!(!admin.scopes.has(Scope::CompletionsWrite) && admin.scopes.has(Scope::AuditLogsList));
    assert_eq!(admin.scope().workspace(), None);
}

#[tokio::test]
async fn who_has_no_key_is_nobody() {
    let f = Fixture::new().await;
    for secret in ["", "tpk_", &"x".repeat(10_000), &f.made.api_key.expose_secret()[..51]] {
        assert_eq!(f.keys.identify(secret).await, Err(IdentifyError::Unknown));
    }
}

#[tokio::test]
async fn a_key_expires_by_the_clock_even_while_it_is_fresh() {
    let f = Fixture::new().await;
    let at = f.clock.now_ms() + 5_000;
    f.change(|row| row.expires_at = Set(Some(at))).await;
    assert!(f.identify(&f.made.api_key).await.is_ok());
    f.clock.advance(Duration::from_secs(5));
    assert_eq!(f.identify(&f.made.api_key).await, Err(IdentifyError::Expired));
    assert!(f.keys.cached(f.made.api_key.expose_secret()).is_none());
}

#[tokio::test]
async fn an_archived_key_ends_at_once_when_told_and_after_its_time_when_not() {
    let f = Fixture::new().await;
    assert!(f.identify(&f.made.api_key).await.is_ok());
    f.change(|row| row.status = Set("archived".to_owned())).await;
    assert!(f.identify(&f.made.api_key).await.is_ok(), "nobody said so");
    f.clock.advance(TTL);
    assert_eq!(f.identify(&f.made.api_key).await, Err(IdentifyError::Unknown));

    f.change(|row| row.status = Set("active".to_owned())).await;
    f.keys.invalidate(&secret::hash(f.made.api_key.expose_secret()));
    assert!(f.identify(&f.made.api_key).await.is_ok());
}

#[tokio::test]
async fn a_change_of_plan_is_seen_when_told() {
    let f = Fixture::new().await;
    assert_eq!(f.identify(&f.made.api_key).await.unwrap().plan, Plan::Developer);
    let own = Overrides { log_retention_days: Some(7), ..Overrides::default() };
    let new = NewPlan { overrides: Some(own), ..Plan::Production.into() };
    let ids = Ids::new(f.clock.clone());
    set_plan(&f.db, &ids, f.made.organisation_id, new, f.clock.now_ms()).await.unwrap();
    f.keys.invalidate_organisation(f.made.organisation_id);
    let tenant = f.identify(&f.made.api_key).await.unwrap();
    assert_eq!((tenant.plan, tenant.retention_class), (Plan::Production, 7));
    assert_eq!(tenant.terms.limit(), Some(3_000_000));
}

#[tokio::test]
async fn without_a_database_a_known_key_works_on_and_an_unknown_one_is_not_turned_away() {
    let f = Fixture::new().await;
    let known = f.identify(&f.made.api_key).await.unwrap();
    f.db.clone().close().await.unwrap();
    assert_eq!(f.identify(&f.made.admin_api_key).await, Err(IdentifyError::Unavailable));
    assert_eq!(f.keys.identify("tpk_nobody").await, Err(IdentifyError::Unavailable));
    f.clock.advance(Duration::from_secs(15 * 60 - 1));
    assert_eq!(f.identify(&f.made.api_key).await, Ok(known));
    f.clock.advance(Duration::from_secs(1));
    assert_eq!(f.identify(&f.made.api_key).await, Err(IdentifyError::Unavailable));
}

#[tokio::test]
async fn a_former_secret_works_until_its_time_is_over_and_the_keys_at_the_latest() {
    let f = Fixture::new().await;
    let now_ms = f.clock.now_ms();
    let new = SecretString::from("tpk_new");
    let (hash, former) =
        (secret::hash("tpk_new").to_vec(), secret::hash(f.made.api_key.expose_secret()).to_vec());
    f.change(|row| {
        row.hash = Set(hash.clone());
        row.former_hash = Set(Some(former.clone()));
        row.former_until = Set(Some(now_ms + 5_000));
    })
    .await;
    let (tenant, same) = (f.identify(&new).await.unwrap(), f.identify(&f.made.api_key).await.unwrap());
    assert_eq!(tenant.api_key_id, same.api_key_id);
    assert_eq!((tenant.expires_at, same.expires_at), (None, Some(now_ms + 5_000)));
    f.clock.advance(Duration::from_secs(5));
    assert_eq!(f.identify(&f.made.api_key).await, Err(IdentifyError::Expired), "while it is fresh");
    f.clock.advance(TTL);
    assert_eq!(f.identify(&f.made.api_key).await, Err(IdentifyError::Unknown));
    assert!(f.identify(&new).await.is_ok());
}

#[tokio::test]
async fn a_persons_keys_in_an_organisation_are_archived_with_all_their_secrets() {
    let f = Fixture::new().await;
    let ids = Ids::new(f.clock.clone());
    let (person, other) = (ids.fresh(), ids.fresh());
    for user_id in [person, other] {
        let row = membership::Model {
            organisation_id: f.made.organisation_id,
            user_id,
            role: "admin".to_owned(),
            created_at: 0,
            last_updated_at: 0,
        };
        membership::Entity::insert(row.into_active_model()).exec_without_returning(&f.db).await.unwrap();
    }
    let mut secrets = Vec::new();
    for (user, organisation, is_archived) in [
        (person, f.made.organisation_id, true),
        (person, ids.fresh(), false),
        (other, f.made.organisation_id, false),
    ] {
        let mint = crate::Mint {
            organisation_id: organisation,
            workspace_id: Some(f.made.workspace_uuid),
            user_id: Some(user),
            kind: KeyKind::WorkspaceUser,
            name: "theirs".to_owned(),
            description: None,
            scopes: [Scope::CompletionsWrite].into_iter().collect(),
            defaults: None,
            expires_at: None,
            created_by: None,
        };
        let (row, secret) = mint.mint(&ids, f.clock.now_ms()).unwrap();
        let former = secret::hash(row.id.to_string().as_str()).to_vec();
        let row = api_key::Model { former_hash: Some(former.clone()), ..row };
        let hashes = [row.hash.clone(), former];
        api_key::Entity::insert(row.into_active_model()).exec_without_returning(&f.db).await.unwrap();
        secrets.push((secret, hashes, is_archived));
    }
    f.clock.advance(Duration::from_secs(1));
    let (now_ms, organisation) = (f.clock.now_ms(), f.made.organisation_id);
    let ended = archive_of_user(&f.db, organisation, person, now_ms).await.unwrap();
    let ended: Vec<Vec<u8>> = ended.into_iter().map(Vec::from).collect();
    for (_, hashes, is_archived) in &secrets {
        assert!(hashes.iter().all(|hash| ended.contains(hash) == *is_archived));
    }
    assert_eq!(ended.len(), 2);
    assert_eq!(f.identify(&secrets[0].0).await, Err(IdentifyError::Unknown));
    assert!(f.identify(&secrets[2].0).await.is_ok());
    let again = archive_of_user(&f.db, organisation, person, now_ms).await.unwrap();
    assert!(again.is_empty(), "it is safe to repeat");

    // Even a key that nobody archived ends with who it is of.
    membership::Entity::delete_many().exec(&f.db).await.unwrap();
    f.keys.invalidate_person(other);
    assert_eq!(f.identify(&secrets[2].0).await, Err(IdentifyError::Unknown));
}
