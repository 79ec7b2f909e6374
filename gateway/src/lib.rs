//! The data plane: authenticate, route, stream, record.
//!
//! A call goes through [`admit`] before and [`recording`] after, whatever its route, so that none escapes a limit or its
//! log. Between the two: a [`target`] is chosen, or a [`route`] through several of them, [`upstream`] is asked, and [`relay`]
//! passes the answer on.

use std::any::Any;
use std::sync::Arc;

use actix_web::dev::Extensions;
use actix_web::web;
use answer_cache::Answers;
use clock::{Clock, Ids};
use limits::Limiter;
use quota::Ledger;
use recorder::Recorder;
use settings::Settings;
use telemetry::Telemetry;
use tenancy::{Configs, Guardrails, Keys, People, VirtualKeys};

mod admit;
mod answer;
mod caching;
mod call;
mod connection;
mod content;
mod control;
mod credentials;
mod decoding;
mod echo;
mod error;
mod guarding;
mod headers;
mod limiting;
mod models;
mod observation;
mod openapi;
mod origin;
mod reading;
mod recording;
mod relay;
mod route;
mod service;
mod target;
mod terminator;
mod told;
mod upstream;

use guarding::Guards;
pub use openapi::openapi;
use origin::Origins;
use route::config::ConfigsRead;
pub use service::{main, start};
use upstream::Upstream;

/// What every call needs, shared by all worker threads.
#[derive(Clone)]
pub struct Gateway(Arc<Shared>);

struct Shared {
    parts: Parts,
    /// Callers' own hosts of late, taken apart.
    origins: Origins,
    /// Callers' own configs of late, read.
    configs_read: ConfigsRead,
    guards: Arc<Guards>,
}

/// What a [`Gateway`] is made of.
pub struct Parts {
    pub clock: Clock,
    pub ids: Ids,
    pub keys: Keys,
    /// Who may have a call made once more.
    pub people: People,
    pub virtual_keys: VirtualKeys,
    pub configs: Configs,
    pub guardrails: Guardrails,
    pub recorder: Recorder,
    pub ledger: Arc<dyn Ledger>,
    pub limiter: Limiter,
    /// What calls cost, for what they may spend.
    pub prices: pricing::Current,
    pub answers: Answers,
    pub settings: Settings,
    pub telemetry: Telemetry,
}

impl Gateway {
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let guards = Arc::new(Guards::new(&parts.settings, parts.clock.clone(), parts.ids.clone()));
        let (origins, configs_read) = (Origins::default(), ConfigsRead::default());
        Self(Arc::new(Shared { parts, origins, configs_read, guards }))
    }
}

impl std::ops::Deref for Gateway {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}

/// What most calls ask for: found by name, before any pattern is tried.
const BUSIEST: [&str; 5] =
    ["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/messages", "/v1/responses"];

/// Mounts on a worker thread what is the gateway's whoever else has routes; to be called first.
pub fn configure(config: &mut web::ServiceConfig, gateway: &Gateway) {
    // Connections to upstreams belong to their worker thread: nothing on the way of a call crosses threads.
    let upstream = Upstream::new(&gateway.settings.gateway);
    config.app_data(web::Data::new(gateway.clone())).app_data(web::Data::new(upstream));
    for path in BUSIEST {
        config.route(path, web::route().to(call::handle));
    }
}

/// Mounts `/` and everything under `/v1/` that has no route of its own; to be called last.
pub fn configure_rest(config: &mut web::ServiceConfig) {
    config
        .route("/", web::get().to(call::greet))
        .route("/v1/{path:.*}", web::route().to(call::handle))
        .default_service(web::route().to(call::not_found));
}

/// To be given to `HttpServer::on_connect`: lets a call see whether its client is still there.
pub fn on_connect(io: &dyn Any, extensions: &mut Extensions) {
    connection::remember(io, extensions);
}
