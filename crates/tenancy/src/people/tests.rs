#![expect(clippy::unwrap_used, reason = "tests")]

mod tokens;

use std::net::Ipv4Addr;

use plans::Plan;
use sea_orm::{IntoActiveModel as _, Set};
use secrecy::ExposeSecret as _;
use vault::MasterKey;

use super::*;
use crate::organisation::{Created, NewOrganisation, create};
use crate::{KeyKind, Scope, WorkspaceRole};
use entity::membership;

const TTL: Duration = Duration::from_secs(10);
const STALE_MAX: Duration = Duration::from_mins(15);
const EMAIL: &str = "owner@example.com";

struct Fixture {
    people: People,
    parts: PeopleParts,
    made: Created,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = scratch::database(folder.path()).await;
        let clock = Clock::starting_at(1_795_392_000_000);
        let ids = Ids::new(clock.clone());
        let vault = Vault::new(MasterKey::generate().unwrap());
        let parts = PeopleParts {
            db,
            clock,
            ids,
            vault,
            plan_overrides: PlanOverrides::new(),
            notices: Notices::none(),
        };
        let made = organisation(&parts).await;
        Self { people: People::new(parts.clone(), TTL, STALE_MAX), parts, made, _folder: folder }
    }

    /// As another process of the same installation has it.
    fn elsewhere(&self) -> People {
        People::new(self.parts.clone(), TTL, STALE_MAX)
    }

    fn password(&self) -> &str {
        self.made.password.as_ref().unwrap().expose_secret()
    }

    async fn try_sign_in(
        &self,
        email: &str,
        password: &str,
        organisation_id: Option<Uuid>,
    ) -> Result<SignedIn, PeopleError> {
        self.people
            .sign_in(SignIn {
                email: email.to_owned(),
                password: SecretString::from(password),
                organisation_id,
                address: Ipv4Addr::LOCALHOST.into(),
                user_agent: Some("x".repeat(1000)),
            })
            .await
    }

    async fn sign_in(&self) -> SignedIn {
        self.try_sign_in(EMAIL, self.password(), None).await.unwrap()
    }

    async fn identify(&self, signed_in: &SignedIn) -> Result<Person, IdentifyError> {
        self.people.identify(signed_in.access_token.expose_secret()).await
    }

    async fn join(&self, workspace_id: Uuid, user_id: Uuid, role: &str) {
        let row = entity::workspace_member::Model {
            workspace_id,
            user_id,
            organisation_id: self.made.organisation_id,
            role: role.to_owned(),
            created_at: 0,
            last_updated_at: 0,
        };
        let row = entity::workspace_member::Entity::insert(row.into_active_model());
        row.exec_without_returning(&self.parts.db).await.unwrap();
    }

    async fn become_a(&self, role: &str) {
        let rows = membership::Entity::find().all(&self.parts.db).await.unwrap();
        for mut row in rows.into_iter().map(membership::Model::into_active_model) {
            row.role = Set(role.to_owned());
            row.update(&self.parts.db).await.unwrap();
        }
    }
}

async fn organisation(parts: &PeopleParts) -> Created {
    let new =
        NewOrganisation { name: "Acme".to_owned(), plan: Plan::Developer, owner_email: EMAIL.to_owned() };
    create(&parts.db, &parts.ids, &parts.clock, new).await.unwrap()
}

fn refused<T>(outcome: Result<T, PeopleError>) -> bool {
    outcome.is_err_and(|error| matches!(error, PeopleError::Refused))
}

fn waits<T>(outcome: Result<T, PeopleError>) -> Option<i64> {
    match outcome.err()? {
        PeopleError::TooSoon { wait_ms } => Some(wait_ms),
        _ => None,
    }
}

