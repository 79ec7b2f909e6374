//! Reading a message of OTLP from a request: protobuf or JSON, plain or in gzip, within bounds.

use std::io::Read as _;

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use actix_web::{HttpRequest, web};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use prost::Message;
use serde::de::DeserializeOwned;

use crate::{Error, body};

/// Bytes of one request, as they come.
pub(super) const MAX_BODY: usize = 8 << 20;

/// The same, inflated.
pub(super) const MAX_INFLATED: usize = 16 << 20;

const TYPES: &str = "application/x-protobuf or application/json";

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Protobuf,
    Json,
}

/// How a body is written and packed.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    pub encoding: Encoding,
    gzip: bool,
}

impl Kind {
    pub fn of(request: &HttpRequest) -> Result<Self, Error> {
        let header = |name: HeaderName| match request.headers().get(name) {
            None => "",
            Some(value) => value.to_str().unwrap_or("?"),
        };
        let kind = header(CONTENT_TYPE);
        let essence = kind.split(';').next().unwrap_or_default().trim();
        let encoding = match essence {
            it if it.eq_ignore_ascii_case("application/x-protobuf") => Encoding::Protobuf,
            it if it.eq_ignore_ascii_case("application/json") => Encoding::Json,
            _ => return Err(Error::unsupported("content-type", kind, TYPES)),
        };
        let packed = header(CONTENT_ENCODING).trim();
        let gzip = packed.eq_ignore_ascii_case("gzip");
        if !gzip && !packed.is_empty() && !packed.eq_ignore_ascii_case("identity") {
            return Err(Error::unsupported("content-encoding", packed, "none, or gzip"));
        }
        Ok(Self { encoding, gzip })
    }
}

/// The message; on a thread of its own, for it may be long.
pub(super) async fn read<M>(payload: web::Payload, kind: Kind) -> Result<M, Error>
where
    M: Message + Default + DeserializeOwned + 'static,
{
    let bytes = body::bytes(payload, MAX_BODY).await?;
    let read = move || {
        let bytes = if kind.gzip { inflated(&bytes)? } else { bytes };
        message(&bytes, kind.encoding)
    };
    tokio::task::spawn_blocking(read).await.map_err(Error::internal)?
}

fn inflated(packed: &[u8]) -> Result<Bytes, Error> {
    let mut bytes = Vec::new();
    let mut decoder = MultiGzDecoder::new(packed).take(MAX_INFLATED as u64 + 1);
    decoder
        .read_to_end(&mut bytes)
        .map_err(|error| Error::invalid("body", error.to_string(), "gzip, as content-encoding says"))?;
    if bytes.len() > MAX_INFLATED {
        return Err(Error::TooLarge { limit: MAX_INFLATED });
    }
    Ok(bytes.into())
}

fn message<M: Message + Default + DeserializeOwned>(bytes: &[u8], encoding: Encoding) -> Result<M, Error> {
    let invalid = |error: String, expected| Error::invalid("body", error, expected);
    match encoding {
        Encoding::Protobuf => {
            M::decode(bytes).map_err(|error| invalid(error.to_string(), "a message of OTLP in protobuf"))
        }
        Encoding::Json => serde_json::from_slice(bytes)
            .map_err(|error| invalid(error.to_string(), "a message of OTLP in JSON")),
    }
}
