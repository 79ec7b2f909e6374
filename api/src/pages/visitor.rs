//! Who looks at a page: the cookie that a sign-in leaves in a browser. REST routes take none, so that no other site can have a browser
//! call them.

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::{COOKIE, HeaderName, HeaderValue, SET_COOKIE};
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use secrecy::{ExposeSecret as _, SecretString};
use tenancy::people::{Person, REFRESH_TOKEN_S, SignedIn};

use super::failure::Failure;
use crate::access::Caller;
use crate::{Access, Api, Error, origin};

/// Somebody, who may be signed in.
pub(super) struct Visitor(Option<Person>);

impl FromRequest for Visitor {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let api = request.app_data::<web::Data<Api>>().cloned();
        let secret = api.as_ref().and_then(|api| shown(request, name(api)));
        Box::pin(async move {
            let Some((api, secret)) = api.zip(secret) else { return Ok(Self(None)) };
            Ok(Self(api.people.in_browser(&secret).await?))
        })
    }
}

impl Visitor {
    pub fn person(&self) -> Option<&Person> {
        self.0.as_ref()
    }

    /// Who is signed in; they come back to `path` once they are.
    pub fn required(&self, path: &str) -> Result<&Person, Failure> {
        self.0.as_ref().ok_or_else(|| Failure::SignIn(path.to_owned()))
    }

    /// What leaves a new session in the browser; the one that was there ends, for nobody holds it then.
    pub async fn keep(&self, api: &Api, signed_in: SignedIn) -> Result<(HeaderName, HeaderValue), Error> {
        let secret = api.people.keep_in_browser(signed_in).await?;
        self.sign_out(api).await?;
        set(api, secret.expose_secret(), REFRESH_TOKEN_S)
    }

    /// Ends the browser's session; that there is none is as good.
    pub async fn sign_out(&self, api: &Api) -> Result<(), Error> {
        if let Some(person) = &self.0 {
            api.people.end(person.session_id).await?;
        }
        Ok(())
    }

    /// Who is signed in, as who calls a REST route with this access.
    pub fn caller(
        &self,
        request: &HttpRequest,
        api: &Api,
        access: Access,
        path: &str,
    ) -> Result<Caller, Failure> {
        let from = Arc::new(origin::of(request, api.trust_forwarded_for));
        Ok(Caller::in_person(self.required(path)?, access, Some(from))?)
    }
}

fn is_secure(api: &Api) -> bool {
    api.public_url.starts_with("https://")
}

/// With its prefix a browser takes the cookie over HTTPS only, from this very host, and for all of it (RFC 6265bis, 4.1.3.2).
fn name(api: &Api) -> &'static str {
    if is_secure(api) { "__Host-turnpike" } else { "turnpike" }
}

fn shown(request: &HttpRequest, name: &str) -> Option<SecretString> {
    let lines = request.headers().get_all(COOKIE).filter_map(|line| line.to_str().ok());
    let mut cookies = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, secret) = cookies.find(|(found, _)| *found == name)?;
    Some(secret.into())
}

/// What takes it away.
pub(super) fn forget(api: &Api) -> Result<(HeaderName, HeaderValue), Error> {
    set(api, "", 0)
}

fn set(api: &Api, secret: &str, max_age_s: i64) -> Result<(HeaderName, HeaderValue), Error> {
    let secure = if is_secure(api) { "; Secure" } else { "" };
    let name = name(api);
    let cookie = format!("{name}={secret}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}");
    let mut value = HeaderValue::try_from(cookie).map_err(Error::internal)?;
    value.set_sensitive(true);
    Ok((SET_COOKIE, value))
}
