//! The content of a call as it is kept: both sides, MessagePack in one zstd frame.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

mod headers;

pub use headers::Headers;

/// Favouring speed: content is written once and seldom read.
const LEVEL: i32 = 1;

/// No content is larger than this when unpacked; what claims to be is corrupt. Bytes.
const MAX_UNPACKED: usize = 128 << 20;

/// One side of an exchange: headers and body as they were, secrets masked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Content {
    pub headers: Headers,
    #[serde(with = "byte_string")]
    pub body: Bytes,
}

/// Both sides.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Exchange {
    pub request: Content,
    pub response: Content,
}

#[derive(Serialize)]
struct Sides<'a> {
    request: &'a Content,
    response: &'a Content,
}

/// Why content could not be packed or unpacked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the content cannot be encoded")]
    Encode(#[from] rmp_serde::encode::Error),
    #[error("the stored content cannot be decoded")]
    Decode(#[from] rmp_serde::decode::Error),
    #[error("the stored content cannot be (de)compressed")]
    Compress(#[from] std::io::Error),
}

/// Packs content, keeping its compressor from one call to the next.
pub struct Packer {
    compressor: zstd::bulk::Compressor<'static>,
    encoded: Vec<u8>,
}

impl Packer {
    /// # Errors
    /// [`Error::Compress`] when zstd cannot set up its context.
    pub fn new() -> Result<Self, Error> {
        Ok(Self { compressor: zstd::bulk::Compressor::new(LEVEL)?, encoded: Vec::new() })
    }

    /// # Errors
    /// [`Error`] when the content cannot be encoded or compressed.
    pub fn pack(&mut self, request: &Content, response: &Content) -> Result<Vec<u8>, Error> {
        self.encoded.clear();
        rmp_serde::encode::write_named(&mut self.encoded, &Sides { request, response })?;
        Ok(self.compressor.compress(&self.encoded)?)
    }
}

/// # Errors
/// [`Error`] when `packed` is not what [`Packer::pack`] made.
pub fn unpack(packed: &[u8]) -> Result<Exchange, Error> {
    let claimed = zstd::bulk::Decompressor::upper_bound(packed).unwrap_or(MAX_UNPACKED);
    let encoded = zstd::bulk::decompress(packed, claimed.min(MAX_UNPACKED))?;
    Ok(rmp_serde::from_slice(&encoded)?)
}

/// `Bytes` as a byte string; their own serde support writes an array of numbers.
mod byte_string {
    use bytes::Bytes;
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serde_bytes::serialize(bytes.as_ref(), serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        serde_bytes::deserialize::<Vec<u8>, D>(deserializer).map(Bytes::from)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn content_comes_back_as_it_was() {
        let content = Content {
            headers: [("content-type", "application/json")].into_iter().collect(),
            body: Bytes::from([0, 159, 255, b'{'].repeat(1000)),
        };
        let packed = Packer::new().unwrap().pack(&content, &Content::default()).unwrap();
        assert!(packed.len() < content.body.len() / 4);
        assert_eq!(unpack(&packed).unwrap(), Exchange { request: content, response: Content::default() });
    }

    #[test]
    fn what_is_not_content_is_an_error() {
        assert!(unpack(b"nonsense").is_err());
        assert!(unpack(b"").is_err());
    }
}
