//! An organisation as an actor: it calls the gateway and reads its logs.

use entity::{membership, user, workspace, workspace_member};
use reqwest::{Method, RequestBuilder, Response};
use sea_orm::{ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tenancy::organisation::Created;
use uuid::Uuid;

use super::{TestApp, Upstream, until};

/// One organisation and its keys.
pub struct Org<'a> {
    pub app: &'a TestApp,
    pub id: Uuid,
    pub workspace: String,
    pub key: String,
    pub admin_key: String,
    /// Of the owner, who signs in with it.
    pub email: String,
    pub password: String,
}

/// Somebody who is signed in.
pub struct Person<'a> {
    pub id: Uuid,
    pub email: String,
    pub password: String,
    /// What the sign-in answered.
    pub tokens: Value,
    pub caller: Caller<'a>,
}

/// Whoever calls with one key, or one access token.
pub struct Caller<'a> {
    pub app: &'a TestApp,
    /// The header that it is shown in.
    shown: (&'static str, String),
}

impl<'a> Org<'a> {
    pub fn new(app: &'a TestApp, created: Created) -> Self {
        Self {
            app,
            id: created.organisation_id,
            workspace: created.workspace_id,
            key: created.api_key.expose_secret().to_owned(),
            admin_key: created.admin_api_key.expose_secret().to_owned(),
            email: created.owner_email,
            password: created.password.map(|text| text.expose_secret().to_owned()).unwrap_or_default(),
        }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.with_key(&self.key).request(method, path)
    }

