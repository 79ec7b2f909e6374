//! Makes the partitions that logs of the next days go into, so that no call's log waits for one. On SQLite there are none.

use std::collections::BTreeSet;

use logstore::partitions::{self, Partition};
use sea_orm::DbBackend;

use super::retention::organisations_after;
use crate::{Error, Parts, Report};

const DAY_MS: i64 = 86_400_000;

/// Makes those of today and of the two days after it, in every class that an organisation has now.
///
/// # Errors
/// [`Error`] if the database fails; what is missing then is made with the first log that needs it.
pub async fn run(parts: &Parts) -> Result<Report, Error> {
    let mut report = Report::default();
    if parts.db.get_database_backend() != DbBackend::Postgres {
        return Ok(report);
    }
    let now_ms = parts.clock.now_ms();
    let mut classes = BTreeSet::new();
    let mut last = None;
    loop {
        let page = organisations_after(parts, last).await?;
        let terms = page.iter().filter_map(|row| tenancy::terms(row, &parts.plan_overrides, now_ms).ok());
        classes.extend(terms.map(|(_, terms)| plans::retention_class(&terms, now_ms)));
        match page.last() {
            Some(organisation) => last = Some(organisation.id),
            None => break,
        }
    }
    let days = || (0..=2).map(|day| now_ms.saturating_add(day * DAY_MS));
    let wanted = classes.iter().flat_map(|class| days().map(|day| Partition::of(*class, day))).collect();
    let made = partitions::ensure(&parts.db, &wanted).await?;
    report.add("log_partitions", u64::try_from(made).unwrap_or(u64::MAX));
    Ok(report)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use plans::Overrides;

    use super::*;
    use crate::testing::{DAY, World};

    #[tokio::test]
    async fn the_days_to_come_are_made_before_they_are_needed_for_the_classes_in_use() {
        let world = World::new().await;
        let made = async || run(&world.parts).await.unwrap().count("log_partitions");
        let on_postgres = |n| scratch::on_postgres().then_some(n);
        assert_eq!(made().await, on_postgres(0), "nobody is there");
        world.organisation("developer", Overrides::default()).await;
        world.organisation("enterprise", Overrides::default()).await;
        assert_eq!(made().await, on_postgres(3 + 1), "three days, and the month that they are in");
        assert_eq!(made().await, on_postgres(0));
        world.parts.clock.advance(DAY);
        assert_eq!(made().await, on_postgres(1));
    }
}
