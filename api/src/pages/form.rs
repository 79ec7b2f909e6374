//! What a form of a page sends: from our own pages only, and bounded.

use actix_web::dev::Payload;
use actix_web::http::header::{HOST, ORIGIN};
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::failure::Failure;
use crate::fields::Fields;
use crate::{Api, Error, body};

/// Bytes of a form, which anybody may send.
const MAX_FORM: usize = 16 << 10;

/// A form's fields, as texts; those that were left empty count as not sent.
pub(super) struct Form(Map<String, Value>);

impl FromRequest for Form {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let api = request.app_data::<web::Data<Api>>();
        let is_own = api.is_some_and(|api| is_own(request, &api.public_url));
        let payload = web::Payload::from_request(request, payload);
        Box::pin(async move {
            if !is_own {
                return Err(Failure::Foreign);
            }
            let payload =
                payload.await.map_err(|error| Error::invalid("body", error.to_string(), "a form"))?;
            Ok(read(&body::bytes(payload, MAX_FORM).await?)?)
        })
    }
}

impl Form {
    pub fn take(&mut self, name: &str) -> Option<String> {
        match self.0.remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// A field that is shown again in the form.
    pub fn said(&self, name: &str) -> String {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The same fields and another.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// As the body of a REST route has them.
    pub fn fields(self) -> Result<Fields, Error> {
        Fields::of(self.object(), "")
    }

    pub fn object(self) -> Value {
        Value::Object(self.0)
    }
}

fn read(bytes: &[u8]) -> Result<Form, Error> {
    let mut fields = Map::new();
    for (name, value) in form_urlencoded::parse(bytes).filter(|(_, value)| !value.is_empty()) {
        if fields.insert(name.clone().into_owned(), value.into_owned().into()).is_some() {
            return Err(Error::invalid(name, "sent twice", "it once"));
        }
    }
    Ok(Form(fields))
}

/// Whether a page of ours has sent this. Browsers say so themselves in `Sec-Fetch-Site` (Fetch Metadata Request Headers, 2.4), over HTTPS
/// and to their own machine; else `Origin` has to name the host that is asked.
fn is_own(request: &HttpRequest, public_url: &str) -> bool {
    let header = |name: &str| request.headers().get(name)?.to_str().ok();
    if let Some(site) = header("sec-fetch-site") {
        return site == "same-origin";
    }
    let Some(origin) = header(ORIGIN.as_str()) else { return false };
    let host = origin.split_once("://").map(|(_, host)| host);
    // Where a proxy asks us by another name, people come by the public one.
    origin == public_url || (host.is_some() && host == header(HOST.as_str()))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_form_is_ours_if_the_browser_says_so_or_it_comes_from_the_host_that_is_asked() {
        let (here, public) = ("http://turnpike.lan:8787", "https://turnpike.example");
        for (site, origin, ours) in [
            (Some("same-origin"), None, true),
            (Some("same-origin"), Some(here), true),
            (Some("same-site"), Some(here), false),
            (Some("cross-site"), Some(here), false),
            (Some("none"), Some(here), false),
            (None, Some(here), true),
            (None, Some(public), true),
            (None, Some("https://turnpike.example.evil.example"), false),
            (None, Some("https://evil.example"), false),
            (None, Some("http://turnpike.lan"), false),
            (None, Some("turnpike.lan:8787"), false),
            (None, Some("null"), false),
            (None, None, false),
        ] {
            let mut request = TestRequest::post().insert_header((HOST, "turnpike.lan:8787"));
            if let Some(site) = site {
                request = request.insert_header(("sec-fetch-site", site));
            }
            if let Some(origin) = origin {
                request = request.insert_header((ORIGIN, origin));
            }
            assert_eq!(is_own(&request.to_http_request(), public), ours, "{site:?} {origin:?}");
        }
    }
}
