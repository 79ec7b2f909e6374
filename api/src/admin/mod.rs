//! What the operator of this installation asks: not a tenant, but who holds the token of the settings.
//!
//! To add an endpoint: a file for it here, whose handler takes [`Operator`](operator::Operator), a row in [`ROUTES`] and a name in [`Doc`].

mod jobs;
mod operator;

use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, web};
use utoipa::OpenApi;

use crate::Error;
use crate::observed::observed;

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(jobs::list))]
pub(crate) struct Doc;

/// One route of the operator's; all of them are `GET`.
pub struct Route {
    pub path: &'static str,
    mount: fn(actix_web::Route) -> actix_web::Route,
}

/// Every route of the operator's.
pub static ROUTES: &[Route] = &[Route { path: "/v1/admin/jobs", mount: |route| route.to(jobs::list) }];

pub(crate) fn configure(config: &mut web::ServiceConfig) {
    for route in ROUTES {
        let resource = web::resource(route.path).route((route.mount)(web::get()));
        let observed = from_fn(move |request, next| observed(route.path, request, next));
        config.service(resource.default_service(web::to(refuse_method)).wrap(observed));
    }
}

async fn refuse_method(request: HttpRequest) -> Result<&'static str, Error> {
    Err(Error::Method { method: request.method().to_string(), allowed: "GET".to_owned() })
}
