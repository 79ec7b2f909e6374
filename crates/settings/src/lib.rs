//! One typed tree of settings: `TURNPIKE_*` variables, over `turnpike.toml`, over the defaults beside each field.
//!
//! A nested setting's variable has two underscores for each dot: `TURNPIKE_SPOOL__FSYNC` is `spool.fsync`. A setting that is
//! unknown or malformed stops the start, and the error names it as it was written. A variable set to nothing is not set.
//!
//! A new setting is a documented field in its section's file, with its unit and default; nothing else.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use plans::{Overrides, Plan};
use secrecy::SecretString;
use serde::Deserialize;

mod auth;
mod bounds;
mod cache;
mod gateway;
mod guardrails;
mod jobs;
mod limits;
mod load;
mod log;
mod otlp;
mod payments;
mod redis;
mod shipper;
mod smtp;
mod spool;

pub use auth::AuthSettings;
pub use cache::CacheSettings;
pub use egress::Reach;
pub use gateway::{GatewaySettings, WhenSpoolFull};
pub use guardrails::GuardrailsSettings;
pub use jobs::JobsSettings;
pub use limits::{LimitsSettings, OnRedisAway};
pub use load::{Error, load, load_from};
pub use log::{LogFormat, LogSettings};
pub use otlp::OtlpSettings;
pub use payments::PaymentsSettings;
pub use redis::RedisSettings;
pub use shipper::ShipperSettings;
pub use smtp::SmtpSettings;
pub use spool::SpoolSettings;

/// Every setting there is.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where to listen; port 0 takes any free one. Default: `127.0.0.1:8787`.
    pub addr: SocketAddr,
    /// The folder of what is kept on this machine: the spool, and the database and master key unless they are set. Default:
    /// `./turnpike-data`.
    pub data_dir: PathBuf,
    /// `sqlite://` or `postgres://`. Default: SQLite in the data folder.
    pub database_url: Option<SecretString>,
    /// `redis://` or `rediss://`. Default: none, and the embedded ledger, for one process only.
    pub redis_url: Option<SecretString>,
    /// The key that provider secrets are encrypted under: base64 of 32 bytes. Default: made once, in the data folder.
    pub master_key: Option<SecretString>,
    /// How clients reach us, for links: `https://` and a host. Default: none, links name the address we listen on.
    #[serde(deserialize_with = "bounds::http_url")]
    pub public_url: Option<String>,
    /// Where `turnpike-api` reaches a gateway, to have calls made once more: `http://` and a host. Default: none, and replays are refused; where
    /// all planes are one process, itself.
    #[serde(deserialize_with = "bounds::http_url")]
    pub gateway_url: Option<String>,
    /// What the operator's own routes (`/v1/admin/..`, and `/metrics` from elsewhere than this machine) ask for, as a bearer token.
    /// Default: none, and they are not there.
    #[serde(deserialize_with = "bounds::token")]
    pub operator_token: Option<SecretString>,
    /// How long calls under way may go on once the process was told to stop, in whole seconds (`stop_within_s`). Default: 25.
    #[serde(rename = "stop_within_s", deserialize_with = "bounds::seconds")]
    pub stop_within: Duration,
    /// Threads that serve HTTP. Default: one a core.
    #[serde(deserialize_with = "bounds::optional_positive")]
    pub workers: Option<usize>,
    /// Calls on their way through.
    pub gateway: GatewaySettings,
    /// Answers that are kept.
    pub cache: CacheSettings,
    /// Who may call.
    pub auth: AuthSettings,
    /// The queue on disk between a call and its log.
    pub spool: SpoolSettings,
    /// What is kept of a call, and what the process says of itself.
    pub log: LogSettings,
    /// Spans that callers send.
    pub otlp: OtlpSettings,
    /// From the spool to the log store.
    pub shipper: ShipperSettings,
    /// What several processes share.
    pub redis: RedisSettings,
    /// Budgets and rate limits.
    pub limits: LimitsSettings,
    /// Checks of requests and answers.
    pub guardrails: GuardrailsSettings,
    /// What runs by the clock.
    pub jobs: JobsSettings,
    /// How mail is sent.
    pub smtp: SmtpSettings,
    /// The payment provider, and what becomes of who does not pay.
    pub payments: PaymentsSettings,
    /// What differs from the catalogue, plan by plan (`[plans.developer]`). Default: nothing.
    pub plans: BTreeMap<Plan, Overrides>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 8787)),
            data_dir: PathBuf::from("./turnpike-data"),
            database_url: None,
            redis_url: None,
            master_key: None,
            public_url: None,
            gateway_url: None,
            operator_token: None,
            stop_within: Duration::from_secs(25),
            workers: None,
            gateway: GatewaySettings::default(),
            cache: CacheSettings::default(),
            auth: AuthSettings::default(),
            spool: SpoolSettings::default(),
            log: LogSettings::default(),
            otlp: OtlpSettings::default(),
            shipper: ShipperSettings::default(),
            redis: RedisSettings::default(),
            limits: LimitsSettings::default(),
            guardrails: GuardrailsSettings::default(),
            jobs: JobsSettings::default(),
            smtp: SmtpSettings::default(),
            payments: PaymentsSettings::default(),
            plans: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests;