#[tokio::test]
async fn who_signs_in_reads_as_their_role_lets_them() {
    let f = Fixture::new().await;
    let signed_in = f.try_sign_in(" Owner@Example.COM ", f.password(), None).await.unwrap();
    assert_eq!((signed_in.role, signed_in.organisation_id), (Role::Owner, f.made.organisation_id));
    assert_eq!((signed_in.email.as_str(), signed_in.name.as_str()), (EMAIL, EMAIL));
    let person = f.identify(&signed_in).await.unwrap();
    let tenant = &person.tenant;
    assert_eq!((tenant.user_id, tenant.api_key_id), (Some(signed_in.user_id), None));
    assert_eq!((tenant.kind, tenant.scope().workspace()), (KeyKind::OrganisationService, None));
    assert!(tenant.scopes.has(Scope::AuditLogsList) && !tenant.scopes.has(Scope::CompletionsWrite));
    let row = entity::session::Entity::find_by_id(person.session_id).one(&f.parts.db).await.unwrap().unwrap();
    assert_eq!(row.user_agent.unwrap().len(), 256);

    // What the role is now counts, not what the token says.
    f.become_a("member").await;
    f.parts.clock.advance(TTL);
    let nowhere = f.identify(&signed_in).await.unwrap().tenant;
    assert!(nowhere.scope().is_nowhere() && nowhere.scopes.is_empty());
    f.join(f.made.workspace_uuid, signed_in.user_id, "member").await;
    f.parts.clock.advance(TTL);
    let member = f.identify(&signed_in).await.unwrap().tenant;
    assert_eq!(member.scope().workspace(), Some(f.made.workspace_uuid));
    assert_eq!(member.workspace_slug.as_ref(), Some(&f.made.workspace_id));
    assert_eq!(member.scopes, WorkspaceRole::Member.scopes());
    membership::Entity::delete_many().exec(&f.parts.db).await.unwrap();
    f.parts.clock.advance(TTL);
    assert_eq!(f.identify(&signed_in).await.unwrap_err(), IdentifyError::Unknown);
    assert!(refused(f.people.refresh(signed_in.refresh_token).await), "no member any more");
}

#[tokio::test]
async fn whatever_is_wrong_the_answer_is_the_same() {
    let f = Fixture::new().await;
    let other = f.parts.ids.fresh();
    for (email, password, organisation) in [
        (EMAIL, "wrong", None),
        ("nobody@example.com", "wrong", None),
        ("nobody@example.com", f.password(), Some(f.made.organisation_id)),
        (EMAIL, f.password(), Some(other)),
        ("", "", None),
    ] {
        assert!(refused(f.try_sign_in(email, password, organisation).await), "{email} {password}");
    }
}

#[tokio::test]
async fn who_is_in_several_organisations_names_one() {
    let f = Fixture::new().await;
    let second = organisation(&f.parts).await;
    assert!(second.password.is_none());
    let Err(PeopleError::WhichOrganisation(ids)) = f.try_sign_in(EMAIL, f.password(), None).await else {
        unreachable!("it chose one by itself")
    };
    assert_eq!(ids.len(), 2);
    for id in ids {
        let signed_in = f.try_sign_in(EMAIL, f.password(), Some(id)).await.unwrap();
        assert_eq!(f.identify(&signed_in).await.unwrap().tenant.organisation_id, id);
    }
}

#[tokio::test]
async fn failures_make_an_account_wait_longer_and_longer_across_restarts_and_until_success() {
    let f = Fixture::new().await;
    // The account's own last: what follows has to come within its wait, and the clock goes on with the time.
    for email in ["nobody@example.com", EMAIL] {
        for _ in 0..5 {
            assert!(refused(f.try_sign_in(email, "wrong", None).await), "{email}");
        }
        for wait_s in [1, 2, 4, 8] {
            f.parts.clock.advance(Duration::from_secs(wait_s));
            assert!(refused(f.try_sign_in(email, "wrong", None).await), "{email} {wait_s}");
        }
        // Long enough for a busy machine to ask within it.
        let wait_ms = waits(f.try_sign_in(email, f.password(), None).await);
        assert!(wait_ms.is_some_and(|ms| (1..=16_000).contains(&ms)), "{email} {wait_ms:?}");
    }
    let attempt = SignIn {
        email: EMAIL.to_owned(),
        password: f.password().into(),
        organisation_id: None,
        address: Ipv4Addr::new(192, 0, 2, 1).into(),
        user_agent: None,
    };
    let elsewhere = f.elsewhere();
    assert!(waits(elsewhere.sign_in(attempt.clone()).await).is_some(), "a restart forgets nothing");
    f.parts.clock.advance(Duration::from_secs(16));
    elsewhere.sign_in(attempt.clone()).await.unwrap();
    for _ in 0..4 {
        assert!(refused(elsewhere.sign_in(SignIn { password: "wrong".into(), ..attempt.clone() }).await));
    }
    elsewhere.sign_in(attempt).await.unwrap();
}

