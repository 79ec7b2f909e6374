use std::net::{IpAddr, Ipv4Addr};

use actix_web::http::header::USER_AGENT;
use actix_web::{HttpRequest, web};
use tenancy::PeopleError;
use tenancy::people::SignIn;
use utoipa::ToSchema;
use uuid::Uuid;

use super::shape::{Tokens, TokensAnswer};
use crate::query::Query;
use crate::{Api, Error, body};

/// Bytes of an e-mail address (RFC 5321, 4.5.3.1).
const MAX_EMAIL: usize = 254;

/// Who signs in.
#[derive(ToSchema)]
#[schema(example = json!({"email": "owner@example.com", "password": "correct horse battery staple"}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct Credentials {
    #[schema(min_length = 1, max_length = 254)]
    email: String,
    #[schema(min_length = 1, max_length = 256)]
    password: String,
    /// Which of their organisations, where there are several.
    organisation_id: Option<Uuid>,
}

/// Begins a session of a person in one of their organisations.
///
/// After several failures an account and a client address have to wait.
#[utoipa::path(post, path = "/v1/auth/login", request_body = Credentials, responses((status = 200, body = Tokens), (status = 401), (status = 429)))]
pub(crate) async fn login(
    request: HttpRequest,
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<TokensAnswer, Error> {
    query.none()?;
    let sign_in = read(&request, client(&request, api.trust_forwarded_for), payload).await?;
    let signed_in = api.people.sign_in(sign_in).await.map_err(|error| match error {
        PeopleError::Refused => {
            Error::Unauthorised("no such e-mail address, password and organisation go together")
        }
        error => error.into(),
    })?;
    Ok(Tokens::answer(signed_in))
}

async fn read(request: &HttpRequest, address: IpAddr, payload: web::Payload) -> Result<SignIn, Error> {
    let mut fields = body::credentials(payload).await?;
    let email = fields.line("email", MAX_EMAIL)?;
    let email = fields.required("email", email, "the e-mail address of a person")?;
    let password = super::take_password(&mut fields, "password")?;
    let organisation = fields.line("organisation_id", 100)?;
    fields.finish()?;
    let organisation_id = organisation
        .map(|text| {
            text.parse().map_err(|_| Error::invalid("organisation_id", format!("found `{text}`"), "a UUID"))
        })
        .transpose()?;
    let user_agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
    Ok(SignIn { email, password, organisation_id, address, user_agent: user_agent.map(str::to_owned) })
}

/// Where the client calls from: the connection's other end, or what a trusted proxy there says, which is what it added last.
fn client(request: &HttpRequest, trust_forwarded_for: bool) -> IpAddr {
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
}
