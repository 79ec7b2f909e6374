//! A record on disk: the segment's tag (4 bytes of its random id), length (u32), crc32 of length and record
//! (u32), record; little-endian.
//!
//! The tag makes damage local: where no whole record stands, reading goes on at the next tag that begins one.
//! A client cannot put a frame inside its own payload, for it does not know the tag.

use std::{fs::File, io, os::unix::fs::FileExt};

use bytes::Bytes;
use memchr::memmem;
use uuid::Uuid;

/// The longest record that is taken: 64 MiB.
pub const MAX_RECORD_BYTES: usize = 64 << 20;
/// What framing adds to a record.
pub const HEADER_BYTES: usize = 12;
const CHUNK_BYTES: usize = 1 << 20;

type Tag = [u8; 4];

fn tag(segment: Uuid) -> Tag {
    let [a, b, c, d, ..] = segment.into_bytes();
    [a, b, c, d]
}

fn checksum(length: [u8; 4], record: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    hasher.update(record);
    hasher.finalize()
}

/// Appends the record's frame to `out`. The caller has checked the length against [`MAX_RECORD_BYTES`].
pub fn encode(segment: Uuid, record: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(record.len()).unwrap_or(u32::MAX).to_le_bytes();
    out.extend_from_slice(&tag(segment));
    out.extend_from_slice(&length);
    out.extend_from_slice(&checksum(length, record).to_le_bytes());
    out.extend_from_slice(record);
}

/// A whole record found in a segment.
pub struct Found {
    pub start: u64,
    pub end: u64,
    pub record: Bytes,
}

/// Reads a segment's records in order, up to `limit`, with positioned reads and a window of about a chunk in
/// memory.
pub struct Reader<'a> {
    file: &'a File,
    tag: Tag,
    limit: u64,
    window: Bytes,
    window_at: u64,
}

impl<'a> Reader<'a> {
    pub fn new(file: &'a File, segment: Uuid, limit: u64) -> Self {
        Self { file, tag: tag(segment), limit, window: Bytes::new(), window_at: 0 }
    }

    /// The first whole record at or after `pos`; past `pos` only where the bytes there are damaged.
    pub fn next(&mut self, pos: u64) -> io::Result<Option<Found>> {
        if let Some(found) = self.whole_at(pos)? {
            return Ok(Some(found));
        }
        let mut from = pos.saturating_add(1); // a mark may claim anything
        while self.limit.saturating_sub(from) >= HEADER_BYTES as u64 {
            let bytes = self.bytes(from, size(self.limit - from).min(CHUNK_BYTES))?;
            let Some(offset) = memmem::find(&bytes, &self.tag) else {
                // A tag may lie across the end of these bytes.
                from += (bytes.len() - (self.tag.len() - 1)) as u64;
                continue;
            };
            from += offset as u64;
            if let Some(found) = self.whole_at(from)? {
                return Ok(Some(found));
            }
            from += 1;
        }
        Ok(None)
    }

    fn whole_at(&mut self, pos: u64) -> io::Result<Option<Found>> {
        let left = self.limit.saturating_sub(pos);
        if left < HEADER_BYTES as u64 {
            return Ok(None);
        }
        let header = self.bytes(pos, HEADER_BYTES)?;
        let &[a, b, c, d, l0, l1, l2, l3, c0, c1, c2, c3] = &header[..] else {
            return Ok(None);
        };
        let length_bytes = [l0, l1, l2, l3];
        let length = u32::from_le_bytes(length_bytes);
        let end = pos + HEADER_BYTES as u64 + u64::from(length);
        if [a, b, c, d] != self.tag || u64::from(length) > MAX_RECORD_BYTES as u64 || end > self.limit {
            return Ok(None);
        }
        let record = self.bytes(pos, size(end - pos))?.split_off(HEADER_BYTES);
        if checksum(length_bytes, &record) != u32::from_le_bytes([c0, c1, c2, c3]) {
            return Ok(None);
        }
        Ok(Some(Found { start: pos, end, record }))
    }

    /// `length` bytes at `pos`, both inside the limit, without a copy where the window holds them.
    fn bytes(&mut self, pos: u64, length: usize) -> io::Result<Bytes> {
        if let Some(from) = pos.checked_sub(self.window_at).map(size)
            && let Some(to) = from.checked_add(length)
            && to <= self.window.len()
        {
            return Ok(self.window.slice(from..to));
        }
        let mut window = vec![0; size(self.limit - pos).min(length.max(CHUNK_BYTES))];
        self.file.read_exact_at(&mut window, pos)?;
        self.window = window.into();
        self.window_at = pos;
        Ok(self.window.slice(..length))
    }
}

fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
