//! Who calls, and whether they may: the extractor is the rule.

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use sea_orm::ConnectionTrait;
use sea_orm::prelude::{DbErr, Json, Uuid};
use tenancy::audit::{self, Actor, Entry};
use tenancy::{IdentifyError, KeyKind, People, Role, Scope, Tenant, TenantScope};
use utoipa::IntoParams;

use crate::{Api, Error, db, routes};

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
}

/// Whose billing is (8.4).
const OWNER: &str = "the access token of the organisation's owner";

impl Access {
    fn check(self, tenant: &Tenant) -> Result<(), Error> {
        let has = |scope: &Scope| tenant.scopes.has(*scope);
        let (allowed, scopes, join) = match self {
            Self::Public => return Ok(()),
            Self::Person if tenant.api_key_id.is_none() => return Ok(()),
            Self::Person => return Err(Error::Forbidden("it needs the access token of a person".to_owned())),
            Self::Owner | Self::OwnerOr(_) if tenant.role == Some(Role::Owner) => return Ok(()),
            Self::OwnerOr(scope) if tenant.role.is_none() && has(&scope) => return Ok(()),
            Self::Owner => return Err(Error::Forbidden(format!("it needs {OWNER}"))),
            Self::OwnerOr(scope) => {
                return Err(Error::Forbidden(format!(
                    "it needs {OWNER}, or an organisation's key with {scope}"
                )));
            }
            Self::AnyOf(scopes) => (scopes.iter().any(has), scopes, " or "),
            Self::AllOf(scopes) => (scopes.iter().all(has), scopes, " and "),
        };
        if allowed {
            return Ok(());
        }
        let names: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
        Err(Error::Forbidden(format!("it needs {}", names.join(join))))
    }
}

/// An authenticated caller, who may use the route that was called. Taking it is what guards a handler.
pub(crate) struct Caller {
    pub tenant: Arc<Tenant>,
    pub scope: TenantScope,
    /// Of a person, who is signed in.
    pub session_id: Option<Uuid>,
}

impl FromRequest for Caller {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = (request.app_data::<web::Data<Api>>().cloned(), routes::called(request));
        let own = request.headers().get(API_KEY).and_then(|value| value.to_str().ok());
        let credential = credential(own, host::bearer(request));
        Box::pin(async move {
            let (Some(api), Some(route)) = found else {
                return Err(Error::internal("a handler is mounted that the routes do not name"));
            };
            Self::identify(&api, credential, route.access).await
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

fn access_token_error(error: IdentifyError) -> Error {
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
    /// The slug or id of a workspace; left out, the key's own.
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
        access.check(&tenant)?;
        Ok(Self { scope: tenant.scope(), tenant, session_id })
    }

    /// Refuses unless the key has `scope`, for what only the request's content tells.
    pub fn needs(&self, scope: Scope) -> Result<(), Error> {
        if self.tenant.scopes.has(scope) {
            Ok(())
        } else {
            Err(Error::Forbidden(format!("it needs {scope}")))
        }
    }

    /// The workspace that the caller's logs, and what is said of them, go into; `refusal` tells who has none.
    pub fn recorded_in(&self, refusal: &str) -> Result<Uuid, Error> {
        if !self.tenant.standing.records() {
            return Err(Error::Unpaid);
        }
        self.tenant.workspace_id.ok_or_else(|| Error::Forbidden(refusal.to_owned()))
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
        let entry = Entry {
            organisation_id: self.scope.organisation(),
            actor: Actor::of(&self.tenant),
            action,
            subject: Some(subject),
            change,
        };
        audit::write(txn, &api.ids, api.clock.now_ms(), entry).await
    }

    /// The workspace that is named, by slug or id, else the key's own; `None` for an organisation's key that names none.
    pub async fn workspace(&self, api: &Api, named: Option<&str>) -> Result<Option<Workspace>, Error> {
        let own = self.tenant.workspace_id.zip(self.tenant.workspace_slug.clone());
        let Some(named) = named else {
            return Ok(own.map(|(id, slug)| Workspace { id, slug, scope: self.scope }));
        };
        let row = db::workspace::find(&api.db, &self.scope, named).await?;
        let found = row.and_then(|row| Some((self.scope.within(row.id)?, row)));
        let (scope, row) = found.ok_or_else(|| Error::not_found("workspace", named))?;
        Ok(Some(Workspace { id: row.id, slug: row.slug, scope }))
    }

    /// How far a query goes: the workspace that is named, else all that the key reaches.
    pub async fn reach(&self, api: &Api, named: Option<&str>) -> Result<TenantScope, Error> {
        Ok(self.workspace(api, named).await?.map_or(self.scope, |workspace| workspace.scope))
    }

    /// The workspace where there has to be one: an organisation's key must name it (1.2).
    pub async fn one_workspace(&self, api: &Api, named: Option<&str>) -> Result<Workspace, Error> {
        self.workspace(api, named).await?.ok_or_else(|| {
            Error::invalid(
                "workspace_id",
                "missing",
                "the slug or id of a workspace, which an organisation's key has to name",
            )
        })
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

    pub fn is_admin(&self) -> bool {
        self.tenant.kind == KeyKind::OrganisationService
    }
}
