use actix_web::web;
use tenancy::Role;
use utoipa::IntoParams;

use super::shape::User;
use crate::access::Caller;
use crate::paging::{CamelPaging, List, Paging};
use crate::query::Query;
use crate::{Api, Error, db};

/// People of a page, unless asked for another number.
const PAGE: u64 = 100;

/// Which people.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it says what is read from the query")]
pub(crate) struct WhichUsers {
    #[param(pattern = "^(owner|admin|member)$")]
    role: Option<String>,
    /// The whole address, in any case.
    email: Option<String>,
}

/// The organisation's people, those who came first first.
#[utoipa::path(get, path = "/v1/admin/users", operation_id = "users", params(WhichUsers, Paging, CamelPaging), responses((status = 200, body = List<User>)))]
pub(crate) async fn list(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<List<User>>, Error> {
    let mut query = query.parameters()?;
    let role = query.parsed::<Role>("role", |_| true, "owner, admin or member")?;
    let email = query.take("email").map(|email| email.trim().to_lowercase());
    let paging = Paging::take_either(&mut query, PAGE)?;
    query.finish()?;
    let (total, rows) = db::membership::list(&api.db, &caller.scope, role, email, paging).await?;
    Ok(web::Json(List::new(total, User::of(&api, &caller, rows).await?)))
}
