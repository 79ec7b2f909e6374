//! What the demo does, and what it says of it. Every number is read from the running server and held against what must be.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use entity::{log, log_payload};
use host::{Running, say};
use plans::Month;
use sea_orm::prelude::*;
use serde_json::Value;

use super::caller::Caller;
use super::drive::{Driven, drive};

/// How long logs may take into the store.
const SHIPPED_WITHIN: Duration = Duration::from_mins(2);

/// How often the meter is asked.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// Characters of a text in a log that is shown.
const SHOWN: usize = 160;

/// Three days, and a minute past them.
const PAST_RETENTION: Duration = Duration::from_mins(3 * 24 * 60 + 1);

/// The month's meter, as `GET /v1/usage` tells it.
struct Meter {
    used: u64,
    dropped: u64,
    limit: u64,
    whole: Value,
}

impl Meter {
    async fn ask(caller: &Caller) -> anyhow::Result<Self> {
        let whole = caller.get("/v1/usage").await?;
        let number =
            |name: &str| whole[name].as_u64().with_context(|| format!("GET /v1/usage has no {name}"));
        ensure!(number("unrecorded")? == 0 && number("expired")? == 0, "calls went unrecorded: {whole}");
        Ok(Self { used: number("used")?, dropped: number("dropped")?, limit: number("limit")?, whole })
    }

    /// Asks until all `calls` of the month are counted.
    async fn settled(caller: &Caller, calls: u64) -> anyhow::Result<Self> {
        let begun = Instant::now();
        loop {
            let meter = Self::ask(caller).await?;
            if meter.used + meter.dropped == calls {
                return Ok(meter);
            }
            let waited = begun.elapsed();
            ensure!(
                waited < SHIPPED_WITHIN && meter.used + meter.dropped < calls,
                "{calls} calls were made, and after {} s the meter counts {} recorded and {} not recorded",
                waited.as_secs(),
                meter.used,
                meter.dropped
            );
            tokio::time::sleep(ASK_EVERY).await;
        }
    }
}

pub(crate) async fn tell(
    running: &Running,
    caller: &Caller,
    organisation: Uuid,
    calls: u64,
) -> anyhow::Result<()> {
    say(&format!(
        "Driving {calls} calls of a Developer organisation through the gateway at {} to a provider on this machine,\n\
         half of them streamed …",
        running.url_here()
    ))?;
    let driven = drive(caller, calls).await?;
    let meter = Meter::settled(caller, calls).await?;
    say(&quota_met(&driven, &meter)?)?;
    say(&one_log(caller).await?)?;
    say(&retention_passed(running, caller, organisation).await?)?;
    say(&one_more(running, caller, calls).await?)?;
    Ok(())
}

/// All were answered: whatever was not would have ended the demo.
fn quota_met(driven: &Driven, meter: &Meter) -> anyhow::Result<String> {
    let recorded = driven.calls.min(meter.limit);
    let dropped = driven.calls - recorded;
    ensure!(
        (meter.used, meter.dropped) == (recorded, dropped),
        "of {} calls {recorded} logs should be recorded and {dropped} not; the meter counts {} and {}",
        driven.calls,
        meter.used,
        meter.dropped
    );
    let mut text = format!(
        "\n{} calls made, all answered. By GET /v1/usage, of a quota of {} logs a month:\n  {recorded:>9} logs recorded\n  \
         {dropped:>9} calls answered, their logs not recorded\n\n",
        driven.calls, meter.limit
    );
    let build = if cfg!(debug_assertions) { ", by an unoptimised build" } else { "" };
    writeln!(
        text,
        "{:.0} calls a second on 16 connections{build}; client, gateway and provider share this machine.",
        driven.calls_per_second()
    )?;
    writeln!(
        text,
        "Added to a call by the gateway: {} µs at p50, {} µs at p99 (the difference of {} calls through it and {} directly to \
         the\nprovider, one at a time on one connection: p50 {} and {} µs, p99 {} and {} µs).",
        driven.added(50).as_micros(),
        driven.added(99).as_micros(),
        driven.measured,
        driven.measured,
        driven.gateway.percentile(50).as_micros(),
        driven.direct.percentile(50).as_micros(),
        driven.gateway.percentile(99).as_micros(),
        driven.direct.percentile(99).as_micros(),
    )?;
    write!(text, "\nThe quota's state, GET /v1/usage:\n{:#}", meter.whole)?;
    Ok(text)
}

