use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Json;
use actix_web::{CustomizeResponder, Responder as _};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use tenancy::people::{ACCESS_TOKEN_S, REFRESH_TOKEN_S, SignedIn};
use utoipa::ToSchema;
use uuid::Uuid;

/// An answer with tokens, which nothing on its way may keep (RFC 6749, 5.1).
pub(crate) type TokensAnswer = CustomizeResponder<Json<Tokens>>;

#[derive(Serialize, ToSchema)]
pub(crate) struct Tokens {
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds.
    expires_in: i64,
    refresh_token: String,
    /// Seconds.
    refresh_expires_in: i64,
    user: User,
    organisation_id: Uuid,
    /// `owner`, `admin` or `member`.
    role: &'static str,
}

#[derive(Serialize, ToSchema)]
struct User {
    id: Uuid,
    email: String,
    name: String,
}

impl Tokens {
    pub fn answer(signed_in: SignedIn) -> TokensAnswer {
        Json(Self::of(signed_in)).customize().insert_header((CACHE_CONTROL, "no-store"))
    }

    pub fn of(signed_in: SignedIn) -> Self {
        Self {
            access_token: signed_in.access_token.expose_secret().to_owned(),
            token_type: "Bearer",
            expires_in: ACCESS_TOKEN_S,
            refresh_token: signed_in.refresh_token.expose_secret().to_owned(),
            refresh_expires_in: REFRESH_TOKEN_S,
            user: User { id: signed_in.user_id, email: signed_in.email, name: signed_in.name },
            organisation_id: signed_in.organisation_id,
            role: signed_in.role.as_str(),
        }
    }
}
