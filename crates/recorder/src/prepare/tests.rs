#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;
use crate::Payload;
use crate::testing::record;

fn fragile(record: Record, packer: &mut Packer, book: &Book) -> Entry {
    match record.method.as_str() {
        "PANIC" => panic!("made by the test"),
        _ => row::entry(record, packer, book),
    }
}

#[test]
fn a_record_that_panics_is_kept_without_its_content_and_holds_up_no_other() {
    let mut records = vec![record(Payload::Whole, None); 4];
    records[1].method = "PANIC".to_owned();
    records[2] = crate::Record { payload: Payload::Withheld, ..records[1].clone() };
    let mut bytes: Vec<Bytes> =
        records.iter().map(|record| rmp_serde::to_vec_named(record).unwrap().into()).collect();
    bytes.push(Bytes::from_static(b"no record"));

    let mut packer = None;
    let prepared = prepare(&bytes, &mut packer, &Book::built_in(), fragile).unwrap();
    assert_eq!(prepared.unreadable, 1);
    let seen: Vec<_> =
        prepared.entries.iter().map(|entry| (entry.log.payload.as_str(), entry.payload.is_some())).collect();
    assert_eq!(seen, [("whole", true), ("unstorable", false), ("withheld", false), ("whole", true)]);
    assert_eq!(prepared.entries[1].log.requested_model, records[1].requested_model);
    assert!(packer.is_some(), "kept for the next batch");
}