async fn one_log(caller: &Caller) -> anyhow::Result<String> {
    let list = caller.get("/v1/logs?limit=1").await?;
    let id = list["data"][0]["id"].as_str().context("GET /v1/logs lists no log")?;
    let path = format!("/v1/logs/{id}");
    let mut log = caller.get(&path).await?;
    shorten(&mut log);
    Ok(format!("\nThe newest log, GET {path} (long texts shortened here):\n{log:#}"))
}

/// Cuts long texts, wherever they are.
fn shorten(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some((at, _)) = text.char_indices().nth(SHOWN) {
                let more = text[at..].chars().count();
                *text = format!("{}… ({more} more characters)", &text[..at]);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.iter_mut().for_each(|(_, value)| shorten(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

async fn retention_passed(running: &Running, caller: &Caller, organisation: Uuid) -> anyhow::Result<String> {
    running.clock.advance(PAST_RETENTION);
    let list = caller.get("/v1/logs?limit=1").await?;
    let shown = list["data"].as_array().context("GET /v1/logs lists nothing")?.len();
    ensure!(shown == 0, "a log past its retention is shown: {list}");

    let before = rows(running, organisation).await?;
    let begun = Instant::now();
    let parts = workers::Parts::over(running);
    let report = workers::run_now(workers::Job::Retention, &parts).await?;
    let took_ms = begun.elapsed().as_millis();
    let after = rows(running, organisation).await?;
    ensure!(after == (0, 0), "the retention job left {} logs and {} contents", after.0, after.1);
    ensure!(report.count("log") == Some(before.0), "the retention job counts {report} of {} logs", before.0);
    Ok(format!(
        "\nThree days and a minute later, by the demo's clock:\n  GET /v1/logs lists none at once: what is past its retention is \
         not shown, deleted or not.\n  In the database there were {} logs and {} contents still; the retention job deleted them \
         in {took_ms} ms,\n  and now there are {} and {}.",
        before.0, before.1, after.0, after.1
    ))
}

/// Rows of logs and of their content.
async fn rows(running: &Running, organisation: Uuid) -> anyhow::Result<(u64, u64)> {
    let logs =
        log::Entity::find().filter(log::Column::OrganisationId.eq(organisation)).count(&running.db).await?;
    let contents = log_payload::Entity::find()
        .filter(log_payload::Column::OrganisationId.eq(organisation))
        .count(&running.db)
        .await?;
    Ok((logs, contents))
}

/// The quota is the month's, not the store's: what was deleted makes no room in it.
async fn one_more(running: &Running, caller: &Caller, calls: u64) -> anyhow::Result<String> {
    let before = Meter::ask(caller).await?;
    let new_month = before.used + before.dropped == 0;
    let counted = if new_month { 0 } else { calls };
    ensure!(before.used + before.dropped == counted, "the meter forgot calls: {}", before.whole);
    caller.call(calls).await?;
    let after = Meter::settled(caller, counted + 1).await?;
    let has_room = before.used < before.limit;
    ensure!((after.used > before.used) == has_room, "the last call was metered wrongly: {}", after.whole);

    let month = Month::of(running.clock.now_ms());
    let listed = caller.get("/v1/logs?limit=1").await?;
    let listed = listed["data"].as_array().map_or(0, Vec::len);
    ensure!(listed == usize::from(has_room), "the list shows {listed} logs after the last call");
    Ok(match (new_month, has_room) {
        (true, true) => format!(
            "\nOne more call: a new month, {month}, has begun on the demo's clock, so its log is recorded and listed."
        ),
        (false, true) => format!(
            "\nOne more call: {} of {month}'s {} logs were used, so its log is recorded and listed.",
            before.used, before.limit
        ),
        (_, false) => format!(
            "\nOne more call: answered, and its log not recorded: it is still {month}, whose quota is used, and deleting logs \
             gives\nnone of it back. {} calls are now counted as not recorded.",
            after.dropped
        ),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters_wherever_they_are() {
        let long = "é".repeat(SHOWN + 40);
        let mut value = json!({"a": [long, "short"], "n": 7});
        shorten(&mut value);
        let cut = format!("{}… (40 more characters)", "é".repeat(SHOWN));
        assert_eq!(value, json!({"a": [cut, "short"], "n": 7}));
    }
}
