//! A folder as some crash, some disk or somebody left it: it opens, it can be drained, and it is in order afterwards.

#![no_main]

use std::fs;
use std::path::Path;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use spool::{Drain, Options, Spool};

/// What lies in the folder.
#[derive(Debug, Arbitrary)]
struct Left {
    segments: Vec<Segment>,
    mark: Mark,
}

#[derive(Debug, Arbitrary)]
struct Segment {
    sequence: u64,
    tag: [u8; 4],
    pieces: Vec<Piece>,
}

#[derive(Debug, Arbitrary)]
enum Piece {
    Whole(Vec<u8>),
    /// A whole record that ends so many bytes early.
    Cut(Vec<u8>, u8),
    Claims {
        length: u32,
        record: Vec<u8>,
    },
    Bytes(Vec<u8>),
}

#[derive(Debug, Arbitrary)]
enum Mark {
    None,
    Bytes(Vec<u8>),
    Slots([Option<Slot>; 2]),
}

#[derive(Debug, Arbitrary)]
struct Slot {
    generation: u64,
    sequence: u64,
    /// Which segment it names.
    segment: u8,
    start: u64,
    end: u64,
}

fn frame(tag: [u8; 4], length: u32, record: &[u8]) -> Vec<u8> {
    let length = length.to_le_bytes();
    let mut checked = crc32fast::Hasher::new();
    checked.update(&length);
    checked.update(record);
    [&tag[..], &length, &checked.finalize().to_le_bytes(), record].concat()
}

fn whole(tag: [u8; 4], record: &[u8]) -> Vec<u8> {
    frame(tag, u32::try_from(record.len()).expect("short"), record)
}

impl Segment {
    fn id(&self, index: usize) -> uuid::Uuid {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&self.tag);
        id[15] = u8::try_from(index).expect("few segments");
        uuid::Uuid::from_bytes(id)
    }

    fn bytes(&self) -> Vec<u8> {
        let piece = |piece: &Piece| match piece {
            Piece::Whole(record) => whole(self.tag, record),
            Piece::Cut(record, early) => {
                let mut bytes = whole(self.tag, record);
                bytes.truncate(bytes.len().saturating_sub(usize::from(*early)));
                bytes
            }
            Piece::Claims { length, record } => frame(self.tag, *length, record),
            Piece::Bytes(bytes) => bytes.clone(),
        };
        self.pieces.iter().flat_map(piece).collect()
    }
}

impl Left {
    fn write(&self, dir: &Path) {
        for (index, segment) in self.segments.iter().enumerate() {
            let name = format!("{:020}-{}.seg", segment.sequence, segment.id(index));
            fs::write(dir.join(name), segment.bytes()).expect("a segment");
        }
        match &self.mark {
            Mark::None => {}
            Mark::Bytes(bytes) => fs::write(dir.join("mark"), bytes).expect("a mark"),
            Mark::Slots(slots) => {
                let mut file = vec![0; 8192];
                for (at, slot) in [0, 4096].into_iter().zip(slots) {
                    let Some(slot) = slot else { continue };
                    let index = usize::from(slot.segment) % self.segments.len().max(1);
                    let id = self.segments.get(index).map_or(uuid::Uuid::nil(), |segment| segment.id(index));
                    let mut fields = [slot.generation.to_le_bytes(), slot.sequence.to_le_bytes()].concat();
                    fields.extend_from_slice(id.as_bytes());
                    fields.extend_from_slice(&slot.start.to_le_bytes());
                    fields.extend_from_slice(&slot.end.to_le_bytes());
                    fields.extend_from_slice(&crc32fast::hash(&fields).to_le_bytes());
                    file[at..at + fields.len()].copy_from_slice(&fields);
                }
                fs::write(dir.join("mark"), file).expect("a mark");
            }
        }
    }

    /// What must be delivered, where nothing is damaged or marked: all records, in the order of the segments.
    fn intact(&self) -> Option<Vec<Vec<u8>>> {
        let mut segments: Vec<_> =
            self.segments.iter().enumerate().map(|(at, s)| (s.sequence, s.id(at), s)).collect();
        segments.sort_by_key(|(sequence, id, _)| (*sequence, *id));
        let pieces = segments.iter().flat_map(|(_, _, segment)| &segment.pieces);
        let records = pieces.map(|piece| match piece {
            Piece::Whole(record) => Some(record.clone()),
            _ => None,
        });
        matches!(self.mark, Mark::None).then(|| records.collect()).flatten()
    }
}

fn open(dir: &Path) -> (Spool, Drain) {
    spool::open(Options::new(dir, 1 << 30)).expect("whatever is in it, it opens")
}

fn drain_all(drain: &mut Drain) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while let Some(batch) = drain.try_next(2, 64).expect("it can be read") {
        assert!(batch.end > batch.start, "a batch without end");
        records.extend(batch.records.iter().map(|record| record.to_vec()));
        drain.forget(&batch).expect("the batch that was begun");
    }
    records
}

fuzz_target!(|left: Left| {
    if left.segments.len() > 8 {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    left.write(dir.path());
    let (spool, mut drain) = open(dir.path());
    let records = drain_all(&mut drain);
    if let Some(expected) = left.intact() {
        assert_eq!(records, expected);
        assert_eq!((spool.depth().records, spool.damaged()), (0, 0));
    }
    assert_eq!(spool.depth().bytes, 0);

    // What is appended now comes out, after a start anew too, and nothing of what was before.
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        spool.append(b"more".to_vec()).await.expect("there is room");
        spool.close().await;
    });
    drop((spool, drain));
    let (_spool, mut drain) = open(dir.path());
    assert_eq!(drain_all(&mut drain), [b"more"]);
});