    pub fn admin(&self) -> Caller<'a> {
        self.with_key(&self.admin_key)
    }

    pub fn with_key(&self, key: &str) -> Caller<'a> {
        Caller { app: self.app, shown: ("x-portkey-api-key", key.to_owned()) }
    }

    pub fn with_access_token(&self, token: &str) -> Caller<'a> {
        Caller { app: self.app, shown: ("authorization", format!("Bearer {token}")) }
    }

    /// Signs the owner in; the answer.
    pub async fn sign_in(&self) -> Value {
        let body = serde_json::json!({"email": self.email, "password": self.password});
        let response = self.app.http.post(self.app.url("/v1/auth/login")).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }

    /// The owner, signed in.
    pub async fn owner(&self) -> Caller<'a> {
        self.with_access_token(self.sign_in().await["access_token"].as_str().unwrap())
    }

    /// A call to `upstream`, as OpenAI.
    pub fn ask(&self, upstream: &Upstream, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
            .header("x-portkey-provider", "openai")
            .header("x-portkey-custom-host", upstream.url())
            .header("authorization", "Bearer sk-of-the-caller")
    }

    /// A call to the built-in provider.
    pub fn echo(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path).header("x-portkey-provider", "echo")
    }

    /// The headers of [`Org::ask`], for a raw connection.
    pub fn headers<'h>(&'h self, url: &'h str) -> Vec<(&'h str, &'h str)> {
        vec![
            ("x-portkey-api-key", &self.key),
            ("x-portkey-provider", "openai"),
            ("x-portkey-custom-host", url),
            ("authorization", "Bearer sk-of-the-caller"),
        ]
    }

    /// A second workspace of the organisation: a key to it with every scope of the first one's, and its slug.
    pub async fn neighbour(&self) -> (String, String) {
        self.another_workspace("next-door").await
    }

    /// The same of any name.
    pub async fn another_workspace(&self, name: &str) -> (String, String) {
        let app = self.app;
        let row = workspace::Model {
            id: app.running.ids.fresh(),
            organisation_id: self.id,
            slug: format!("ws-{name}-abcdef"),
            name: name.to_owned(),
            is_default: false,
            created_at: app.clock.now_ms(),
            description: None,
            defaults: None,
            status: "active".to_owned(),
            created_by: None,
            last_updated_at: 0,
        };
        let slug = row.slug.clone();
        let row = workspace::Entity::insert(row.into_active_model());
        row.exec_without_returning(&app.running.db).await.unwrap();
        let scopes = tenancy::KeyKind::WorkspaceService.scopes().to_json();
        let body = json!({"name": name, "scopes": scopes, "workspace_id": slug});
        let made = self.admin().request(Method::POST, "/v1/api-keys/workspace/service").json(&body);
        let made: Value = made.send().await.unwrap().json().await.unwrap();
        (made["key"].as_str().unwrap().to_owned(), slug)
    }

    /// Somebody new in the organisation, who is this in it and that in workspaces; signed in.
    pub async fn person(&self, role: &str, workspaces: &[(Uuid, &str)]) -> Person<'a> {
        let (app, now) = (self.app, self.app.clock.now_ms());
        let db = &app.running.db;
        let (id, password) = (app.running.ids.fresh(), "correct horse battery staple");
        let email = format!("{}@example.com", id.simple());
        let user = user::Model {
            id,
            email: email.clone(),
            first_name: "Robin".to_owned(),
            last_name: "Example".to_owned(),
            password_hash: tenancy::password::hash(password.into()).await.unwrap(),
            created_at: now,
        };
        user::Entity::insert(user.into_active_model()).exec_without_returning(db).await.unwrap();
        self.join(id, role, workspaces).await;
        let body = json!({"email": email, "password": password});
        let signed_in = app.http.post(app.url("/v1/auth/login")).json(&body).send().await.unwrap();
        let tokens: Value = signed_in.json().await.unwrap();
        let caller = self.with_access_token(tokens["access_token"].as_str().unwrap());
        Person { id, email, password: password.to_owned(), tokens, caller }
    }

    /// Makes a user one of the organisation's people.
    pub async fn join(&self, user_id: Uuid, role: &str, workspaces: &[(Uuid, &str)]) {
        let (db, now) = (&self.app.running.db, self.app.clock.now_ms());
        let row = membership::Model {
            organisation_id: self.id,
            user_id,
            role: role.to_owned(),
            created_at: now,
            last_updated_at: now,
        };
        membership::Entity::insert(row.into_active_model()).exec_without_returning(db).await.unwrap();
        for (workspace_id, role) in workspaces {
            let row = workspace_member::Model {
                workspace_id: *workspace_id,
                user_id,
                organisation_id: self.id,
                role: (*role).to_owned(),
                created_at: now,
                last_updated_at: now,
            };
            workspace_member::Entity::insert(row.into_active_model())
                .exec_without_returning(db)
                .await
                .unwrap();
        }
    }

    /// The id of one of the organisation's workspaces.
    pub async fn workspace_id(&self, slug: &str) -> Uuid {
        let rows = workspace::Entity::find().filter(workspace::Column::Slug.eq(slug));
        let row = rows.filter(workspace::Column::OrganisationId.eq(self.id)).one(&self.app.running.db).await;
        row.unwrap().unwrap().id
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    /// A log in full, as soon as it is there.
    pub async fn log(&self, id: &str) -> Value {
        self.log_for(&self.with_key(&self.key), id).await
    }

    /// The same, read by another.
    pub async fn log_for(&self, reader: &Caller<'_>, id: &str) -> Value {
        until(&format!("log {id} is there"), || async {
            let path = format!("/v1/logs/{id}");
            let response = reader.request(Method::GET, &path).send().await.unwrap();
            (response.status() == 200).then_some(response)
        })
        .await
        .json()
        .await
        .unwrap()
    }

    /// The list's rows under these filters, once there are `count`, newest first.
    pub async fn rows(&self, query: &str, count: usize) -> Vec<Value> {
        until(&format!("{count} logs are listed for {query:?}"), || async {
            let rows = self.list(query).await;
            (rows.len() == count).then_some(rows)
        })
        .await
    }

    /// The list's rows now.
    pub async fn list(&self, query: &str) -> Vec<Value> {
        let response = self.get(&format!("/v1/logs?{query}")).await;
        assert_eq!(response.status(), 200, "{query}");
        let page: Value = response.json().await.unwrap();
        page["data"].as_array().unwrap().clone()
    }

    pub async fn usage(&self) -> Value {
        let response = self.get("/v1/usage").await;
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }

    /// The usage, once `calls` have been counted, one way or another.
    pub async fn usage_of(&self, calls: u64) -> Value {
        until(&format!("{calls} calls are counted"), || async {
            let usage = self.usage().await;
            let counted: u64 =
                ["used", "dropped", "unrecorded"].iter().map(|part| usage[part].as_u64().unwrap()).sum();
            (counted == calls).then_some(usage)
        })
        .await
    }
}

impl Caller<'_> {
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.app.http.request(method, self.app.url(path)).header(self.shown.0, &self.shown.1)
    }
}

/// Status and body of what is answered.
pub async fn ask(caller: &Caller<'_>, verb: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
    let request = caller.request(verb, path);
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// The id of the log that a response says it has.
pub fn log_id(response: &Response) -> String {
    response.headers()["x-turnpike-log-id"].to_str().unwrap().to_owned()
}
