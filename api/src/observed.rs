//! What the server's operator is told of a request to this plane: how long it took, and its span where spans are exported. And
//! the id that the request has from here on.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, web};
use telemetry::{KeyValue, Request, Served, Span};

use crate::Api;
use crate::origin::{REQUEST_ID, RequestId, TOKEN};

/// To be wrapped around the resource at `route`.
pub(crate) async fn observed<B: MessageBody>(
    route: &'static str,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let Some(api) = request.app_data::<web::Data<Api>>().cloned() else { return next.call(request).await };
    let (begun, id) = (Instant::now(), api.ids.fresh());
    request.extensions_mut().insert(RequestId(id));
    let method = telemetry::method(request.method().as_str());
    let header = |name: &str| request.headers().get(name)?.to_str().ok();
    // Of a link that works by its path, only the route.
    let is_secret = request.match_info().get(TOKEN).is_some();
    let path = if is_secret { route } else { request.path() };
    let span =
        api.telemetry.tracer.serve(header, || Request { method, route, path, host: header("host") }.begin());
    let mut answered = telemetry::within(span.clone(), next.call(request)).await;
    if let (Ok(response), Ok(id)) = (&mut answered, HeaderValue::try_from(id.to_string())) {
        response.headers_mut().insert(HeaderName::from_static(REQUEST_ID), id);
    }
    let status = match &answered {
        Ok(response) => response.status().as_u16(),
        Err(error) => error.as_response_error().status_code().as_u16(),
    };
    let place = span.as_ref().and_then(Span::place);
    api.telemetry.metrics.served(&Served { method, route, status, took: begun.elapsed(), place });
    if let Some(span) = span {
        end(&span, status);
    }
    answered
}

fn end(span: &Span, status: u16) {
    span.set([KeyValue::new("http.response.status_code", i64::from(status))]);
    if status >= 500 {
        span.fail(status.to_string());
    }
    span.end();
}
