#![expect(clippy::unwrap_used, reason = "tests")]
use sea_orm::{IntoActiveModel, Set};

use super::*;
use crate::testing::{Fixture, TTL, scopes};

impl Fixture<Configs> {
    /// A version of the config `of`; its id.
    async fn version(&self, of: Uuid, text: &str) -> Uuid {
        let (id, organisation_id) = (self.ids.fresh(), self.own.organisation());
        let row = config_version::Model {
            id,
            config_id: of,
            organisation_id,
            workspace_id: self.own.workspace().unwrap(),
            content: self.vault.seal(&text.into(), context(organisation_id, id).as_bytes()).unwrap(),
            created_by: None,
            created_at: 0,
        };
        row.into_active_model().insert(&self.db).await.unwrap();
        id
    }

    async fn insert(&self, workspace_id: Uuid, slug: &str, text: &str) -> config::Model {
        let id = self.ids.fresh();
        let row = config::Model {
            id,
            organisation_id: self.own.organisation(),
            workspace_id,
            slug: slug.to_owned(),
            name: slug.to_owned(),
            is_default: false,
            status: "active".to_owned(),
            version_id: self.version(id, text).await,
            owner_id: None,
            updated_by: None,
            created_at: 0,
            last_updated_at: 0,
        };
        row.into_active_model().insert(&self.db).await.unwrap()
    }

    async fn error(&self, scope: &TenantScope, slug: &str) -> Option<ResolveError> {
        self.front.resolve(scope, slug).await.err()
    }
}

const ONE: &str = r#"{"provider":"openai","api_key":"sk-1","retry":{"attempts":1}}"#;

#[tokio::test]
async fn a_config_is_found_within_its_workspace_only() {
    let f = Fixture::over(Configs::new).await;
    f.insert(f.own.workspace().unwrap(), "pc-mine", ONE).await;
    f.insert(f.ids.fresh(), "pc-theirs", ONE).await;
    let [stranger, _] = scopes(&f.db, &f.ids, &f.clock).await;
    for (scope, slug, found) in [
        (&f.own, "pc-mine", true),
        (&f.own, "pc-theirs", false),
        (&f.own, "pc-nobodys", false),
        (&f.own, "pc-\0", false),
        (&f.admin, "pc-mine", true),
        (&f.admin, "pc-theirs", true),
        (&stranger, "pc-mine", false),
        (&stranger, "pc-theirs", false),
    ] {
        let expected = (!found).then_some(ResolveError::Unknown);
        assert_eq!(f.error(scope, slug).await, expected, "{scope:?} {slug}");
    }
}

#[tokio::test]
async fn a_change_is_seen_when_told_and_an_archived_config_is_told_from_an_unknown_one() {
    let f = Fixture::over(Configs::new).await;
    let row = f.insert(f.own.workspace().unwrap(), "pc-mine", ONE).await;
    let found = f.front.resolve(&f.own, "pc-mine").await.unwrap();
    assert_eq!((found.version_id, found.archived), (row.version_id, false));

    let version = f.version(row.id, r#"{"provider":"echo","retry":{"attempts":2}}"#).await;
    let mut change = row.into_active_model();
    change.version_id = Set(version);
    change.status = Set("archived".to_owned());
    change.update(&f.db).await.unwrap();
    assert_eq!(
        f.front.resolve(&f.own, "pc-mine").await.unwrap().version_id,
        found.version_id,
        "nobody said so"
    );
    f.front.invalidate(f.own.organisation(), "pc-mine");
    let found = f.front.resolve(&f.own, "pc-mine").await.unwrap();
    assert_eq!((found.version_id, found.archived), (version, true));
}

#[tokio::test]
async fn a_version_copied_to_another_row_and_one_that_is_no_config_do_not_open() {
    let f = Fixture::over(Configs::new).await;
    let workspace_id = f.own.workspace().unwrap();
    let one = f.insert(workspace_id, "pc-one", ONE).await;
    let two = f.insert(workspace_id, "pc-two", ONE).await;
    let find = |id| config_version::Entity::find_by_id(id).one(&f.db);
    let sealed = find(one.version_id).await.unwrap().unwrap().content;
    let mut copy = find(two.version_id).await.unwrap().unwrap().into_active_model();
    copy.content = Set(sealed);
    copy.update(&f.db).await.unwrap();
    f.insert(workspace_id, "pc-three", "[]").await;
    for slug in ["pc-two", "pc-three"] {
        assert_eq!(f.error(&f.own, slug).await, Some(ResolveError::Unavailable), "{slug}");
    }
}

#[tokio::test]
async fn without_a_database_a_known_config_works_on() {
    let f = Fixture::over(Configs::new).await;
    f.insert(f.own.workspace().unwrap(), "pc-mine", ONE).await;
    assert_eq!(f.error(&f.own, "pc-mine").await, None);
    f.db.clone().close().await.unwrap();
    f.clock.advance(TTL);
    assert_eq!(f.error(&f.own, "pc-mine").await, None);
    assert_eq!(f.error(&f.own, "pc-other").await, Some(ResolveError::Unavailable));
}
