//! What a process says of its own API: the document at `/openapi.json`, and a page to browse it at `/docs/`.

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use actix_web::web::{self, Bytes, Redirect, ServiceConfig};
use utoipa::OpenApi as _;
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::probes;

/// The document of all that a process serves, as JSON. Clones share it.
#[derive(Clone)]
pub struct Reference(Bytes);

/// What every process serves beside its planes.
#[derive(utoipa::OpenApi)]
#[openapi(paths(document, probes::healthz, probes::readyz))]
struct Own;

impl Reference {
    /// Of these planes' routes, and the process's own.
    ///
    /// # Errors
    /// When a document is none that JSON can hold.
    pub fn of(planes: impl IntoIterator<Item = OpenApi>) -> serde_json::Result<Self> {
        let mut document = planes.into_iter().fold(OpenApi::default(), OpenApi::merge_from);
        document.merge(Own::openapi());
        document.info = InfoBuilder::new()
            .title("Turnpike")
            .version(env!("CARGO_PKG_VERSION"))
            .description(Some("An open LLM gateway that keeps the log."))
            .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
            .build();
        serde_json::to_vec(&document).map(|bytes| Self(bytes.into()))
    }

    /// Mounts both. The page loads nothing from elsewhere: all of it is in the binary.
    pub fn configure(&self, config: &mut ServiceConfig) {
        // Who does not say `none` has the viewer show the document to a server of its makers.
        let viewer = Config::from("/openapi.json").validator_url("none");
        config
            .app_data(web::Data::new(self.clone()))
            .route("/openapi.json", web::get().to(document))
            .service(Redirect::new("/docs", "/docs/"))
            .service(SwaggerUi::new("/docs/{_:.*}").config(viewer));
    }
}

/// This document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "process",
    operation_id = "openapi",
    responses((status = 200, description = "OpenAPI 3.1.", content_type = "application/json", body = serde_json::Value))
)]
async fn document(reference: web::Data<Reference>) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(reference.0.clone())
}
