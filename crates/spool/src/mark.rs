//! The mark: how far the oldest segment is forgotten, and the batch begun there.
//!
//! One small file with two slots that are written in turn, each with a generation and a crc32, so that a torn
//! write leaves the other slot. All segments with a lower sequence are forgotten; `start == end` says that no
//! batch is begun.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

use uuid::Uuid;

/// Slots lie in different disk blocks.
const SLOT_BYTES: u64 = 4096;
const FILE_BYTES: u64 = 2 * SLOT_BYTES;
const FIELDS_BYTES: usize = 48;

/// A place in the spool: forgotten up to `start`, begun up to `end`, byte offsets in the segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub sequence: u64,
    pub segment: Uuid,
    pub start: u64,
    pub end: u64,
}

/// The open mark file.
#[derive(Debug)]
pub struct MarkFile {
    file: File,
    generation: u64,
}

impl MarkFile {
    /// Opens or makes the file, with the newest whole place in it.
    pub fn open(path: &Path) -> io::Result<(Self, Option<Place>)> {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        let slots = [read_slot(&file, 0)?, read_slot(&file, SLOT_BYTES)?];
        // Room for both slots is taken now: to drain must be possible on a full disk, for nothing else frees it.
        let length = file.metadata()?.len();
        if length < FILE_BYTES {
            let missing = usize::try_from(FILE_BYTES - length).unwrap_or_default();
            file.write_all_at(&vec![0; missing], length)?;
        }
        let newest = slots.into_iter().flatten().max_by_key(|(generation, _)| *generation);
        let generation = newest.map_or(0, |(generation, _)| generation);
        Ok((Self { file, generation }, newest.map(|(_, place)| place)))
    }

    /// Writes the place into the older slot.
    pub fn write(&mut self, place: Place, sync: bool) -> io::Result<()> {
        let generation = self.generation.saturating_add(1);
        let slot = encode(generation, place);
        self.file.write_all_at(&slot, (generation % 2) * SLOT_BYTES)?;
        if sync {
            self.file.sync_data()?;
        }
        self.generation = generation;
        Ok(())
    }
}

fn encode(generation: u64, place: Place) -> Vec<u8> {
    let mut slot = Vec::with_capacity(FIELDS_BYTES + 4);
    slot.extend_from_slice(&generation.to_le_bytes());
    slot.extend_from_slice(&place.sequence.to_le_bytes());
    slot.extend_from_slice(place.segment.as_bytes());
    slot.extend_from_slice(&place.start.to_le_bytes());
    slot.extend_from_slice(&place.end.to_le_bytes());
    let crc = crc32fast::hash(&slot);
    slot.extend_from_slice(&crc.to_le_bytes());
    slot
}

/// The slot's generation and place; none where it was never written, or torn.
fn read_slot(file: &File, at: u64) -> io::Result<Option<(u64, Place)>> {
    let mut slot = [0; FIELDS_BYTES + 4];
    match file.read_exact_at(&mut slot, at) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let (fields, crc) = slot.split_at(FIELDS_BYTES);
    if crc32fast::hash(fields).to_le_bytes() != crc {
        return Ok(None);
    }
    let number = |from: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&fields[from..from + 8]);
        u64::from_le_bytes(bytes)
    };
    let mut id = [0; 16];
    id.copy_from_slice(&fields[16..32]);
    let place =
        Place { sequence: number(8), segment: Uuid::from_bytes(id), start: number(32), end: number(40) };
    Ok(Some((number(0), place)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn place(start: u64) -> Place {
        Place { sequence: 7, segment: Uuid::from_u128(9), start, end: start + 5 }
    }

    #[test]
    fn the_room_for_both_slots_is_taken_at_once() {
        let dir = tempfile::tempdir().unwrap();
        for length in [0, 100, FILE_BYTES] {
            let path = dir.path().join(length.to_string());
            std::fs::write(&path, vec![1; usize::try_from(length).unwrap()]).unwrap();
            assert_eq!(MarkFile::open(&path).unwrap().1, None);
            assert_eq!(std::fs::metadata(&path).unwrap().len(), FILE_BYTES);
        }
    }

    #[test]
    fn a_torn_write_leaves_the_place_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mark");
        let (mut mark, none) = MarkFile::open(&path).unwrap();
        assert_eq!(none, None);
        for start in 1..=4 {
            mark.write(place(start), start == 2).unwrap();
            assert_eq!(MarkFile::open(&path).unwrap().1, Some(place(start)));
        }
        // Generation 4 stands in slot 0.
        let slot = encode(4, place(4));
        for torn in 0..slot.len() {
            mark.file.write_all_at(&vec![0xAA; slot.len()], 0).unwrap();
            mark.file.write_all_at(&slot[..torn], 0).unwrap();
            assert_eq!(MarkFile::open(&path).unwrap().1, Some(place(3)), "torn at {torn}");
        }
        let (mut mark, _) = MarkFile::open(&path).unwrap();
        mark.write(place(5), false).unwrap();
        assert_eq!(MarkFile::open(&path).unwrap().1, Some(place(5)));
    }

    #[test]
    fn the_highest_generation_there_is_is_followed_by_another_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mark");
        let slot = encode(u64::MAX, place(1));
        let (mark, _) = MarkFile::open(&path).unwrap();
        mark.file.write_all_at(&slot, SLOT_BYTES).unwrap();
        let (mut mark, _) = MarkFile::open(&path).unwrap();
        mark.write(place(2), false).unwrap();
        assert_eq!(MarkFile::open(&path).unwrap().1, Some(place(2)));
    }
}
