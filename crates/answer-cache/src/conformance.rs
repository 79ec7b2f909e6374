//! What every store must do.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use crate::{Answer, Entry, Place, Store};

pub(crate) const NOW_MS: i64 = 1_794_744_000_000;

pub(crate) fn entry(body: &[u8], streamed: bool) -> Arc<Entry> {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    let answer = Answer { headers, body: Bytes::copy_from_slice(body), streamed };
    Arc::new(Entry { answer, kept_ms: NOW_MS, ends_ms: NOW_MS + 60_000 })
}

/// The whole suite.
pub(crate) async fn all(store: &dyn Store) {
    let (ours, theirs) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let place = Place::numbered(ours, 1);
    assert_eq!(store.get(&place).await.unwrap(), None, "nothing was kept yet");

    let every_byte: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    for (body, streamed) in [(&every_byte[..], false), (b"data: [DONE]\n\n", true), (b"", false)] {
        let kept = entry(body, streamed);
        store.put(&place, &kept, NOW_MS).await.unwrap();
        assert_eq!(store.get(&place).await.unwrap(), Some(Arc::clone(&kept)), "what was kept last is given");
        if let Some(at_hand) = store.at_hand(&place) {
            assert_eq!(at_hand, kept);
        }
    }
    for other in [Place::numbered(ours, 2), Place::numbered(theirs, 1)] {
        assert_eq!(store.get(&other).await.unwrap(), None, "{other:?} has nothing");
    }
    store.put(&Place::numbered(theirs, 1), &entry(b"theirs", false), NOW_MS).await.unwrap();
    assert_eq!(store.get(&place).await.unwrap(), Some(entry(b"", false)), "another's is another");
}
