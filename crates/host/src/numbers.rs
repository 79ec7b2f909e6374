//! `GET /metrics`: the process's numbers, in Prometheus' text format, or in OpenMetrics' to who takes that.
//!
//! They are for who operates the server: whoever shows the operator's token, and who asks on this machine itself. A proxy asks
//! on this machine too, for somebody else, and says so in a header.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use secrecy::SecretString;
use telemetry::Metrics;

use crate::{Base, operator};

/// A header of each of these is put in by a proxy.
const OF_PROXIES: [&str; 6] =
    ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];

/// Prometheus' text format, as its documentation has it.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What has exemplars. Source: OpenMetrics 1.0, *Protocol Negotiation*.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone)]
pub(crate) struct Numbers {
    metrics: Metrics,
    operator_token: Option<SecretString>,
}

impl Numbers {
    pub(crate) fn of(base: &Base) -> Self {
        Self { metrics: base.telemetry.metrics.clone(), operator_token: base.settings.operator_token.clone() }
    }
}

pub(crate) fn configure(config: &mut ServiceConfig, numbers: Numbers) {
    config.app_data(web::Data::new(numbers)).route("/metrics", web::get().to(show));
}

async fn show(request: HttpRequest, numbers: web::Data<Numbers>) -> HttpResponse {
    let shown = numbers.operator_token.as_ref().map(|token| operator::shows_token(&request, token));
    match shown {
        Some(true) => {}
        _ if is_here(&request) => {}
        Some(false) => {
            return HttpResponse::Unauthorized().insert_header(("www-authenticate", "Bearer")).finish();
        }
        None => return HttpResponse::NotFound().finish(),
    }
    let (format, text) = if takes_open_metrics(&request) {
        (OPEN_METRICS, numbers.metrics.scrape_open_metrics())
    } else {
        (TEXT_FORMAT, numbers.metrics.scrape())
    };
    match text {
        Ok(text) => HttpResponse::Ok().content_type(format).body(text),
        Err(error) => {
            tracing::error!(%error, "the numbers cannot be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// Prometheus names it first where it takes it at all.
fn takes_open_metrics(request: &HttpRequest) -> bool {
    let mut accepted = request.headers().get_all("accept").filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.contains("application/openmetrics-text"))
}

/// Whether it was sent on this machine, by its own sender.
fn is_here(request: &HttpRequest) -> bool {
    let here = request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    here && !OF_PROXIES.iter().any(|name| request.headers().contains_key(*name))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn who_asks_through_a_proxy_is_not_here() {
        for (peer, header, here) in [
            ("127.0.0.1:9", "accept", true),
            ("[::1]:9", "accept", true),
            ("[::ffff:127.0.0.1]:9", "accept", true),
            ("127.0.0.1:9", "x-forwarded-for", false),
            ("127.0.0.1:9", "forwarded", false),
            ("10.0.0.1:9", "accept", false),
        ] {
            let request = peer.parse().map(|peer| TestRequest::get().peer_addr(peer));
            let request =
                request.map(|request| request.insert_header((header, "10.1.1.1")).to_http_request());
            assert_eq!(request.map(|request| is_here(&request)), Ok(here), "{peer}, {header}");
        }
    }
}
