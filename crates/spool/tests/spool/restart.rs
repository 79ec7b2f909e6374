use proptest::prelude::*;
use spool::{Batch, Drain, Error, Spool};

use crate::{Folder, append_all, drain_all, numbered, texts};

#[tokio::test]
async fn what_was_not_forgotten_comes_again_and_nothing_else() {
    let folder = Folder::new();
    for round in 0..4 {
        let (spool, mut drain) = folder.open();
        // The first round's leftovers, then this one's, oldest first.
        append_all(&spool, numbered(round * 40..(round + 1) * 40)).await;
        for n in round * 10..(round + 1) * 10 {
            let batch = drain.try_next(1, usize::MAX).unwrap().unwrap();
            assert_eq!(texts(&batch), numbered(n..n + 1));
            drain.forget(&batch).unwrap();
        }
        spool.close().await;
    }
    let (spool, mut drain) = folder.open();
    assert_eq!(spool.depth().records, 120);
    assert_eq!(drain_all(&mut drain), numbered(40..160));
    assert_eq!((spool.depth().records, spool.depth().bytes), (0, 0));
    spool.close().await;
    drop((spool, drain));

    // Numbers of segments that are all deleted are not given out again.
    let (spool, mut drain) = folder.open();
    append_all(&spool, numbered(0..3)).await;
    assert_eq!(drain_all(&mut drain), numbered(0..3));
}

#[tokio::test]
async fn a_begun_batch_is_the_same_after_a_restart() {
    let folder = Folder::new();
    let (spool, mut drain) = folder.open();
    append_all(&spool, numbered(0..30)).await;
    let first = drain.next(2, usize::MAX).await.unwrap();
    drain.forget(&first).unwrap();
    let begun = drain.next(5, usize::MAX).await.unwrap();
    assert_eq!(drain.next(1, 1).await.unwrap(), begun, "until it is forgotten");

    let folder = folder.snapshot();
    for bounds in [(1, 1), (100, usize::MAX)] {
        let (spool, mut drain) = folder.open();
        append_all(&spool, ["later".to_owned()]).await;
        assert_eq!(drain.next(bounds.0, bounds.1).await.unwrap(), begun);
        spool.close().await;
    }
    let (_spool, mut drain) = folder.open();
    let mut expected = numbered(2..30);
    expected.extend(["later".to_owned(), "later".to_owned()]);
    assert_eq!(drain_all(&mut drain), expected);
}

#[tokio::test]
async fn only_the_begun_batch_can_be_forgotten() {
    let folder = Folder::new();
    let (spool, mut drain) = folder.open();
    append_all(&spool, numbered(0..3)).await;
    let batch = drain.next(1, 1).await.unwrap();
    let other = Batch { end: batch.end + 1, ..batch.clone() };
    assert!(matches!(drain.forget(&other), Err(Error::NotBegun { .. })));
    drain.forget(&batch).unwrap();
    assert!(matches!(drain.forget(&batch), Err(Error::NotBegun { .. })));
    assert_eq!(drain_all(&mut drain), numbered(1..3));
}

#[tokio::test]
async fn a_folder_in_use_is_refused() {
    let folder = Folder::new();
    let (spool, drain) = folder.open();
    let refused = spool::open(folder.options());
    assert!(matches!(refused, Err(Error::Locked { dir }) if dir == folder.path()));
    spool.close().await;
    assert!(matches!(spool::open(folder.options()), Err(Error::Locked { .. })), "it can still be drained");
    drop((spool, drain));
    spool::open(folder.options()).unwrap();
}

#[derive(Debug, Clone)]
enum Step {
    Append(u8),
    Begin(usize),
    Forget,
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1..30_u8).prop_map(Step::Append),
        3 => (1..20_usize).prop_map(Step::Begin),
        3 => Just(Step::Forget),
        1 => Just(Step::Kill),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// Against a plain list: whatever happens in whatever order, nothing is lost, doubled, reordered or
    /// regrouped.
    #[test]
    fn any_history_delivers_each_record_once(steps in prop::collection::vec(step(), 1..60)) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(replay(steps));
    }
}

async fn replay(steps: Vec<Step>) {
    let mut folder = Folder::new();
    let (mut spool, mut drain): (Spool, Drain) = folder.open();
    let (mut appended, mut forgotten) = (0, 0);
    let mut begun: Option<Batch> = None;
    for step in steps {
        match step {
            Step::Append(count) => {
                append_all(&spool, numbered(appended..appended + u32::from(count))).await;
                appended += u32::from(count);
            }
            Step::Begin(max) => {
                let batch = drain.try_next(max, usize::MAX).unwrap();
                if begun.is_some() {
                    assert_eq!(batch, begun);
                }
                assert_eq!(batch.is_none(), forgotten == appended);
                begun = batch;
            }
            Step::Forget => {
                if let Some(batch) = begun.take() {
                    // After a kill it has to be taken again first.
                    assert_eq!(drain.try_next(1, 1).unwrap().as_ref(), Some(&batch));
                    let count = u32::try_from(batch.records.len()).unwrap();
                    assert_eq!(texts(&batch), numbered(forgotten..forgotten + count));
                    drain.forget(&batch).unwrap();
                    forgotten += count;
                }
            }
            Step::Kill => {
                folder = folder.snapshot();
                (spool, drain) = folder.open();
            }
        }
        assert_eq!(spool.depth().records, u64::from(appended - forgotten));
    }
    assert_eq!(drain_all(&mut drain), numbered(forgotten..appended));
    assert_eq!((spool.depth().records, spool.depth().bytes), (0, 0));
}
