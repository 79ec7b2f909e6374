//! What a list costs, whole and narrowed by each filter: asked of `logstore`, as the REST API does.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use logstore::query::list;
use logstore::sort::{By, Sort};
use logstore::text::Search;
use logstore::{Filter, Range, Retry, Start};
use sea_orm::ConnectionTrait;
use sea_orm::prelude::Uuid;
use tenancy::TenantScope;

use crate::explain::{Explaining, in_short};
use crate::fill::Store;
use crate::logs::rare;
use crate::organisations::Organisation;
use crate::text::most_frequent;

const DAY_MS: i64 = 86_400_000;

/// Logs of a page, as when a caller does not say.
const LIMIT: u64 = 50;

/// How often a query runs, unless it takes so long altogether.
const RUNS: usize = 15;
const ENOUGH: Duration = Duration::from_secs(3);

/// A question, and who asks: the same finds one log in a hundred, or none.
struct Question {
    name: String,
    filter: Filter,
    scope: TenantScope,
    start: Start,
}

/// Asks everything of the largest and of the smallest organisation, prints a table and gives the plans.
pub async fn measure(store: &Store, now_ms: i64) -> anyhow::Result<Vec<String>> {
    let [large, .., small] = store.organisations.as_slice() else { return Ok(Vec::new()) };
    println!("\nms for a page of {LIMIT}      largest organisation      smallest");
    println!("                             p50    max   logs     p50    max   logs");
    let (mut plans, mut last_steps) = (Vec::new(), String::new());
    let large_questions = questions(store, large, now_ms).await?;
    let small_questions = questions(store, small, now_ms).await?;
    for (of_large, of_small) in large_questions.iter().zip(&small_questions) {
        let mut line = format!("{:<26}", of_large.name);
        for (organisation, question) in [(large, of_large), (small, of_small)] {
            let (p50, max, found) = time(&store.db, organisation, question, now_ms).await?;
            write!(line, " {p50:>6.1} {max:>6.1} {found:>6}  ")?;
        }
        println!("{line}");
        let explaining = Explaining::new(&store.db);
        ask(&explaining, large, of_large, now_ms).await?;
        let plan = explaining.plan();
        let (steps, times) = in_short(&plan);
        if steps != last_steps {
            println!("    {steps}  {times}");
            last_steps = steps;
        }
        plans.push(format!("-- {}\n{}\n", of_large.name, plan.join("\n")));
    }
    Ok(plans)
}