#[tokio::test]
async fn a_thousand_guesses_at_once_are_no_way_round_the_wait() {
    let f = Fixture::new().await;
    let guess = |n: u8| {
        let people = f.people.clone();
        let address = Ipv4Addr::new(192, 0, 2, n).into();
        let sign_in = SignIn {
            email: EMAIL.to_owned(),
            password: "wrong".into(),
            organisation_id: None,
            address,
            user_agent: None,
        };
        tokio::spawn(async move { people.sign_in(sign_in).await })
    };
    let mut looked_at = 0;
    let guesses: Vec<_> = (0..30).map(guess).collect();
    for outcome in guesses {
        looked_at += usize::from(refused(outcome.await.unwrap()));
    }
    // Some may come so late that a wait is over.
    assert!((5..10).contains(&looked_at), "{looked_at}");
}

#[tokio::test]
async fn an_address_waits_whichever_accounts_it_tries() {
    let f = Fixture::new().await;
    for (n, wait_s) in [0; 20].into_iter().chain([1, 2, 4, 8]).enumerate() {
        f.parts.clock.advance(Duration::from_secs(wait_s));
        assert!(refused(f.try_sign_in(&format!("nobody-{n}@example.com"), "wrong", None).await));
    }
    assert!(waits(f.try_sign_in(EMAIL, f.password(), None).await).is_some());
    f.parts.clock.advance(Duration::from_secs(16));
    f.sign_in().await;
}

#[tokio::test]
async fn a_new_password_takes_the_old_ones_place_and_ends_the_other_sessions() {
    let f = Fixture::new().await;
    let (here, there) = (f.sign_in().await, f.sign_in().await);
    let (person, _) = (f.identify(&here).await.unwrap(), f.identify(&there).await.unwrap());
    let new = "correct horse battery staple";
    let change = |current: &str| f.people.change_password(&person, current.into(), new.into(), None);
    assert!(refused(change("wrong").await));
    change(f.password()).await.unwrap();
    assert!(f.identify(&here).await.is_ok());
    assert_eq!(f.identify(&there).await.unwrap_err(), IdentifyError::Unknown);
    assert!(refused(f.people.refresh(there.refresh_token).await));
    f.people.refresh(here.refresh_token).await.unwrap();
    assert!(refused(f.try_sign_in(EMAIL, f.password(), None).await));
    f.try_sign_in(EMAIL, new, None).await.unwrap();

    // Guessing by way of the change makes the account wait too.
    for wait_s in [0, 0, 0, 0, 0, 1, 2, 4, 8] {
        f.parts.clock.advance(Duration::from_secs(wait_s));
        assert!(refused(change("wrong").await));
    }
    assert!(waits(change(new).await).is_some());
}

#[tokio::test]
async fn without_a_database_nobody_is_turned_away_and_who_is_signed_in_reads_on() {
    let f = Fixture::new().await;
    let signed_in = f.sign_in().await;
    f.identify(&signed_in).await.unwrap();
    f.parts.db.clone().close().await.unwrap();
    f.parts.clock.advance(TTL);
    assert!(f.identify(&signed_in).await.is_ok());
    let unknown = f.elsewhere().identify(signed_in.access_token.expose_secret()).await;
    assert_eq!(unknown.unwrap_err(), IdentifyError::Unavailable);
    assert!(matches!(f.try_sign_in(EMAIL, "wrong", None).await, Err(PeopleError::Database(_))));
    assert!(matches!(f.people.refresh(signed_in.refresh_token).await, Err(PeopleError::Database(_))));
}
