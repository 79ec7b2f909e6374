//! A segment file of arbitrary bytes: what is read out of it stands there whole, in order, and nothing else is read.

#![no_main]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::LazyLock;

use frame::Reader;
use libfuzzer_sys::fuzz_target;
use uuid::Uuid;

#[path = "../../crates/spool/src/frame.rs"]
mod frame;

/// Its tag is `abcd`, as it is in the seeds.
const SEGMENT: Uuid = Uuid::from_u128(0x6162_6364_0000_4000_8000_0000_0000_0000);

static FILE: LazyLock<File> = LazyLock::new(|| tempfile::tempfile().expect("a file"));

fuzz_target!(|bytes: &[u8]| {
    FILE.set_len(0).expect("an empty file");
    FILE.write_all_at(bytes, 0).expect("a segment");
    let mut reader = Reader::new(&FILE, SEGMENT, bytes.len() as u64);
    let mut end = 0;
    while let Some(found) = reader.next(end).expect("it can be read") {
        assert!(found.start >= end && found.end > found.start && found.end <= bytes.len() as u64);
        let mut framed = Vec::new();
        frame::encode(SEGMENT, &found.record, &mut framed);
        assert_eq!(framed, bytes[found.start as usize..found.end as usize]);
        end = found.end;
    }
});
