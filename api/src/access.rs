//! Who calls, and whether they may: the extractor is the rule.

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use sea_orm::prelude::Uuid;
use tenancy::{KeyKind, Scope, Tenant, TenantScope};

use crate::{Api, Error, db, routes};

/// Which scopes a route asks of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    AnyOf(&'static [Scope]),
    AllOf(&'static [Scope]),
}

impl Access {
    fn check(self, tenant: &Tenant) -> Result<(), Error> {
        let has = |scope: &Scope| tenant.scopes.has(*scope);
        let (allowed, scopes, join) = match self {
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
}

impl FromRequest for Caller {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = (request.app_data::<web::Data<Api>>().cloned(), routes::called(request));
        let secret = secret(request);
        Box::pin(async move {
            let (Some(api), Some(route)) = found else {
                return Err(Error::internal("a handler is mounted that the routes do not name"));
            };
            let secret = secret.ok_or(Error::Unauthorised("expected an API key in x-portkey-api-key"))?;
            let tenant = api.keys.identify(&secret).await?;
            route.access.check(&tenant)?;
            Ok(Self { scope: tenant.scope(), tenant })
        })
    }
}

/// `x-portkey-api-key`, else `Authorization: Bearer` with one of our own keys.
fn secret(request: &HttpRequest) -> Option<String> {
    let header = |name: &str| request.headers().get(name)?.to_str().ok();
    if let Some(secret) = header("x-portkey-api-key") {
        return Some(secret.trim().to_owned());
    }
    let (scheme, secret) = header(AUTHORIZATION.as_str())?.split_once(' ')?;
    let ours = scheme.eq_ignore_ascii_case("bearer") && secret.trim().starts_with(tenancy::secret::PREFIX);
    ours.then(|| secret.trim().to_owned())
}

/// A workspace within the caller's reach.
pub(crate) struct Workspace {
    pub id: Uuid,
    pub slug: String,
    pub scope: TenantScope,
}

impl Caller {
    /// Refuses unless the key has `scope`, for what only the request's content tells.
    pub fn needs(&self, scope: Scope) -> Result<(), Error> {
        if self.tenant.scopes.has(scope) {
            Ok(())
        } else {
            Err(Error::Forbidden(format!("it needs {scope}")))
        }
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

    pub fn is_admin(&self) -> bool {
        self.tenant.kind == KeyKind::OrganisationService
    }
}
