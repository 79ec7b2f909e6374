use super::*;
use crate::selection::{From, choose, count, read};

#[tokio::test]
async fn logs_are_chosen_from_the_oldest_on_within_the_scope_and_the_cutoff() {
    let f = Fixture::new().await;
    let mut ids = Vec::new();
    for n in 0..6 {
        ids.push(f.log(n, |_| {}).await);
    }
    let strange = row(&f.stranger, 9).into_active_model().insert(&f.db).await.unwrap().id;
    let all = Filter::default();
    let cutoff = Some(NOW + 1);
    for (from, limit, chosen) in [
        (From::Past(0), 3, &ids[1..4]),
        (From::Past(2), 3, &ids[3..6]),
        (From::Past(4), 3, &ids[5..6]),
        (From::Past(5), 3, &[]),
        (From::After(ids[3]), 1, &ids[4..5]),
        (From::After(ids[3]), 9, &ids[4..6]),
        (From::After(ids[5]), 9, &[]),
    ] {
        let found = choose(&f.db, &f.own, &all, cutoff, from, limit).await.unwrap();
        assert_eq!(found, chosen, "{from:?}, {limit}");
    }
    assert_eq!(count(&f.db, &f.own, &all, cutoff).await.unwrap(), 5);
    assert_eq!(count(&f.db, &f.own, &all, None).await.unwrap(), 6);
    assert_eq!(count(&f.db, &f.stranger, &all, None).await.unwrap(), 1);

    let asked = [ids[4], strange, ids[0], ids[2]];
    let read = read(&f.db, &f.own, &asked, cutoff).await.unwrap();
    assert_eq!(read.iter().map(|log| log.id).collect::<Vec<_>>(), [ids[2], ids[4]]);
}

#[tokio::test]
async fn a_filter_is_the_same_after_it_was_written_down() {
    let filter = Filter {
        created_ms: Range { min: Some(NOW), max: None },
        status_codes: vec![200],
        provider_models: vec![("openai".to_owned(), "gpt-4o".to_owned())],
        retries: vec![Retry::Failed],
        text: crate::text::Search::read("refund order"),
        weighted_feedback: Span { min: Some(-0.5), max: None },
        metadata: [("env".to_owned(), "prod".to_owned())].into(),
        ..Filter::default()
    };
    let written = serde_json::to_value(&filter).unwrap();
    assert_eq!(serde_json::from_value::<Filter>(written).unwrap(), filter);
}
