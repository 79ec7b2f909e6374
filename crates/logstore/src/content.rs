//! The content of a call as it is kept: MessagePack in a zstd frame.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Favouring speed: content is written once and seldom read.
const LEVEL: i32 = 1;

/// No content is larger than this when unpacked; what claims to be is corrupt. Bytes.
const MAX_UNPACKED: usize = 64 << 20;

/// One side of an exchange: headers and body as they were, secrets masked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    #[serde(with = "byte_string")]
    pub body: Bytes,
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
    pub fn pack(&mut self, content: &Content) -> Result<Vec<u8>, Error> {
        self.encoded.clear();
        rmp_serde::encode::write_named(&mut self.encoded, content)?;
        Ok(self.compressor.compress(&self.encoded)?)
    }
}

/// # Errors
/// [`Error`] when `packed` is not what [`Packer::pack`] made.
pub fn unpack(packed: &[u8]) -> Result<Content, Error> {
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
            headers: vec![("content-type".into(), "application/json".into())],
            body: Bytes::from([0, 159, 255, b'{'].repeat(1000)),
        };
        let packed = Packer::new().unwrap().pack(&content).unwrap();
        assert!(packed.len() < content.body.len() / 4);
        assert_eq!(unpack(&packed).unwrap(), content);
    }

    #[test]
    fn what_is_not_content_is_an_error() {
        assert!(unpack(b"nonsense").is_err());
        assert!(unpack(b"").is_err());
    }
}
