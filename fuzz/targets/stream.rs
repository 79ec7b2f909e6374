//! An answer's stream on its way to the client: whatever its pieces are, all of it passes, and its terminator is held.
//!
//! The first byte is the length of the pieces.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use terminator::{Step, Terminator};

#[path = "../../gateway/src/terminator.rs"]
mod terminator;

/// What passed before the terminator, and what was held of it.
fn feed(stream: &[u8], piece: usize) -> (Vec<u8>, Vec<u8>) {
    let mut terminator = Terminator::default();
    let mut passed = Vec::new();
    for (index, chunk) in stream.chunks(piece).enumerate() {
        match terminator.push(Bytes::copy_from_slice(chunk)) {
            Step::Pass(bytes) => passed.extend_from_slice(&bytes),
            Step::Complete(before, mut held) => {
                passed.extend_from_slice(&before);
                let seen = stream.len().min((index + 1) * piece);
                assert_eq!([&passed[..], &held].concat(), stream[..seen], "lost or changed");
                held.truncate(1);
                return (passed, held.to_vec());
            }
        }
    }
    let held = terminator.finish();
    assert_eq!([&passed[..], &held].concat(), stream, "lost or changed");
    (passed, held.to_vec())
}

fuzz_target!(|input: &[u8]| {
    let [piece, stream @ ..] = input else { return };
    if stream.is_empty() {
        return;
    }
    let (at_once, held_at_once) = feed(stream, stream.len());
    let (in_pieces, held_in_pieces) = feed(stream, usize::from(*piece).max(1));
    assert_eq!(held_at_once.is_empty(), held_in_pieces.is_empty(), "found or not, by how it was cut");
    assert!(in_pieces.starts_with(&at_once), "held too early");
    // Of the line that opens a terminator a part may have passed, but never so much that a client takes it for one.
    assert!(in_pieces.len() - at_once.len() < 40, "held too late");
});
