//! From where a request comes, and the id that it is known by.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

use actix_web::http::header::USER_AGENT;
use actix_web::{HttpMessage as _, HttpRequest};
use sea_orm::prelude::Uuid;
use tenancy::audit::Origin;

/// The header that an answer has its request's id in. Not `x-portkey-request-id`: clients of Portkey's take that to say that the
/// server has tried often enough, and try no more.
pub(crate) const REQUEST_ID: &str = "x-turnpike-request-id";

/// Characters kept of a path, of a query and of what a client says that it is.
const MAX_URI: usize = 2_048;
const MAX_USER_AGENT: usize = 256;

/// The id of a request: ours, whatever the client calls it.
#[derive(Clone, Copy)]
pub(crate) struct RequestId(pub Uuid);

/// From where the request comes, for the audit log.
pub(crate) fn of(request: &HttpRequest, trust_forwarded_for: bool) -> Origin {
    let first = |text: &str, max| -> String { text.chars().take(max).collect() };
    let id = request.extensions().get::<RequestId>().map(|id| id.0);
    let query = request.query_string();
    Origin {
        method: request.method().to_string(),
        uri: first(&shown_path(request), MAX_URI),
        query: (!query.is_empty()).then(|| first(query, MAX_URI)),
        request_id: id.unwrap_or_default().to_string(),
        client: client(request, trust_forwarded_for),
        user_agent: user_agent(request).map(|text| first(text, MAX_USER_AGENT)),
    }
}

/// The name of a part of a path that is a secret: of a link, which works by it.
pub(crate) const TOKEN: &str = "token";

/// The path, without the secret that it may have.
pub(crate) fn shown_path(request: &HttpRequest) -> Cow<'_, str> {
    let pattern = || request.match_pattern().unwrap_or_default();
    match request.match_info().get(TOKEN) {
        Some(_) => Cow::Owned(pattern()),
        None => Cow::Borrowed(request.path()),
    }
}

/// What the client says that it is.
pub(crate) fn user_agent(request: &HttpRequest) -> Option<&str> {
    request.headers().get(USER_AGENT)?.to_str().ok()
}

/// Where the client calls from: the connection's other end, or what a trusted proxy there says, which is what it added last.
pub(crate) fn client(request: &HttpRequest, trust_forwarded_for: bool) -> IpAddr {
    let forwarded = || {
        let last = request.headers().get_all("x-forwarded-for").last()?.to_str().ok()?;
        last.rsplit(',').next()?.trim().parse().ok()
    };
    let forwarded = trust_forwarded_for.then(forwarded).flatten();
    // Who has none, over a socket without addresses, shares one.
    let peer = || request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    forwarded.unwrap_or_else(peer)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn an_address_is_the_peers_unless_a_proxy_is_trusted_to_tell() {
        let [peer, told] = [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 7)].map(IpAddr::from);
        for (headers, trusted) in [
            (vec![], peer),
            (vec!["192.0.2.7"], told),
            (vec!["10.0.0.1, 192.0.2.7"], told),
            (vec!["10.0.0.1", "10.0.0.2,192.0.2.7"], told),
            (vec!["192.0.2.7, nonsense"], peer),
        ] {
            let mut request = TestRequest::default().peer_addr((peer, 1000).into());
            for header in &headers {
                request = request.append_header(("x-forwarded-for", *header));
            }
            let request = request.to_http_request();
            assert_eq!(client(&request, false), peer, "{headers:?}");
            assert_eq!(client(&request, true), trusted, "{headers:?}");
        }
    }

    #[test]
    fn what_is_kept_of_a_request_is_bounded() {
        let long = "x".repeat(10_000);
        let request = TestRequest::with_uri(&format!("/{long}?{long}"));
        let request = request.insert_header(("user-agent", long)).to_http_request();
        let origin = of(&request, false);
        let query = origin.query.unwrap_or_default();
        assert_eq!((origin.uri.len(), query.len()), (MAX_URI, MAX_URI));
        assert_eq!(origin.user_agent.map(|text| text.len()), Some(MAX_USER_AGENT));
    }
}
