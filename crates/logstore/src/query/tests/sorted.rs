use sea_orm::TransactionTrait as _;

use super::*;

/// Pages of two, one after the other: the logs by their milliseconds after [`NOW`].
async fn walked(f: &Fixture, sort: Sort, filter: &Filter) -> Vec<i64> {
    let (mut walked, mut start) = (Vec::new(), Start::First(sort));
    loop {
        let page = list(&f.db, &f.own, filter, None, start, 2).await.unwrap();
        walked.extend(numbers(&page));
        let Some(next) = page.next else { return walked };
        assert_eq!((page.rows.len(), next.sort), (2, sort));
        start = Start::After(next.to_string().parse().unwrap());
    }
}

#[tokio::test]
async fn pages_in_each_order_have_every_log_once_and_what_is_not_known_last() {
    let f = Fixture::new().await;
    // By log: cost, tokens in and out, latency. There are doubles, and the like across a page's end.
    let logs = [
        (Some(5), Some(1), Some(2), 10),
        (None, None, None, 30),
        (Some(5), Some(3), None, 20),
        (Some(5), None, Some(9), 20),
        (Some(0), Some(0), Some(0), 20),
        (None, None, None, 20),
        (Some(i64::MAX), Some(2), Some(1), 0_i64),
    ];
    for (n, (cost, input, output, latency)) in (1..).zip(logs) {
        f.log(n, |row| {
            (row.cost_pusd, row.input_tokens, row.output_tokens, row.latency_us) =
                (cost, input, output, latency);
        })
        .await;
    }
    let all = Filter::default();
    for (by, descending, expected) in [
        (By::CreatedAt, true, [7, 6, 5, 4, 3, 2, 1]),
        (By::CreatedAt, false, [1, 2, 3, 4, 5, 6, 7]),
        (By::Cost, true, [7, 4, 3, 1, 5, 6, 2]),
        (By::Cost, false, [5, 1, 3, 4, 7, 2, 6]),
        (By::TotalTokens, true, [4, 7, 3, 1, 5, 6, 2]),
        (By::TotalTokens, false, [5, 1, 3, 7, 4, 2, 6]),
        (By::ResponseTime, true, [2, 6, 5, 4, 3, 1, 7]),
        (By::ResponseTime, false, [7, 1, 3, 4, 5, 6, 2]),
    ] {
        assert_eq!(walked(&f, Sort { by, descending }, &all).await, expected, "{by:?} {descending}");
    }
    let narrowed = Filter { latency_us: at_least(20), ..Filter::default() };
    assert_eq!(walked(&f, Sort { by: By::Cost, descending: true }, &narrowed).await, [4, 3, 5, 6, 2]);
}

/// Makes logs findable, each by its words.
async fn write_words(f: &Fixture, logs: &[(Uuid, &str)]) {
    let organisation_id = f.own.organisation();
    let waiting = entity::text_outbox::Model {
        id: Uuid::nil(),
        organisation_id,
        subjects: logs.iter().flat_map(|(id, _)| *id.as_bytes()).collect(),
        n: i32::try_from(logs.len()).unwrap(),
        created_at: NOW,
    };
    let insert = entity::text_outbox::Entity::insert(waiting.into_active_model());
    insert.exec_without_returning(&f.db).await.unwrap();
    let waiting = text::next(&f.db).await.unwrap().unwrap();
    let words =
        |(id, words): &(Uuid, &str)| text::Words { id: *id, organisation_id, words: (*words).to_owned() };
    let words: Vec<_> = logs.iter().map(words).collect();
    let txn = f.db.begin().await.unwrap();
    assert_eq!(text::write(&txn, &waiting, &words).await.unwrap(), logs.len() as u64);
    txn.commit().await.unwrap();
}

#[tokio::test]
async fn few_and_many_that_are_found_by_words_are_listed_in_each_order() {
    let f = Fixture::new().await;
    let mut logs = Vec::new();
    for n in 1..=9_u16 {
        let id = f
            .log(n, |row| (row.cost_pusd, row.latency_us) = (Some(i64::from(n % 4)), 9 - i64::from(n)))
            .await;
        logs.push((id, if n % 3 == 0 { "common rare" } else { "common" }));
    }
    logs.remove(4);
    write_words(&f, &logs).await;
    let of = |text: &str| Filter { text: text::Search::read(text), ..Filter::default() };
    for sort in Sort::all() {
        let all = walked(&f, sort, &Filter::default()).await;
        let only = |found: &[i64]| all.iter().copied().filter(|n| found.contains(n)).collect::<Vec<_>>();
        for (text, found) in [
            ("common", &[1, 2, 3, 4, 6, 7, 8, 9][..]),
            ("rare", &[3, 6, 9]),
            ("common rare", &[3, 6, 9]),
            ("none", &[]),
        ] {
            assert_eq!(walked(&f, sort, &of(text)).await, only(found), "{text} {sort:?}");
        }
        let narrowed =
            Filter { created_ms: Range { min: Some(NOW + 4), max: Some(NOW + 8) }, ..of("common") };
        assert_eq!(walked(&f, sort, &narrowed).await, only(&[4, 6, 7, 8]), "{sort:?}");
    }
    for (scope, found) in [(&f.admin, 8), (&f.stranger, 0)] {
        let page = list(&f.db, scope, &of("common"), None, Start::newest(), 100).await.unwrap();
        assert_eq!(page.rows.len(), found);
    }
    let page = list(&f.db, &f.own, &of("common"), Some(NOW + 7), Start::newest(), 100).await.unwrap();
    assert_eq!(numbers(&page), [9, 8, 7], "past retention");
}

#[tokio::test]
async fn feedback_counts_by_its_mean_over_the_trace_in_its_own_workspace() {
    use entity::feedback;
    let f = Fixture::new().await;
    for n in 1..=5 {
        f.log(n, |_| ()).await;
    }
    f.log(6, |row| row.trace_id = "trace-1".to_owned()).await;
    let organisation_id = f.own.organisation();
    let here = f.own.workspace().unwrap();
    for (n, trace, value, weight, workspace_id) in [
        (1, "trace-1", 10, 0.5, here),
        (2, "trace-1", -1, 1.0, here),
        (3, "trace-2", -10, 1.0, here),
        (4, "trace-3", 0, 1.0, here),
        // Next door a trace of that name is another.
        (5, "trace-4", 10, 1.0, Uuid::max()),
    ] {
        let row = feedback::Model {
            id: Uuid::from_u128(n),
            organisation_id,
            workspace_id,
            trace_id: trace.to_owned(),
            value,
            weight,
            metadata: None,
            created_at: NOW,
            last_updated_at: NOW,
        };
        row.into_active_model().insert(&f.db).await.unwrap();
    }
    let span = |min, max| Filter { weighted_feedback: Span { min, max }, ..Filter::default() };
    for (filter, found) in [
        (span(Some(2.0), None), vec![6, 1]),
        (span(Some(2.1), None), vec![]),
        (span(None, Some(2.0)), vec![6, 3, 2, 1]),
        (span(Some(-10.0), Some(0.0)), vec![3, 2]),
        (span(Some(-10.0), Some(10.0)), vec![6, 3, 2, 1]),
    ] {
        assert_eq!(f.found(filter.clone()).await, found, "{filter:?}");
    }
}
