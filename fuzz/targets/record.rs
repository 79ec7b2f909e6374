//! A record out of the spool: it is read, or not; what was read is written and read again as it was.

#![no_main]

use libfuzzer_sys::fuzz_target;
use recorder::Record;

fuzz_target!(|bytes: &[u8]| {
    let Ok(record) = rmp_serde::from_slice::<Record>(bytes) else { return };
    let written = rmp_serde::to_vec_named(&record).expect("what was read can be written");
    let again: Record = rmp_serde::from_slice(&written).expect("what was written can be read");
    assert_eq!(again, record);
    for message in [&record.request, &record.response] {
        let _ = message.headers.iter().count();
    }
});
