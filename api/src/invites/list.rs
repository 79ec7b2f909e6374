use actix_web::web;
use tenancy::Role;
use utoipa::IntoParams;

use super::shape::Invite;
use crate::access::Caller;
use crate::db::invite::{Status, Wanted};
use crate::paging::{CamelPaging, List, Paging};
use crate::query::Query;
use crate::{Api, Error, db};

/// Invites of a page, unless asked for another number.
const PAGE: u64 = 100;

/// Which invites.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it says what is read from the query")]
pub(crate) struct WhichInvites {
    #[param(pattern = "^(admin|member)$")]
    role: Option<String>,
    /// The whole address, in any case.
    email: Option<String>,
    #[param(pattern = "^(pending|cancelled|accepted|expired)$")]
    status: Option<String>,
}

/// The organisation's invites, newest first.
#[utoipa::path(get, path = "/v1/admin/users/invites", operation_id = "invites", params(WhichInvites, Paging, CamelPaging), responses((status = 200, body = List<Invite>)))]
pub(crate) async fn list(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<List<Invite>>, Error> {
    let mut query = query.parameters()?;
    let wanted = Wanted {
        role: query.parsed::<Role>("role", |role| *role != Role::Owner, "admin or member")?,
        email: query.take("email").map(|email| email.trim().to_lowercase()),
        status: query.parsed::<Status>("status", |_| true, "pending, cancelled, accepted or expired")?,
    };
    let paging = Paging::take_either(&mut query, PAGE)?;
    query.finish()?;
    let (total, rows) = db::invite::list(&api.db, &caller.scope, wanted, api.clock.now_ms(), paging).await?;
    Ok(web::Json(List::new(total, Invite::of(&api, &caller, rows).await?)))
}
