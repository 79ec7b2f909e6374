use std::fs;

use proptest::prelude::*;
use spool::{Options, Spool};

use crate::{Folder, append_all, drain_all, numbered, texts};

const HEADER: usize = 12;

/// A folder with one segment of these records, as a killed process leaves it.
async fn written(records: &[String]) -> Folder {
    let folder = Folder::new();
    let (spool, _drain) = spool::open(Options::new(folder.path(), 1 << 20)).unwrap();
    append_all(&spool, records.iter().cloned()).await;
    folder.snapshot()
}

/// Puts `bytes` in place of the only segment's.
fn damaged(folder: &Folder, bytes: &[u8]) -> Folder {
    let copy = folder.snapshot();
    fs::write(&copy.segments()[0], bytes).unwrap();
    copy
}

fn segment_bytes(folder: &Folder) -> Vec<u8> {
    assert_eq!(folder.segments().len(), 1);
    fs::read(&folder.segments()[0]).unwrap()
}

/// What is delivered, with one more record appended after the damage.
async fn delivered(folder: &Folder) -> (Spool, Vec<String>) {
    let (spool, mut drain) = folder.open();
    append_all(&spool, ["more".to_owned()]).await;
    (spool, drain_all(&mut drain))
}

#[tokio::test]
async fn a_tail_torn_at_any_byte_costs_only_the_record_it_cuts() {
    let records = numbered(1..4);
    let folder = written(&records).await;
    let bytes = segment_bytes(&folder);
    let last = bytes.len() - HEADER - records[2].len();
    for end in last..=bytes.len() {
        let (spool, got) = delivered(&damaged(&folder, &bytes[..end])).await;
        let mut expected = if end == bytes.len() { records.clone() } else { records[..2].to_vec() };
        expected.push("more".to_owned());
        assert_eq!(got, expected, "cut at {end}");
        assert_eq!((spool.depth().records, spool.depth().bytes), (0, 0));
    }
}

#[tokio::test]
async fn any_damaged_byte_in_the_middle_costs_only_its_record() {
    let records = numbered(1..4);
    let folder = written(&records).await;
    let bytes = segment_bytes(&folder);
    let middle = HEADER + records[0].len();
    for at in middle..middle + HEADER + records[1].len() {
        for flip in [0x01, 0x80, 0xFF] {
            let mut bytes = bytes.clone();
            bytes[at] ^= flip;
            let (spool, got) = delivered(&damaged(&folder, &bytes)).await;
            assert_eq!(got, [&records[0], &records[2], "more"], "byte {at}");
            assert_eq!(spool.damaged(), 1);
            assert_eq!((spool.depth().records, spool.depth().bytes), (0, 0));
        }
    }
}

#[tokio::test]
async fn a_segment_with_the_highest_number_there_is_keeps_no_spool_from_opening() {
    let folder = written(&numbered(1..3)).await;
    let segment = &folder.segments()[0];
    let name = segment.file_name().unwrap().to_str().unwrap().split_once('-').unwrap().1;
    fs::rename(segment, folder.path().join(format!("{}-{name}", u64::MAX))).unwrap();
    let (spool, mut got) = delivered(&folder).await;
    got.sort();
    let mut expected = [numbered(1..3), vec!["more".to_owned()]].concat();
    expected.sort();
    assert_eq!((got, spool.depth().records), (expected, 0));
}

#[tokio::test]
async fn the_search_for_the_next_record_sees_one_across_two_reads() {
    const READ: usize = 1 << 20;
    for end in READ - 4..READ + 4 {
        let folder = Folder::new();
        let (spool, mut drain) = spool::open(Options::new(folder.path(), 1 << 30)).unwrap();
        append_all(&spool, ["x".repeat(end - HEADER), "found".to_owned()]).await;
        let mut bytes = segment_bytes(&folder);
        bytes[0] ^= 1;
        fs::write(&folder.segments()[0], bytes).unwrap();
        assert_eq!(drain_all(&mut drain), ["found"], "a record at {end}");
    }
}

