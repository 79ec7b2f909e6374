#![expect(clippy::unwrap_used, reason = "tests")]
use entity::workspace;
use sea_orm::{IntoActiveModel, Set};
use secrecy::ExposeSecret as _;

use super::*;
use crate::testing::{Fixture, TTL, scopes};

impl Fixture<VirtualKeys> {
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

#[tokio::test]
async fn a_virtual_key_is_found_within_its_workspace_only() {
    let f = Fixture::over(VirtualKeys::new).await;
    let workspace_id = f.own.workspace().unwrap();
    f.insert(workspace_id, "mine").await;
    let other = workspace::Entity::find().one(&f.db).await.unwrap().unwrap();
    let other =
        workspace::Model { id: f.ids.fresh(), slug: "ws-other".to_owned(), is_default: false, ..other };
    f.insert(other.into_active_model().insert(&f.db).await.unwrap().id, "theirs").await;
    let [stranger, _] = scopes(&f.db, &f.ids, &f.clock).await;

    let key = f.front.resolve(&f.own, "mine").await.unwrap();
    assert_eq!((key.provider.as_str(), key.secret.expose_secret()), ("openai", "sk-1"));
    for (scope, slug, found) in [
        (&f.own, "theirs", false),
        (&f.own, "nobodys", false),
        (&f.admin, "mine", true),
        (&f.admin, "theirs", true),
        (&stranger, "mine", false),
        (&stranger, "theirs", false),
    ] {
        assert_eq!(f.front.resolve(scope, slug).await.is_ok(), found, "{scope:?} {slug}");
    }
    let names = async |scope| {
        let keys = f.front.list(&scope).await.unwrap();
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
    let f = Fixture::over(VirtualKeys::new).await;
    let mut row = f.insert(f.own.workspace().unwrap(), "mine").await.into_active_model();
    assert!(!f.front.resolve(&f.own, "mine").await.unwrap().archived);
    row.status = Set("archived".to_owned());
    row.update(&f.db).await.unwrap();
    f.front.invalidate(f.own.organisation(), "mine");
    assert!(f.front.resolve(&f.own, "mine").await.unwrap().archived);
    assert!(f.front.list(&f.own).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_secret_copied_to_another_row_does_not_open() {
    let f = Fixture::over(VirtualKeys::new).await;
    let workspace_id = f.own.workspace().unwrap();
    let sealed = f.insert(workspace_id, "one").await.secret;
    let mut row = f.insert(workspace_id, "two").await.into_active_model();
    row.secret = Set(sealed);
    row.update(&f.db).await.unwrap();
    assert_eq!(f.front.resolve(&f.own, "two").await.unwrap_err(), ResolveError::Unavailable);
    assert_eq!(f.front.list(&f.own).await.unwrap().len(), 1);
}

#[tokio::test]
async fn without_a_database_a_known_virtual_key_works_on() {
    let f = Fixture::over(VirtualKeys::new).await;
    f.insert(f.own.workspace().unwrap(), "mine").await;
    f.front.resolve(&f.own, "mine").await.unwrap();
    f.db.clone().close().await.unwrap();
    f.clock.advance(TTL);
    assert!(f.front.resolve(&f.own, "mine").await.is_ok());
    assert_eq!(f.front.resolve(&f.own, "other").await.unwrap_err(), ResolveError::Unavailable);
    assert_eq!(f.front.list(&f.own).await.unwrap_err(), ResolveError::Unavailable);
}
