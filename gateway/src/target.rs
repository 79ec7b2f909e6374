//! Choosing where a call goes: a provider by name with the caller's key, or a virtual key of the workspace.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use egress::check_url;
use limits::Limits;
use providers::{Endpoint, Peek, Provider};
use routing::Leaf;
use secrecy::SecretString;
use tenancy::{ResolveError, VirtualKey};

use crate::admit::Admitted;
use crate::control::Control;
use crate::error::Error;
use crate::origin::Origin;
use crate::route::ConfigInUse;
use crate::upstream::Outgoing;
use crate::{Gateway, credentials, headers};

/// Where one attempt goes.
pub(crate) struct Target {
    pub provider: &'static Provider,
    /// None for a provider that is built in.
    pub origin: Option<Arc<Origin>>,
    pub secret: Option<SecretString>,
    pub virtual_key: Option<String>,
    /// The same, with what it has besides its name.
    pub key: Option<Arc<VirtualKey>>,
    /// Of the virtual key.
    pub limits: Option<Arc<Limits>>,
    /// The model to put in place of the one in the body, where that named a virtual key too.
    pub model: Option<String>,
}

/// What names the target. `field` is where, for who has to be told.
enum Named<'a> {
    Provider { field: Cow<'a, str>, slug: &'a str },
    VirtualKey { field: Cow<'a, str>, slug: &'a str, model: Option<&'a str> },
}

/// A host in place of the provider's own, and where it is named.
struct OtherHost<'a> {
    field: Cow<'a, str>,
    host: &'a str,
}

/// Where a call goes by its own headers, or its model.
///
/// # Errors
/// 400 when no target is named, or it is not known.
pub(crate) async fn choose(
    control: &Control,
    peek: Option<&Peek<'_>>,
    headers: &HeaderMap,
    admitted: &Admitted,
    gateway: &Gateway,
) -> Result<Target, Error> {
    let target = look_up(named(control, peek)?, headers, admitted, gateway).await?;
    with_origin(target, callers_host(control), "x-portkey-custom-host", gateway)
}

/// Where a call goes by a target of its config; one that names none leaves it to the call.
///
/// # Errors
/// As [`choose`], of what the config names.
pub(crate) async fn of_leaf(
    (leaf, config): (&Leaf, &ConfigInUse),
    control: &Control,
    peek: Option<&Peek<'_>>,
    headers: &HeaderMap,
    admitted: &Admitted,
    gateway: &Gateway,
) -> Result<Target, Error> {
    let field = |name| Cow::Owned(config.field(&leaf.path, name));
    let named = match (&leaf.virtual_key, &leaf.provider) {
        (Some(slug), _) => Named::VirtualKey { field: field("virtual_key"), slug, model: None },
        (None, Some(slug)) => Named::Provider { field: field("provider"), slug },
        (None, None) => named(control, peek)?,
    };
    let mut target = look_up(named, headers, admitted, gateway).await?;
    if target.key.is_none() && leaf.api_key.is_some() {
        target.secret.clone_from(&leaf.api_key);
    }
    let own = leaf.policy.custom_host.as_deref();
    let own = own.map(|host| OtherHost { field: field("custom_host"), host });
    let missing = if leaf.names_no_target() { "x-portkey-custom-host".into() } else { field("custom_host") };
    with_origin(target, callers_host(control).or(own), &missing, gateway)
}

fn callers_host(control: &Control) -> Option<OtherHost<'_>> {
    let host = control.custom_host.as_deref()?;
    Some(OtherHost { field: Cow::Borrowed("x-portkey-custom-host"), host })
}

async fn look_up(
    named: Named<'_>,
    headers: &HeaderMap,
    admitted: &Admitted,
    gateway: &Gateway,
) -> Result<Target, Error> {
    match named {
        Named::Provider { field, slug } => {
            let provider = known(slug, &field)?;
            let secret = credentials::callers(headers);
            Ok(Target {
                provider,
                origin: None,
                secret,
                virtual_key: None,
                key: None,
                limits: None,
                model: None,
            })
        }
        Named::VirtualKey { field, slug, model } => {
            let key = virtual_key(&field, slug, admitted, gateway).await?;
            let provider = known(&key.provider, &field)?;
            let host = key.custom_host.as_deref();
            Ok(Target {
                provider,
                origin: own_host(host, provider, "the virtual key's custom_host", gateway)?,
                secret: Some(key.secret.clone()),
                virtual_key: Some(key.slug.clone()),
                limits: key.limits.clone(),
                model: model.map(str::to_owned),
                key: Some(key),
            })
        }
    }
}