#[tokio::test]
async fn a_begun_range_keeps_its_end_when_its_tail_is_lost() {
    let records = numbered(1..6);
    let folder = Folder::new();
    let (spool, mut drain) = spool::open(Options::new(folder.path(), 1 << 20)).unwrap();
    append_all(&spool, records.clone()).await;
    let begun = drain.next(4, usize::MAX).await.unwrap();
    let bytes = segment_bytes(&folder);
    let third = 2 * HEADER + records[0].len() + records[1].len();
    for keep in [third + 5, usize::try_from(begun.end).unwrap() + 5] {
        let folder = damaged(&folder, &bytes[..keep]);
        let (spool, mut drain) = folder.open();
        append_all(&spool, ["more".to_owned()]).await;
        let again = drain.next(9, usize::MAX).await.unwrap();
        assert_eq!((again.segment, again.start, again.end), (begun.segment, begun.start, begun.end));
        let left = if keep == third + 5 { 2 } else { 4 };
        assert_eq!(texts(&again), records[..left]);
        drain.forget(&again).unwrap();
        assert_eq!(drain_all(&mut drain), ["more"]);
        assert_eq!((spool.depth().records, spool.depth().bytes), (0, 0));
    }
    // Nothing is left of the range, but of what follows it: that must not be delivered under the range's
    // start.
    let mut bytes = bytes;
    bytes[..usize::try_from(begun.end).unwrap()].fill(0);
    let folder = damaged(&folder, &bytes);
    let (_spool, mut drain) = folder.open();
    let after = drain.next(9, usize::MAX).await.unwrap();
    assert_eq!((after.start, texts(&after)), (begun.end, records[4..].to_vec()));
}

#[tokio::test]
async fn damage_under_a_running_spool_does_not_stop_it() {
    let records = numbered(1..10);
    let folder = Folder::new();
    let (spool, mut drain) = spool::open(Options::new(folder.path(), 1 << 20)).unwrap();
    append_all(&spool, records.clone()).await;
    let mut bytes = segment_bytes(&folder);
    let tail = bytes.len() - HEADER - records[8].len();
    bytes[HEADER] ^= 1;
    bytes[tail + HEADER] ^= 1;
    fs::write(&folder.segments()[0], bytes).unwrap();
    assert_eq!(drain_all(&mut drain), records[1..8]);
    append_all(&spool, ["more".to_owned()]).await;
    assert_eq!(drain_all(&mut drain), ["more"]);
    assert_eq!(spool.damaged(), 2);
    spool.close().await;
    assert_eq!(drain_all(&mut drain), [""; 0]);
    assert_eq!((spool.depth().records, spool.depth().bytes), (0, 0));
}

#[tokio::test]
async fn files_of_others_and_a_lost_mark_do_no_harm() {
    let folder = written(&numbered(0..3)).await;
    for name in ["notes.txt", "x.seg", "1-2.seg"] {
        fs::write(folder.path().join(name), "not ours").unwrap();
    }
    fs::write(folder.path().join("mark"), vec![0xEE; 5000]).unwrap();
    let (_, got) = delivered(&folder).await;
    assert_eq!(got[..3], numbered(0..3));
    assert!(folder.path().join("notes.txt").exists());
}

/// Where, and what is written there.
fn stretches() -> impl Strategy<Value = Vec<(prop::sample::Index, Vec<u8>)>> {
    prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 1..400)), 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any overwritten stretches: each record they miss is delivered, in order, and nothing that was never
    /// appended.
    #[test]
    fn stretches_of_damage_cost_only_what_they_touch(
        stretches in stretches(),
        zeros in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let records = numbered(1..25);
            let folder = written(&records).await;
            let mut bytes = segment_bytes(&folder);
            let whole = bytes.clone();
            for (index, stretch) in &stretches {
                let at = index.index(bytes.len());
                for (byte, new) in bytes[at..].iter_mut().zip(stretch) {
                    *byte = if zeros { 0 } else { *new };
                }
            }
            let mut start = 0;
            let mut expected: Vec<_> = records.iter().filter(|record| {
                let frame = start..start + HEADER + record.len();
                start = frame.end;
                bytes[frame.clone()] == whole[frame]
            }).cloned().collect();
            expected.push("more".to_owned());
            let (spool, got) = delivered(&damaged(&folder, &bytes)).await;
            assert_eq!(got, expected);
            assert_eq!((spool.depth().records, spool.depth().bytes), (0, 0));
        });
    }
}
