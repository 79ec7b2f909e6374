use std::{collections::HashMap, fs, future::Future, task::Poll, time::Duration};

use spool::{AppendError, Level, MAX_RECORD_BYTES, Options};

use crate::{Folder, append_all, drain_all, numbered, texts};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_appenders_deliver_exactly_once_and_each_in_its_order() {
    const PRODUCERS: u32 = 8;
    const EACH: u32 = 300;
    let folder = Folder::new();
    let (spool, mut drain) = folder.open();
    for producer in 0..PRODUCERS {
        let spool = spool.clone();
        tokio::spawn(async move {
            append_all(&spool, (0..EACH).map(|n| format!("{producer} {n}"))).await;
        });
    }
    let (mut next_of, mut ends, mut count) = (HashMap::<u32, u32>::new(), HashMap::new(), 0);
    while count < PRODUCERS * EACH {
        let batch = drain.next(50, 1000).await.unwrap();
        assert!(!batch.records.is_empty() && batch.records.len() <= 50);
        assert_eq!(ends.insert(batch.segment, batch.end).unwrap_or(0), batch.start, "ranges join");
        for text in texts(&batch) {
            let (producer, n) = text.split_once(' ').unwrap();
            let next = next_of.entry(producer.parse().unwrap()).or_default();
            assert_eq!(n.parse::<u32>().unwrap(), *next);
            *next += 1;
            count += 1;
        }
        drain.forget(&batch).unwrap();
    }
    assert!(next_of.values().all(|next| *next == EACH));
    assert!(ends.len() > 5, "segments were changed: {}", ends.len());
    assert_eq!((spool.depth().records, spool.depth().bytes), (0, 0));
    spool.close().await;
    assert_eq!(drain_all(&mut drain), [""; 0]);
    assert_eq!(folder.segments().len(), 0, "drained segments are deleted");
}

#[tokio::test]
async fn dropping_the_future_does_not_take_the_record_back() {
    let folder = Folder::new();
    let (spool, mut drain) = folder.open();
    drop(spool.append(b"handed over".to_vec()));
    let batch = drain.next(10, 1000).await.unwrap();
    assert_eq!(texts(&batch), ["handed over"]);
}

#[tokio::test]
async fn a_batch_keeps_to_its_bounds_but_takes_one_record() {
    let folder = Folder::new();
    let (spool, mut drain) = folder.open();
    append_all(&spool, ["aaaaaaaaaa", "bbbb", "cccc", "dddd"].map(str::to_owned)).await;
    assert_eq!((spool.depth().records, spool.depth().bytes), (4, 22 + 4 * 12));
    for (max_records, max_bytes, expected) in
        [(9, 5, vec!["aaaaaaaaaa"]), (9, 11, vec!["bbbb", "cccc"]), (0, 0, vec!["dddd"])]
    {
        let batch = drain.try_next(max_records, max_bytes).unwrap().unwrap();
        assert_eq!(texts(&batch), expected);
        drain.forget(&batch).unwrap();
    }
    assert!(drain.try_next(9, 9).unwrap().is_none());
}

#[tokio::test]
async fn the_drain_wakes_when_something_is_appended_and_may_be_cancelled() {
    let folder = Folder::new();
    let (spool, mut drain) = folder.open();
    let mut next = Box::pin(drain.next(9, 999));
    while !matches!(poll(&mut next).await, Poll::Pending) {}
    spool.append(b"wake".to_vec()).await.unwrap();
    assert_eq!(texts(&next.await.unwrap()), ["wake"]);

    // Each polled once or not at all, and dropped: the batch stays the same.
    for _ in 0..20 {
        let mut cancelled = Box::pin(drain.next(1, 1));
        let _ = poll(&mut cancelled).await;
    }
    let batch = drain.next(1, 1).await.unwrap();
    drain.forget(&batch).unwrap();
    spool.append(b"after".to_vec()).await.unwrap();
    assert_eq!(drain_all(&mut drain), ["after"]);
}

async fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::future::poll_fn(|cx| Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx))).await
}

#[tokio::test]
async fn the_spool_is_full_at_its_bound_and_normal_once_drained() {
    let folder = Folder::new();
    let max_bytes = 100_000;
    let (spool, mut drain) = spool::open(Options { max_bytes, ..folder.options() }).unwrap();
    let mut levels = vec![spool.level()];
    let mut appended = Vec::new();
    for n in 0.. {
        match spool.append(format!("{n:0500}").into_bytes()).await {
            Ok(()) => appended.push(format!("{n:0500}")),
            Err(AppendError::Full) => break,
            Err(error) => unreachable!("{error}"),
        }
        if levels.last() != Some(&spool.level()) {
            levels.push(spool.level());
            assert!(spool.level() != Level::Shed || spool.depth().bytes >= max_bytes / 5 * 4);
        }
    }
    assert_eq!(levels, [Level::Normal, Level::Shed, Level::Full]);
    assert_eq!(appended.len() as u64, max_bytes / 512);
    let on_disk: u64 = folder.segments().iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert!(on_disk <= max_bytes, "{on_disk}");

    assert_eq!(drain_all(&mut drain), appended);
    assert_eq!(spool.level(), Level::Normal);
    append_all(&spool, numbered(0..5)).await;
    assert_eq!(drain_all(&mut drain), numbered(0..5));
}

#[tokio::test]
async fn a_drained_segment_that_could_not_be_changed_does_not_fill_the_spool_for_good() {
    let folder = Folder::new();
    let dir = folder.path().join("spool");
    let (spool, mut drain) = spool::open(Options::new(&dir, 10_000)).unwrap();
    // No new segment can be made meanwhile, but the open one can be written.
    let away = folder.path().join("away");
    fs::rename(&dir, &away).unwrap();
    spool.append(vec![1; 9900]).await.unwrap();
    assert!(matches!(spool.append(vec![2; 100]).await, Err(AppendError::Full)));
    fs::rename(&away, &dir).unwrap();
    let batch = drain.next(9, 9).await.unwrap();
    drain.forget(&batch).unwrap();
    let start = std::time::Instant::now();
    while spool.level() != Level::Normal {
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", spool.level());
        tokio::task::yield_now().await;
    }
    spool.append(vec![2; 5000]).await.unwrap();
}

#[tokio::test]
async fn a_record_beyond_the_longest_is_refused_and_the_longest_is_taken() {
    let folder = Folder::new();
    let (spool, mut drain) = spool::open(Options::new(folder.path(), 1 << 30)).unwrap();
    let refused = spool.append(vec![0; MAX_RECORD_BYTES + 1]).await;
    assert!(matches!(refused, Err(AppendError::TooLarge { max: MAX_RECORD_BYTES, .. })));
    spool.append(vec![1; MAX_RECORD_BYTES]).await.unwrap();
    spool.append(Vec::new()).await.unwrap();
    let batch = drain.next(9, usize::MAX).await.unwrap();
    assert_eq!(batch.records[0].len(), MAX_RECORD_BYTES);
    drain.forget(&batch).unwrap();
    assert_eq!(drain_all(&mut drain), [""]);
}

#[tokio::test]
async fn closing_writes_what_was_handed_over_and_refuses_the_rest() {
    let folder = Folder::new();
    let (spool, mut drain) = spool::open(Options { fsync: true, ..folder.options() }).unwrap();
    let futures: Vec<_> = numbered(0..100).into_iter().map(|text| spool.append(text.into_bytes())).collect();
    spool.close().await;
    spool.clone().close().await;
    for future in futures {
        future.await.unwrap();
    }
    assert!(matches!(spool.append(b"late".to_vec()).await, Err(AppendError::Closed)));
    assert!(matches!(spool.append_synced(b"late".to_vec()).await, Err(AppendError::Closed)));
    assert_eq!(drain_all(&mut drain), numbered(0..100));
}
