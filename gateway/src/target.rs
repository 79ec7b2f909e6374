//! Choosing where a call goes: a provider by name with the caller's key, or a virtual key of the workspace.
//!
//! One target for now; strategies over several (fallback, load balance, conditions) choose among such targets.

use std::sync::Arc;

use actix_web::http::header::HeaderMap;
use egress::check_url;
use limits::Limits;
use providers::{Endpoint, Peek, Provider};
use secrecy::SecretString;
use tenancy::{ResolveError, VirtualKey};

use crate::Gateway;
use crate::admit::Admitted;
use crate::control::Control;
use crate::credentials;
use crate::error::Error;
use crate::origin::Origin;

/// Where one attempt goes.
pub(crate) struct Target {
    pub provider: &'static Provider,
    /// None for a provider that is built in.
    pub origin: Option<Arc<Origin>>,
    pub secret: Option<SecretString>,
    pub virtual_key: Option<String>,
    /// Of the virtual key.
    pub limits: Option<Arc<Limits>>,
    /// The model to put in place of the one in the body, where that named a virtual key too.
    pub model: Option<String>,
}

/// What names the target.
enum Named<'a> {
    Provider(&'a str),
    VirtualKey { field: &'static str, slug: &'a str, model: Option<&'a str> },
}

/// # Errors
/// 400 when no target is named, it is not known, or it does not serve the endpoint.
pub(crate) async fn choose(
    control: &Control,
    peek: Option<&Peek<'_>>,
    headers: &HeaderMap,
    admitted: &Admitted,
    gateway: &Gateway,
) -> Result<Target, Error> {
    let target = match named(control, peek)? {
        Named::Provider(slug) => {
            let provider = known(slug, "x-portkey-provider")?;
            let secret = credentials::callers(headers);
            Target { provider, origin: None, secret, virtual_key: None, limits: None, model: None }
        }
        Named::VirtualKey { field, slug, model } => {
            let key = virtual_key(field, slug, admitted, gateway).await?;
            let provider = known(&key.provider, field)?;
            Target {
                provider,
                origin: own_host(
                    key.custom_host.as_deref(),
                    provider,
                    "the virtual key's custom_host",
                    gateway,
                )?,
                secret: Some(key.secret.clone()),
                virtual_key: Some(key.slug.clone()),
                limits: key.limits.clone(),
                model: model.map(str::to_owned),
            }
        }
    };
    with_origin(target, control, gateway)
}

fn named<'a>(control: &'a Control, peek: Option<&'a Peek<'_>>) -> Result<Named<'a>, Error> {
    if let Some(slug) = &control.virtual_key {
        let slug = slug.strip_prefix('@').unwrap_or(slug);
        return Ok(Named::VirtualKey { field: "x-portkey-virtual-key", slug, model: None });
    }
    if let Some(provider) = &control.provider {
        return Ok(match provider.strip_prefix('@') {
            Some(slug) => Named::VirtualKey { field: "x-portkey-provider", slug, model: None },
            None => Named::Provider(provider),
        });
    }
    let model = peek.and_then(|peek| peek.model.as_deref());
    if let Some((slug, model)) = model.and_then(|model| model.strip_prefix('@')?.split_once('/')) {
        return Ok(Named::VirtualKey { field: "model", slug, model: Some(model) });
    }
    Err(Error::invalid(
        "x-portkey-provider",
        "no target: send x-portkey-provider (e.g. openai, or echo to try things out), \
         x-portkey-virtual-key, or a model of the form @virtual-key/model",
    ))
}

fn known(slug: &str, field: &str) -> Result<&'static Provider, Error> {
    providers::provider(slug).ok_or_else(|| {
        let problem =
            format!("no provider is called {slug:?}; expected e.g. openai, anthropic, groq or echo");
        Error::invalid(field, problem)
    })
}

async fn virtual_key(
    field: &str,
    slug: &str,
    admitted: &Admitted,
    gateway: &Gateway,
) -> Result<Arc<VirtualKey>, Error> {
    let found = gateway.virtual_keys.resolve(&admitted.tenant.scope(), slug).await;
    let key = found.map_err(|error| match error {
        ResolveError::Unknown => Error::invalid(field, format!("this workspace has no virtual key {slug:?}")),
        ResolveError::Unavailable => Error::Unavailable,
    })?;
    if key.archived {
        return Err(Error::invalid(field, format!("the virtual key {slug:?} is archived")));
    }
    Ok(key)
}

/// The virtual key's host or the caller's, before the provider's own. Never the caller's for a virtual key: its secret
/// would go wherever the caller says.
fn with_origin(mut target: Target, control: &Control, gateway: &Gateway) -> Result<Target, Error> {
    let callers = control.custom_host.as_deref();
    if callers.is_some() && target.virtual_key.is_some() {
        let problem = "not together with a virtual key, whose secret goes to its own host only: set custom_host on the key";
        return Err(Error::invalid("x-portkey-custom-host", problem));
    }
    if let Some(origin) = own_host(callers, target.provider, "x-portkey-custom-host", gateway)? {
        target.origin = Some(origin);
    }
    if target.origin.is_none() {
        target.origin = Origin::of_provider(&target.provider.slug);
    }
    if target.origin.is_none() && !target.is_echo() {
        let problem = format!("{} has no address of its own: say where it runs", target.provider.slug);
        return Err(Error::invalid("x-portkey-custom-host", problem));
    }
    Ok(target)
}

fn own_host(
    host: Option<&str>,
    provider: &Provider,
    field: &str,
    gateway: &Gateway,
) -> Result<Option<Arc<Origin>>, Error> {
    let Some(host) = host else { return Ok(None) };
    gateway.0.origins.get_or_make(host, &provider.prefix, || {
        let url = check_url(host, gateway.settings.gateway.allow_private_hosts)
            .map_err(|problem| Error::invalid(field, problem.to_string()))?;
        Ok(Origin::of(&url, &provider.prefix))
    })
}

impl Target {
    pub(crate) fn is_echo(&self) -> bool {
        self.provider.slug == "echo"
    }

    /// # Errors
    /// [`Error::Unsupported`] when the provider does not serve it.
    pub(crate) fn check_endpoint(&self, endpoint: Endpoint) -> Result<(), Error> {
        // The other endpoints pass through as they are: what upstream does not have, it says itself.
        let translated =
            matches!(endpoint, Endpoint::ChatCompletions | Endpoint::Completions | Endpoint::Embeddings);
        if !translated || self.provider.supports(endpoint) {
            Ok(())
        } else {
            Err(Error::Unsupported(endpoint.name(), self.provider.slug.clone()))
        }
    }
}
