//! What came compressed, decoded as it comes.
//!
//! A few bytes may expand to gigabytes. So the decoder is asked for a piece at a time, and what it has not been asked for stays
//! packed.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use bytes::Bytes;
use futures_util::Stream;
use hyper::body::Incoming;
use tokio::io::AsyncRead;
use tokio_util::io::{ReaderStream, StreamReader};

use crate::relay::Source;

/// The most that a piece has. Bytes.
const PIECE: usize = 32 << 10;

/// How far zstd may refer back: 8 MiB, which is all that HTTP allows (RFC 9659).
const ZSTD_WINDOW_LOG: u32 = 23;

/// A body, decoded.
pub(crate) type Decoded = ReaderStream<Pin<Box<dyn AsyncRead>>>;

/// How a body may be compressed (RFC 9110, 8.4.1; RFC 7932; RFC 8878).
#[derive(Clone, Copy)]
pub(crate) enum Encoding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Encoding {
    /// Of the value of `content-encoding`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let known = [
            ("gzip", Self::Gzip),
            ("x-gzip", Self::Gzip),
            ("deflate", Self::Deflate),
            ("br", Self::Brotli),
            ("zstd", Self::Zstd),
        ];
        known
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name.trim()))
            .map(|(_, encoding)| encoding)
    }
}

/// The body decoded, in pieces of a bounded size.
pub(crate) fn decoded(body: Incoming, encoding: Encoding) -> Decoded {
    let packed = StreamReader::new(Packed(Source::Upstream(body)));
    let decoder: Pin<Box<dyn AsyncRead>> = match encoding {
        Encoding::Gzip => {
            let mut decoder = GzipDecoder::new(packed);
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
        Encoding::Deflate => Box::pin(ZlibDecoder::new(packed)),
        Encoding::Brotli => Box::pin(BrotliDecoder::new(packed)),
        Encoding::Zstd => {
            let mut decoder =
                ZstdDecoder::with_params(packed, &[DParameter::window_log_max(ZSTD_WINDOW_LOG)]);
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
    };
    ReaderStream::with_capacity(decoder, PIECE)
}

/// A source as the stream that a decoder reads.
struct Packed(Source);

impl Stream for Packed {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll(context).map(|next| next.map(|chunk| chunk.map_err(io::Error::other)))
    }
}