fn named<'a>(control: &'a Control, peek: Option<&'a Peek<'_>>) -> Result<Named<'a>, Error> {
    if let Some(slug) = &control.virtual_key {
        let slug = slug.strip_prefix('@').unwrap_or(slug);
        return Ok(Named::VirtualKey { field: "x-portkey-virtual-key".into(), slug, model: None });
    }
    if let Some(provider) = &control.provider {
        return Ok(match provider.strip_prefix('@') {
            Some(slug) => Named::VirtualKey { field: "x-portkey-provider".into(), slug, model: None },
            None => Named::Provider { field: "x-portkey-provider".into(), slug: provider },
        });
    }
    let model = peek.and_then(|peek| peek.model.as_deref());
    if let Some((slug, model)) = model.and_then(|model| model.strip_prefix('@')?.split_once('/')) {
        return Ok(Named::VirtualKey { field: "model".into(), slug, model: Some(model) });
    }
    Err(Error::invalid(
        "x-portkey-provider",
        "no target: send x-portkey-provider (e.g. openai, or echo to try things out), \
         x-portkey-virtual-key, or a model of the form @virtual-key/model",
    ))
}

fn known(slug: &str, field: &str) -> Result<&'static Provider, Error> {
    providers::provider(slug).ok_or_else(|| {
        let problem = if providers::AWAITED.contains(&slug) {
            format!("{slug} is not served yet")
        } else {
            format!("no provider is called {slug:?}; expected e.g. openai, anthropic, groq or echo")
        };
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
    if key.is_expired(gateway.clock.now_ms()) {
        return Err(Error::invalid(field, format!("the virtual key {slug:?} has expired")));
    }
    Ok(key)
}

/// The virtual key's host or the one that is named, before the provider's own. Never another for a virtual key: its secret would
/// go wherever who calls, or wrote the config, says. `missing`: where one is to be named.
fn with_origin(
    mut target: Target,
    other: Option<OtherHost<'_>>,
    missing: &str,
    gateway: &Gateway,
) -> Result<Target, Error> {
    if let Some(OtherHost { field, host }) = other {
        if target.key.is_some() {
            let problem = "not together with a virtual key, whose secret goes to its own host only: set custom_host on the key";
            return Err(Error::invalid(field, problem));
        }
        if let Some(origin) = own_host(Some(host), target.provider, &field, gateway)? {
            target.origin = Some(origin);
        }
    }
    if target.origin.is_none() {
        target.origin = Origin::of_provider(&target.provider.slug);
    }
    if target.origin.is_none() && !target.is_echo() {
        let problem = format!("{} has no address of its own: say where it runs", target.provider.slug);
        return Err(Error::invalid(missing, problem));
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

    /// Whether such a call may be made of it.
    ///
    /// # Errors
    /// [`Error::Unsupported`] and [`Error::NotPermitted`].
    pub(crate) fn check(
        &self,
        endpoint: Endpoint,
        model: Option<&str>,
        method: &Method,
    ) -> Result<(), Error> {
        self.check_endpoint(endpoint)?;
        self.check_model(model, method)
    }

    /// What is sent to it for `client`'s request.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what makes no request.
    pub(crate) fn request(
        &self,
        client: &HttpRequest,
        endpoint: Endpoint,
        forward_headers: &[String],
        body: Outgoing,
    ) -> Result<http::Request<Outgoing>, Error> {
        let method = http::Method::from_bytes(client.method().as_str().as_bytes())
            .map_err(|_| Error::invalid("method", "is not an HTTP method"))?;
        let mut request = http::Request::new(body);
        *request.method_mut() = method;
        headers::pass_up(client.headers(), endpoint, forward_headers, &mut request);
        for (name, value) in &self.provider.headers {
            if !request.headers().contains_key(name) {
                headers::set(request.headers_mut(), name, value.as_bytes());
            }
        }
        headers::set_extras(request.headers_mut(), self.key.as_deref());
        let auth = &self.provider.auth;
        let key_in_query = credentials::apply(auth, self.secret.as_ref(), request.headers_mut());
        let (path, query) = (headers::path(client), client.query_string());
        let origin = self.origin.as_ref();
        *request.uri_mut() = origin
            .and_then(|origin| origin.uri(path, query, key_in_query.as_deref()))
            .ok_or_else(|| Error::invalid("path", "does not make a valid URL with the target's host"))?;
        Ok(request)
    }

    /// Refuses what the virtual key is not for. `model`: as it goes upstream; none where the body names none, or is not looked
    /// into.
    ///
    /// # Errors
    /// [`Error::NotPermitted`].
    fn check_model(&self, model: Option<&str>, method: &Method) -> Result<(), Error> {
        let Some((key, models)) = self.key.as_ref().and_then(|key| Some((key, key.models.as_ref()?))) else {
            return Ok(());
        };
        let what = match model {
            Some(model) if models.permit(model) => return Ok(()),
            Some(model) => format!("the model {model:?}"),
            // What is asked for without a body asks no model.
            None if matches!(method.as_str(), "GET" | "HEAD" | "DELETE" | "OPTIONS") => return Ok(()),
            None => "calls whose model is not known here".to_owned(),
        };
        Err(Error::NotPermitted(format!("the virtual key {:?} may not be used for {what}", key.slug)))
    }

    /// # Errors
    /// [`Error::Unsupported`] when the provider does not serve it.
    fn check_endpoint(&self, endpoint: Endpoint) -> Result<(), Error> {
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
