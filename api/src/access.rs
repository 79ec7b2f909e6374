//! Who calls, and whether they may: the extractor is the rule.

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use sea_orm::ConnectionTrait;
use sea_orm::prelude::{DbErr, Json, Uuid};
use tenancy::audit::{self, Actor, Author, Entry, Origin};
use tenancy::people::{DownloadBy, DownloadedBy, Person};
use tenancy::{IdentifyError, People, Role, Scope, Scopes, Tenant, TenantScope};
use utoipa::IntoParams;

use crate::{Api, Error, db, origin, routes};

/// What a route asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing: it is what one signs in by.
    Public,
    /// A person's access token, whatever the role.
    Person,
    /// The access token of the organisation's owner.
    Owner,
    /// The same, or an organisation's key with this scope.
    OwnerOr(Scope),
    /// A key or an access token with one of these scopes.
    AnyOf(&'static [Scope]),
    /// The same, with all of them.
    AllOf(&'static [Scope]),
    /// A workspace's key with this scope, or a person in any of their workspaces.
    PersonOr(Scope),
}

/// Whose billing is (8.4).
const OWNER: &str = "the access token of the organisation's owner";

impl Access {
    /// How far the caller reaches by this: of a person's workspaces those where their role suffices.
    fn reach(self, tenant: &Tenant) -> Result<TenantScope, Error> {
        let is_allowed = match self {
            Self::Public => true,
            Self::Person => tenant.api_key_id.is_none(),
            Self::Owner => tenant.role == Some(Role::Owner),
            Self::OwnerOr(scope) => match tenant.role {
                Some(role) => role == Role::Owner,
                None => tenant.scopes.has(scope),
            },
            Self::PersonOr(scope) => tenant.api_key_id.is_none() || tenant.scopes.has(scope),
            Self::AnyOf(_) | Self::AllOf(_) => self.suffice(tenant.scopes),
        };
        let scope = tenant.scope_where(|scopes| self.suffice(scopes));
        if is_allowed && !(scope.is_nowhere() && self.is_in_workspaces()) {
            return Ok(scope);
        }
        Err(self.refusal())
    }

    fn is_in_workspaces(self) -> bool {
        matches!(self, Self::AnyOf(_) | Self::AllOf(_) | Self::PersonOr(_))
    }

    /// Whether these scopes are enough; where none are asked for they are.
    fn suffice(self, held: Scopes) -> bool {
        let has = |scope: &Scope| held.has(*scope);
        match self {
            Self::AnyOf(scopes) => scopes.iter().any(has),
            Self::AllOf(scopes) => scopes.iter().all(has),
            Self::Public | Self::Person | Self::Owner | Self::OwnerOr(_) | Self::PersonOr(_) => true,
        }
    }

    /// Whether the tenant may do it in this workspace.
    pub(crate) fn suffices_in(self, tenant: &Tenant, workspace_id: Uuid) -> bool {
        self.suffice(tenant.scopes_in(workspace_id))
    }

    fn refusal(self) -> Error {
        let names = |scopes: &[Scope], join: &str| {
            let names: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
            names.join(join)
        };
        let needed = match self {
            Self::Public => "nothing".to_owned(),
            Self::Person => "the access token of a person".to_owned(),
            Self::Owner => OWNER.to_owned(),
            Self::OwnerOr(scope) => format!("{OWNER}, or an organisation's key with {scope}"),
            Self::PersonOr(scope) => {
                format!("a workspace's key with {scope}, or a person's place in the workspace")
            }
            Self::AnyOf(scopes) => names(scopes, " or "),
            Self::AllOf(scopes) => names(scopes, " and "),
        };
        Error::Forbidden(format!("it needs {needed}"))
    }
}

/// An authenticated caller, who may use the route that was called. Taking it is what guards a handler.
pub(crate) struct Caller {
    pub tenant: Arc<Tenant>,
    /// Where the caller may use the route.
    pub scope: TenantScope,
    access: Access,
    /// Of a person, who is signed in.
    pub session_id: Option<Uuid>,
    /// From where a change is asked for. None: the request only reads, or it came by another way than HTTP.
    pub origin: Option<Arc<Origin>>,
}

impl FromRequest for Caller {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = (request.app_data::<web::Data<Api>>().cloned(), routes::called(request));
        let own = request.headers().get(API_KEY).and_then(|value| value.to_str().ok());
        let credential = credential(own, host::bearer(request));
        let of = |api: &web::Data<Api>| Arc::new(origin::of(request, api.trust_forwarded_for));
        let origin = found.0.as_ref().filter(|_| request.method() != Method::GET).map(of);
        Box::pin(async move {
            let (Some(api), Some(route)) = found else {
                return Err(Error::internal("a handler is mounted that the routes do not name"));
            };
            Ok(Self { origin, ..Self::identify(&api, credential, route.access).await? })
        })
    }
}

