#![expect(clippy::unwrap_used, reason = "tests")]
use sea_orm::{IntoActiveModel, Set};

use super::*;
use crate::testing::{Fixture, scopes};

impl Fixture<Guardrails> {
    /// A version of the guardrail `of`; its id.
    async fn version(&self, of: Uuid, text: &str) -> Uuid {
        let (id, organisation_id) = (self.ids.fresh(), self.own.organisation());
        let row = guardrail_version::Model {
            id,
            guardrail_id: of,
            organisation_id,
            content: self.vault.seal(&text.into(), context(organisation_id, id).as_bytes()).unwrap(),
            created_by: None,
            created_at: 0,
        };
        row.into_active_model().insert(&self.db).await.unwrap();
        id
    }

    async fn insert(&self, workspace_id: Option<Uuid>, slug: &str, text: &str) -> guardrail::Model {
        let id = self.ids.fresh();
        let row = guardrail::Model {
            id,
            organisation_id: self.own.organisation(),
            workspace_id,
            slug: slug.to_owned(),
            name: slug.to_owned(),
            status: "active".to_owned(),
            version_id: self.version(id, text).await,
            owner_id: None,
            updated_by: None,
            created_at: 0,
            last_updated_at: 0,
        };
        row.into_active_model().insert(&self.db).await.unwrap()
    }

    async fn error(&self, scope: &TenantScope, named: &str) -> Option<ResolveError> {
        self.front.resolve(scope, named).await.err()
    }
}

const ONE: &str = r#"{"checks":[{"id":"default.notNull"}],"actions":{"deny":true}}"#;

#[tokio::test]
async fn a_guardrail_is_found_within_its_workspace_and_the_organisations_by_every_workspace() {
    let f = Fixture::over(Guardrails::new).await;
    let mine = f.insert(f.own.workspace(), "pg-mine", ONE).await;
    f.insert(Some(f.ids.fresh()), "pg-theirs", ONE).await;
    f.insert(None, "pg-everybodys", ONE).await;
    let [stranger, _] = scopes(&f.db, &f.ids, &f.clock).await;
    let by_id = mine.id.to_string();
    for (scope, named, found) in [
        (&f.own, "pg-mine", true),
        (&f.own, by_id.as_str(), true),
        (&f.own, "pg-everybodys", true),
        (&f.own, "pg-theirs", false),
        (&f.own, "pg-nobodys", false),
        (&f.own, "pg-\0", false),
        (&f.admin, "pg-theirs", true),
        (&stranger, "pg-mine", false),
        (&stranger, by_id.as_str(), false),
        (&stranger, "pg-everybodys", false),
    ] {
        let expected = (!found).then_some(ResolveError::Unknown);
        assert_eq!(f.error(scope, named).await, expected, "{scope:?} {named}");
    }
}

#[tokio::test]
async fn a_change_is_seen_when_told_by_whatever_name_it_was_asked_for() {
    let f = Fixture::over(Guardrails::new).await;
    let row = f.insert(f.own.workspace(), "pg-mine", ONE).await;
    let names = ["pg-mine".to_owned(), row.id.to_string()];
    for name in &names {
        let found = f.front.resolve(&f.own, name).await.unwrap();
        assert!(found.guardrail.deny && !found.archived);
        assert_eq!(found.guardrail.id.as_deref(), Some("pg-mine"));
    }
    let version =
        f.version(row.id, r#"{"checks":[{"id":"default.notNull"}],"actions":{"deny":false}}"#).await;
    let mut change = row.into_active_model();
    change.version_id = Set(version);
    change.status = Set("archived".to_owned());
    change.update(&f.db).await.unwrap();
    for name in &names {
        assert!(!f.front.resolve(&f.own, name).await.unwrap().archived, "nobody said so");
    }
    f.front.invalidate(f.own.organisation(), "pg-mine");
    for name in &names {
        let found = f.front.resolve(&f.own, name).await.unwrap();
        assert!(!found.guardrail.deny && found.archived);
    }
}

#[tokio::test]
async fn a_version_copied_to_another_row_and_one_that_is_no_guardrail_do_not_open() {
    let f = Fixture::over(Guardrails::new).await;
    let one = f.insert(f.own.workspace(), "pg-one", ONE).await;
    let two = f.insert(f.own.workspace(), "pg-two", ONE).await;
    let find = |id| guardrail_version::Entity::find_by_id(id).one(&f.db);
    let sealed = find(one.version_id).await.unwrap().unwrap().content;
    let mut copy = find(two.version_id).await.unwrap().unwrap().into_active_model();
    copy.content = Set(sealed);
    copy.update(&f.db).await.unwrap();
    f.insert(f.own.workspace(), "pg-three", "[]").await;
    f.insert(f.own.workspace(), "pg-four", r#"{"checks":[{"id":"default.nope"}],"actions":{}}"#).await;
    for slug in ["pg-two", "pg-three", "pg-four"] {
        assert_eq!(f.error(&f.own, slug).await, Some(ResolveError::Unavailable), "{slug}");
    }
}
