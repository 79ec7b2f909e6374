use std::sync::Arc;
use std::time::Duration;

use actix_web::body::MessageBody as _;
use actix_web::http::Method;
use actix_web::{App, test};
use clock::{Clock, Ids};
use egress::Reach;
use entity::{api_key, audit_entry, workspace};
use plans::Plan;
use recorder::{Recorder, Shipper, Unrecorded};
use sea_orm::prelude::*;
use sea_orm::{DatabaseConnection, IntoActiveModel, QueryOrder};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tenancy::notices::Notices;
use tenancy::organisation::{Created, NewOrganisation, create};
use tenancy::{
    Configs, Guardrails, KeyKind, Keys, Mint, People, PeopleParts, PlanOverrides, Scope, Scopes, VirtualKeys,
};
use vault::{MasterKey, Vault};

use crate::{Api, Parts};

/// 2026-11-23T00:00:00Z.
pub const NOW: i64 = 1_795_392_000_000;

pub struct Fixture {
    pub api: Api,
    pub db: DatabaseConnection,
    pub clock: Clock,
    pub made: Created,
    shipper: Shipper,
    _folder: tempfile::TempDir,
}

/// A status and a JSON body.
pub type Answer = (u16, Value);

impl Fixture {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = scratch::database(folder.path()).await;
        let clock = Clock::starting_at(NOW);
        let ids = Ids::new(clock.clone());
        let vault = Vault::new(MasterKey::generate().unwrap());
        let (ttl, stale_max) = (Duration::from_secs(10), Duration::from_mins(15));
        let (spool, drain) = spool::open(spool::Options::new(folder.path().join("spool"), 64 << 20)).unwrap();
        let unrecorded = Unrecorded::default();
        let prices = pricing::Current::new(Duration::from_mins(1));
        let shipper = Shipper::new(recorder::Parts {
            drain,
            db: db.clone(),
            ledger: Arc::new(quota::Embedded::new()),
            limits: Arc::new(limits::Embedded::new()),
            clock: clock.clone(),
            terms: Arc::new(|organisation, now_ms| {
                tenancy::terms(organisation, &PlanOverrides::new(), now_ms).unwrap().1
            }),
            prices: prices.clone(),
            unrecorded: unrecorded.clone(),
            options: recorder::Options {
                batch_records: 100,
                batch_bytes: 1 << 20,
                linger: Duration::ZERO,
                searchable: true,
            },
            metrics: telemetry::Metrics::default(),
        });
        let people = PeopleParts {
            notices: Notices::none(),
            db: db.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            vault: vault.clone(),
            plan_overrides: PlanOverrides::new(),
        };
        let api = Api::new(Parts {
            people: People::new(people, ttl, stale_max),
            db: db.clone(),
            clock: clock.clone(),
            ids,
            keys: Keys::new(db.clone(), clock.clone(), ttl, stale_max, PlanOverrides::new()),
            virtual_keys: VirtualKeys::new(db.clone(), clock.clone(), vault.clone(), ttl, stale_max),
            guardrails: Guardrails::new(db.clone(), clock.clone(), vault.clone(), ttl, stale_max),
            configs: Configs::new(db.clone(), clock.clone(), vault.clone(), ttl, stale_max),
            vault,
            plan_overrides: PlanOverrides::new(),
            recorder: Recorder::new(spool, unrecorded),
            prices,
            reach: Reach::Loopback,
            trust_forwarded_for: false,
            public_url: "https://turnpike.example".to_owned(),
            sends_mail: false,
            stripe_webhook_secret: None,
            max_payload_bytes: 1_000,
            text_index: true,
            operator_token: None,
            telemetry: telemetry::Telemetry::default(),
            gateway: std::sync::Arc::new(crate::GatewayClient::new(None).unwrap()),
        });
        let made = organisation(&api).await;
        Self { api, db, clock, made, shipper, _folder: folder }
    }

    pub async fn organisation(&self) -> Created {
        organisation(&self.api).await
    }

    /// A key of the fixture's organisation that has these scopes only.
    pub async fn key(&self, kind: KeyKind, scopes: &[Scope]) -> SecretString {
        let mint = Mint {
            organisation_id: self.made.organisation_id,
            workspace_id: (kind != KeyKind::OrganisationService).then_some(self.made.workspace_uuid),
            user_id: None,
            kind,
            name: "scoped".to_owned(),
            description: None,
            scopes: scopes.iter().copied().collect::<Scopes>(),
            defaults: None,
            expires_at: None,
            created_by: None,
        };
        let (row, secret) = mint.mint(&self.api.ids, self.clock.now_ms()).unwrap();
        api_key::Entity::insert(row.into_active_model()).exec_without_returning(&self.db).await.unwrap();
        secret
    }

    /// A second workspace of the fixture's organisation.
    pub async fn workspace(&self, slug: &str) -> workspace::Model {
        let row = workspace::Model {
            id: self.api.ids.fresh(),
            organisation_id: self.made.organisation_id,
            slug: slug.to_owned(),
            name: slug.to_owned(),
            is_default: false,
            created_at: NOW,
            description: None,
            defaults: None,
            status: "active".to_owned(),
            created_by: None,
            last_updated_at: NOW,
        };
        row.into_active_model().insert(&self.db).await.unwrap()
    }

    /// A moment later, so that what comes next is told from what was before.
    pub fn later(&self) {
        self.clock.advance(Duration::from_millis(1));
    }

    /// What was written down of a thing, in order: what was done, and the change.
    pub async fn audited(&self, subject: &str) -> Vec<(String, Value)> {
        let entries = audit_entry::Entity::find()
            .filter(audit_entry::Column::Subject.eq(subject))
            .order_by_asc(audit_entry::Column::CreatedAt)
            .all(&self.db);
        entries.await.unwrap().into_iter().map(|entry| (entry.action, entry.change)).collect()
    }

    /// Brings what was recorded into the store.
    pub async fn ship(&mut self) {
        self.shipper.drain_now().await.unwrap();
    }

    pub async fn call(&self, method: &str, path: &str, key: &SecretString, body: Option<Value>) -> Answer {
        let body = body.map(|body| body.to_string());
        self.send(method, path, &[("x-portkey-api-key", key.expose_secret())], body.as_deref()).await
    }

    /// The key of the organisation that may call the route, where one of a workspace may hold no scope that opens it.
    pub fn key_to(&self, route: &crate::Route) -> &SecretString {
        if matches!(route.access, crate::Access::OwnerOr(_)) {
            return &self.made.admin_api_key;
        }
        let (crate::Access::AnyOf(scopes) | crate::Access::AllOf(scopes)) = route.access else {
            return &self.made.api_key;
        };
        let of_workspace = scopes.iter().any(|scope| KeyKind::WorkspaceService.may_hold(*scope));
        if of_workspace { &self.made.api_key } else { &self.made.admin_api_key }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &self.made.api_key, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, &self.made.api_key, Some(body)).await
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Answer {
        let api = self.api.clone();
        let app = test::init_service(App::new().configure(|config| crate::configure(config, api))).await;
        let mut request =
            test::TestRequest::with_uri(path).method(Method::from_bytes(method.as_bytes()).unwrap());
        for header in headers {
            request = request.insert_header(*header);
        }
        if let Some(body) = body {
            request = request.set_payload(body.to_owned());
        }
        let response = test::call_service(&app, request.to_request()).await;
        let status = response.status().as_u16();
        let Ok(bytes) = response.into_body().try_into_bytes() else {
            panic!("{method} {path} answers a stream")
        };
        let json = serde_json::from_slice(&bytes);
        (status, json.unwrap_or_else(|_| panic!("{method} {path} answers {status} with no JSON: {bytes:?}")))
    }
}

async fn organisation(api: &Api) -> Created {
    let new = NewOrganisation {
        name: "Acme".to_owned(),
        plan: Plan::Developer,
        owner_email: "o@example.com".to_owned(),
    };
    create(&api.db, &api.ids, &api.clock, new).await.unwrap()
}

/// Asserts the contract's shape A, or B where the resource has that, with this status, this code and this in its message.
#[track_caller]
pub fn refused(answer: &Answer, status: u16, code: &str, message: &str) {
    let (got, body) = answer;
    let in_b = body["error"].is_object();
    let said = if in_b { &body["error"]["code"] } else { &body["data"]["errorCode"] };
    assert_eq!((*got, said.as_str()), (status, Some(code)), "{body}");
    let text = if in_b { &body["error"]["message"] } else { &body["data"]["message"] };
    assert!(text.as_str().unwrap().contains(message), "{text}");
    if in_b {
        assert_eq!(body["error"].as_object().unwrap().len(), 4, "{body}");
    } else {
        assert_eq!((body["success"].as_bool(), body.as_object().unwrap().len()), (Some(false), 2), "{body}");
    }
}