/// The header of a key.
pub(crate) const API_KEY: &str = "x-portkey-api-key";

/// What a caller shows.
pub(crate) enum Credential {
    Key(String),
    AccessToken(String),
}

/// `x-portkey-api-key`, else `Authorization: Bearer` with one of our own keys or access tokens.
pub(crate) fn credential(own: Option<&str>, bearer: Option<&str>) -> Option<Credential> {
    if let Some(secret) = own {
        return Some(Credential::Key(secret.trim().to_owned()));
    }
    let secret = bearer?;
    if secret.starts_with(tenancy::secret::PREFIX) {
        Some(Credential::Key(secret.to_owned()))
    } else {
        People::is_access_token(secret).then(|| Credential::AccessToken(secret.to_owned()))
    }
}

pub(crate) fn access_token_error(error: IdentifyError) -> Error {
    match error {
        IdentifyError::Unknown => Error::Unauthorised("the access token is not valid"),
        IdentifyError::Expired => Error::Unauthorised("the access token has expired"),
        IdentifyError::Unavailable => Error::unavailable(error),
    }
}

/// Where to look.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it says what is read from the query")]
pub(crate) struct InWorkspace {
    /// The slug or id of a workspace; left out, the key's own, or all that are reached.
    workspace_id: Option<String>,
}

/// A workspace within the caller's reach.
pub(crate) struct Workspace {
    pub id: Uuid,
    pub slug: String,
    pub scope: TenantScope,
}

impl Caller {
    /// Who shows this credential, if they may.
    pub async fn identify(api: &Api, shown: Option<Credential>, access: Access) -> Result<Self, Error> {
        let expected = "expected an API key in x-portkey-api-key, or an access token in authorization";
        let (tenant, session_id) = match shown.ok_or(Error::Unauthorised(expected))? {
            Credential::Key(secret) => (api.keys.identify(&secret).await?, None),
            Credential::AccessToken(token) => {
                let person = api.people.identify(&token).await.map_err(access_token_error)?;
                (person.tenant, Some(person.session_id))
            }
        };
        Self::of(tenant, session_id, access, None)
    }

    /// Who was given a link to `file` with this token, if it is good and they still may.
    pub async fn of_link(api: &Api, token: &str, file: Uuid, access: Access) -> Result<Self, Error> {
        let by = api.people.download(token, file).await.map_err(|error| match error {
            IdentifyError::Unknown => Error::Unauthorised("the link is not valid"),
            IdentifyError::Expired => Error::Unauthorised("the link has expired; ask for another"),
            IdentifyError::Unavailable => Error::unavailable(error),
        })?;
        match by {
            DownloadedBy::Key(id) => Self::of(api.keys.identify_by_id(id).await?, None, access, None),
            DownloadedBy::Person(person) => Self::in_person(&person, access, None),
        }
    }

    /// As whom a link is given to the caller.
    pub fn downloads_as(&self) -> Result<DownloadBy, Error> {
        let by_session = || self.session_id.map(DownloadBy::Session);
        let by = self.tenant.api_key_id.map(DownloadBy::Key).or_else(by_session);
        by.ok_or_else(|| Error::internal("a caller has neither a key nor a session"))
    }

    /// Somebody who is signed in, if they may do what `access` says.
    pub fn in_person(person: &Person, access: Access, origin: Option<Arc<Origin>>) -> Result<Self, Error> {
        Self::of(Arc::clone(&person.tenant), Some(person.session_id), access, origin)
    }

    fn of(
        tenant: Arc<Tenant>,
        session_id: Option<Uuid>,
        access: Access,
        origin: Option<Arc<Origin>>,
    ) -> Result<Self, Error> {
        Ok(Self { scope: access.reach(&tenant)?, tenant, access, session_id, origin })
    }

    /// Refuses unless the caller has `scope`, for what only the request's content tells: in this workspace, if it is about one.
    pub fn needs(&self, scope: Scope, workspace: Option<Uuid>) -> Result<(), Error> {
        let held = workspace.map_or(self.tenant.scopes, |id| self.tenant.scopes_in(id));
        if held.has(scope) { Ok(()) } else { Err(Error::Forbidden(format!("it needs {scope}"))) }
    }

