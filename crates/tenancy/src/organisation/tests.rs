#![expect(clippy::unwrap_used, reason = "tests")]
use secrecy::ExposeSecret as _;

use super::*;

async fn database() -> (DatabaseConnection, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let db = scratch::database(folder.path()).await;
    (db, folder)
}

fn new(name: &str, owner_email: &str) -> NewOrganisation {
    NewOrganisation { name: name.to_owned(), plan: Plan::Developer, owner_email: owner_email.to_owned() }
}

#[tokio::test]
async fn an_owner_of_two_organisations_keeps_the_first_password() {
    let (db, _folder) = database().await;
    let clock = Clock::system();
    let ids = Ids::new(clock.clone());
    let first = create(&db, &ids, &clock, new(" Acme ", "Owner@Example.com")).await.unwrap();
    let second = create(&db, &ids, &clock, new("Acme", "owner@example.com ")).await.unwrap();
    assert_eq!(first.owner_email, "owner@example.com");
    assert!(second.password.is_none());

    let owner = user::Entity::find().one(&db).await.unwrap().unwrap();
    assert!(password::verify(first.password.unwrap(), owner.password_hash).await.unwrap());
    let memberships = membership::Entity::find().all(&db).await.unwrap();
    assert_eq!(memberships.len(), 2);
    assert!(memberships.iter().all(|member| member.user_id == owner.id && member.role == "owner"));
    let organisations = organisation::Entity::find().all(&db).await.unwrap();
    assert_eq!(organisations.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["Acme", "Acme"]);
    assert_eq!(api_key::Entity::find().count(&db).await.unwrap(), 4);
    for row in api_key::Entity::find().all(&db).await.unwrap() {
        assert!(!format!("{row:?}").contains(&first.api_key.expose_secret()[12..]), "no secret is stored");
    }
}

#[tokio::test]
async fn what_is_wrong_is_named_and_leaves_nothing_behind() {
    let (db, _folder) = database().await;
    let clock = Clock::system();
    let ids = Ids::new(clock.clone());
    let long = "x".repeat(101);
    for (name, email, wrong) in [
        ("", "a@b.co", "name: empty"),
        ("  ", "a@b.co", "name: empty"),
        (long.as_str(), "a@b.co", "name: too long"),
        ("a\nb", "a@b.co", "name: a control character"),
        ("Acme", "", "owner_email: no @"),
        ("Acme", "a@", "owner_email: what follows"),
        ("Acme", "@b.co", "owner_email: not an address"),
        ("Acme", "a b@c.co", "owner_email: not an address"),
        ("Acme", "a@b@c.co", "owner_email: not an address"),
        ("Acme", "a@b..co", "owner_email: what follows"),
    ] {
        let error = create(&db, &ids, &clock, new(name, email)).await.unwrap_err();
        assert!(error.to_string().starts_with(wrong), "{error}");
    }
    assert!(create(&db, &ids, &clock, new(&"é".repeat(100), "admin@localhost")).await.is_ok());
    assert_eq!(organisation::Entity::find().count(&db).await.unwrap(), 1);
}

#[tokio::test]
async fn the_plan_of_an_organisation_that_is_not_there_cannot_be_set() {
    let (db, _folder) = database().await;
    let ids = Ids::new(Clock::system());
    let error = set_plan(&db, &ids, Uuid::nil(), Plan::Enterprise, 0).await.unwrap_err();
    assert!(matches!(error, Error::NotFound(id) if id.is_nil()));
}