async fn time(
    db: &impl ConnectionTrait,
    organisation: &Organisation,
    question: &Question,
    now_ms: i64,
) -> anyhow::Result<(f64, f64, usize)> {
    let mut found = ask(db, organisation, question, now_ms).await?;
    let begun = Instant::now();
    let mut took = Vec::with_capacity(RUNS);
    while took.len() < RUNS && (took.is_empty() || begun.elapsed() < ENOUGH) {
        let begun = Instant::now();
        found = ask(db, organisation, question, now_ms).await?;
        took.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    took.sort_by(f64::total_cmp);
    Ok((took[took.len() / 2], took[took.len() - 1], found))
}

async fn ask(
    db: &impl ConnectionTrait,
    organisation: &Organisation,
    question: &Question,
    now_ms: i64,
) -> anyhow::Result<usize> {
    let Question { filter, scope, start, .. } = question;
    let page = list(db, scope, filter, organisation.cutoff_ms(now_ms), *start, LIMIT).await?;
    Ok(page.rows.len())
}

async fn questions(store: &Store, organisation: &Organisation, now_ms: i64) -> anyhow::Result<Vec<Question>> {
    let scope = &organisation.scope;
    let whole =
        |name: &str, filter, start| Question { name: name.to_owned(), filter, scope: scope.clone(), start };
    let until = |days: i64| Filter {
        created_ms: Range { min: None, max: Some(now_ms - days * DAY_MS) },
        ..Filter::default()
    };
    let day = Range { min: Some(now_ms - 15 * DAY_MS), max: Some(now_ms - 14 * DAY_MS) };
    let page = list(&store.db, scope, &until(20), None, Start::newest(), LIMIT).await?;
    let trace_ids = page.rows.last().map(|log| log.trace_id.clone()).into_iter().collect();
    let mut all = vec![
        whole("first page", Filter::default(), Start::newest()),
        whole("page of 20 days ago", Filter::default(), page.next.into()),
        whole("a day of 15 days ago", Filter { created_ms: day, ..Filter::default() }, Start::newest()),
        whole("trace_id", Filter { trace_ids, ..Filter::default() }, Start::newest()),
    ];
    if store.searchable {
        // The most frequent word there is, of those logs that have content.
        let text = Search::read(&most_frequent());
        all.push(whole("text, most", Filter { text, ..Filter::default() }, Start::newest()));
        for (found, word) in [(true, rare::WORD), (false, "nothing")] {
            let text = Search::read(word);
            all.push(whole(&named("text", found), Filter { text, ..Filter::default() }, Start::newest()));
        }
    }
    for by in By::ALL {
        let first = Start::First(Sort { by, descending: by != By::CreatedAt });
        all.push(whole(&format!("by {}", by.as_str()), Filter::default(), first));
    }
    for (found, nothing) in [(true, false), (false, true)] {
        let workspace = if nothing { Uuid::max() } else { rare::WORKSPACE };
        if let Some(scope) = scope.within(workspace) {
            let name = named("workspace", found);
            all.push(Question { name, filter: Filter::default(), scope, start: Start::newest() });
        }
        let narrowed = filters(nothing).into_iter();
        all.extend(narrowed.map(|(name, filter)| whole(&named(name, found), filter, Start::newest())));
    }
    Ok(all)
}

fn named(name: &str, found: bool) -> String {
    format!("{name}{}", if found { ", 1 in 100" } else { ", none" })
}

/// By each field, what one log in a hundred has, or none.
fn filters(nothing: bool) -> Vec<(&'static str, Filter)> {
    let word = |rare: &str| vec![if nothing { "nothing" } else { rare }.to_owned()];
    let above = |rare: i64| Range { min: Some(if nothing { i64::MAX } else { rare }), max: None };
    let pair = (rare::PROVIDER.to_owned(), word("gpt-4o-mini-2024-07-18").remove(0));
    let environment = ("environment".to_owned(), word(rare::ENVIRONMENT).remove(0));
    let all = Filter::default;
    vec![
        ("status_code", Filter { status_codes: vec![if nothing { 418 } else { rare::STATUS }], ..all() }),
        ("provider", Filter { providers: word(rare::PROVIDER), ..all() }),
        ("model", Filter { models: word(rare::MODEL), ..all() }),
        ("provider and model", Filter { provider_models: vec![pair], ..all() }),
        ("virtual_key", Filter { virtual_keys: word(rare::VIRTUAL_KEY), ..all() }),
        (
            "api_key_id",
            Filter { api_key_ids: vec![if nothing { Uuid::max() } else { rare::API_KEY }], ..all() },
        ),
        ("metadata", Filter { metadata: [environment].into(), ..all() }),
        ("cost", Filter { cost_pusd: above(rare::COST_PUSD), ..all() }),
        ("total_tokens", Filter { total_tokens: above(rare::INPUT_TOKENS), ..all() }),
        ("input_tokens", Filter { input_tokens: above(rare::INPUT_TOKENS), ..all() }),
        ("output_tokens", Filter { output_tokens: above(rare::OUTPUT_TOKENS), ..all() }),
        ("latency", Filter { latency_us: above(rare::LATENCY_US), ..all() }),
        ("cache_status", Filter { cache_statuses: word(rare::CACHE), ..all() }),
        (
            "retries",
            Filter { retries: vec![if nothing { Retry::Succeeded } else { Retry::Failed }], ..all() },
        ),
    ]
}