    /// Refuses who has not paid, and, with `refusal`, keys that are no workspace's: none of its logs are theirs, and nothing said of them.
    pub fn records(&self, refusal: &str) -> Result<(), Error> {
        if !self.tenant.standing.records() {
            return Err(Error::Unpaid);
        }
        let is_a_workspaces = self.tenant.api_key_id.is_none() || self.tenant.workspace_id.is_some();
        if is_a_workspaces { Ok(()) } else { Err(Error::Forbidden(refusal.to_owned())) }
    }

    /// Writes down that the caller changed this: in the transaction of the change.
    pub async fn note(
        &self,
        txn: &impl ConnectionTrait,
        api: &Api,
        action: &'static str,
        subject: String,
        change: Json,
    ) -> Result<(), DbErr> {
        self.note_in(txn, api, self.tenant.workspace_id, action, subject, change).await
    }

    /// The same of what is the workspace's, where it is one's.
    pub async fn note_in(
        &self,
        txn: &impl ConnectionTrait,
        api: &Api,
        workspace_id: Option<Uuid>,
        action: &'static str,
        subject: String,
        change: Json,
    ) -> Result<(), DbErr> {
        let entry = Entry {
            organisation_id: self.scope.organisation(),
            workspace_id,
            author: self.author(),
            action,
            subject: Some(subject),
            change,
        };
        audit::write(txn, &api.ids, api.clock.now_ms(), entry).await
    }

    /// When the first log was received that the organisation's plan still shows, in unix milliseconds; none: they all are.
    pub fn cutoff_ms(&self, api: &Api) -> Option<i64> {
        plans::retention_cutoff(&self.tenant.terms, api.clock.now_ms())
    }

    /// Who makes a change, and from where.
    pub fn author(&self) -> Author {
        Author { actor: Actor::of(&self.tenant), origin: self.origin.clone() }
    }

    /// The workspace that is named, by slug or id, else the only one that the caller reaches; `None` for who reaches the whole
    /// organisation and names none.
    pub async fn workspace(&self, api: &Api, named: Option<&str>) -> Result<Option<Workspace>, Error> {
        if let Some(named) = named {
            return self.named(api, named).await.map(Some);
        }
        if self.scope.is_everywhere() {
            return Ok(None);
        }
        let only = self.scope.workspace().and_then(|id| Some((id, self.tenant.slug_of(id)?.to_owned())));
        let (id, slug) = only.ok_or_else(unnamed)?;
        Ok(Some(Workspace { id, slug, scope: self.scope.clone() }))
    }

    /// How far a query goes: the workspace that is named, else all that the caller reaches.
    pub async fn reach(&self, api: &Api, named: Option<&str>) -> Result<TenantScope, Error> {
        match named {
            Some(named) => Ok(self.named(api, named).await?.scope),
            None => Ok(self.scope.clone()),
        }
    }

    /// The workspace where there has to be one: who reaches several must name it (1.2).
    pub async fn one_workspace(&self, api: &Api, named: Option<&str>) -> Result<Workspace, Error> {
        self.workspace(api, named).await?.ok_or_else(unnamed)
    }

    async fn named(&self, api: &Api, named: &str) -> Result<Workspace, Error> {
        let row = db::workspace::find(&api.db, &self.tenant.scope(), named).await?;
        let row = row.ok_or_else(|| Error::not_found("workspace", named))?;
        // A person sees that workspace, and may less there.
        let scope = self.scope.within(row.id).ok_or_else(|| self.access.refusal())?;
        Ok(Workspace { id: row.id, slug: row.slug, scope })
    }

    /// Refuses another organisation's id where a request may name the caller's own.
    pub fn check_organisation(&self, named: Option<&str>) -> Result<(), Error> {
        match named {
            Some(id) if id.parse() != Ok(self.scope.organisation()) => {
                Err(Error::not_found("organisation", id))
            }
            _ => Ok(()),
        }
    }

    /// The person who calls, or the key.
    pub fn id(&self) -> Option<Uuid> {
        self.tenant.api_key_id.or(self.tenant.user_id)
    }
}

fn unnamed() -> Error {
    let expected = "the slug or id of a workspace, which who reaches several has to name";
    Error::invalid("workspace_id", "missing", expected)
}
