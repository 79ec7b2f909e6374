//! Where an organisation's, or a workspace's, spans and metrics go.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};
use logstore::exports::Filters;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

/// One receiver, and what of the logs it gets.
#[derive(Clone, Debug)]
pub struct Destination {
    pub id: Uuid,
    pub organisation_id: Uuid,
    /// For HTTP the base, to which `/v1/traces` is added where it does not end so; for gRPC its path is not used.
    pub endpoint: Url,
    pub protocol: Protocol,
    /// Sent with each batch: what lets us in.
    pub headers: Vec<(String, SecretString)>,
    pub filters: Filters,
    /// Whether messages are sent too. Under Do Not Track they never are.
    pub content: bool,
    pub metrics: bool,
    /// Attributes of the resource, over our own.
    pub resource: BTreeMap<String, String>,
    pub flavour: Flavour,
}

/// How OTLP is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protocol {
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
    #[serde(rename = "http/json")]
    HttpJson,
    #[serde(rename = "grpc")]
    Grpc,
}

impl Protocol {
    /// As it stands in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HttpProtobuf => "http/protobuf",
            Self::HttpJson => "http/json",
            Self::Grpc => "grpc",
        }
    }
}

/// By which conventions spans are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Flavour {
    /// OpenTelemetry's for GenAI, v1.41.
    #[default]
    #[serde(rename = "genai")]
    GenAi,
}

impl Flavour {
    /// As it stands in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GenAi => "genai",
        }
    }
}

/// What is wrong with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHeader {
    #[error("must be named as HTTP names headers")]
    Name,
    #[error("must be printable ASCII text")]
    Value,
    #[error("is set by this server itself")]
    Ours,
}

/// Checks a header that is to be sent with each batch.
///
/// # Errors
/// [`BadHeader`] says what is wrong with it.
pub fn check_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), BadHeader> {
    const OURS: [&str; 11] = [
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    let name = HeaderName::try_from(name).map_err(|_| BadHeader::Name)?;
    if OURS.contains(&name.as_str()) || name.as_str().starts_with("grpc-") {
        return Err(BadHeader::Ours);
    }
    if !value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(BadHeader::Value);
    }
    let mut value = HeaderValue::try_from(value).map_err(|_| BadHeader::Value)?;
    value.set_sensitive(true);
    Ok((name, value))
}
