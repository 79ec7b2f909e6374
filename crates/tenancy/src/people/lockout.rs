//! Waiting after failed attempts: longer with each, by account and by client address.
//!
//! An attempt counts when it begins and is taken back when it was right, so that a thousand at once are not one.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use entity::sign_in_attempt::{Column, Entity, Model};
use moka::sync::Cache as Map;
use sea_orm::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{DatabaseConnection, IntoActiveModel, TransactionTrait};

use crate::secret;

/// Failures in a row after which an account waits, and an address, behind which there may be an office.
const ACCOUNT_FREE: i32 = 5;
const ADDRESS_FREE: i32 = 20;

/// The longest wait. Milliseconds.
const MAX_WAIT_MS: i64 = 15 * 60_000;

/// After so long without an attempt an account's failures are forgotten, and an address's, where there are always some
/// that are nobody's fault. Milliseconds.
const ACCOUNT_FORGOTTEN_MS: i64 = 86_400_000;
const ADDRESS_FORGOTTEN_MS: i64 = 3_600_000;

/// By how much the clocks of two servers may differ, that an account is tried at in turn. Milliseconds.
const CLOCKS_DIFFER_MS: i64 = 60_000;

/// Addresses remembered: past that the least seen go.
const MAX_ADDRESSES: u64 = 100_000;

/// How long to wait after so many failures: 1 s, 2 s, 4 s …
fn wait_ms(failures: i32, free: i32) -> i64 {
    match failures - free {
        ..0 => 0,
        more => (1000 << more.min(20)).min(MAX_WAIT_MS),
    }
}

/// What is left of the wait until `next_ms`; none when it is over. One that is far longer than it was when it began is of a
/// clock that was set back since, and over.
fn left_ms(next_ms: i64, failures: i32, free: i32, now_ms: i64) -> Option<i64> {
    let (left_ms, wait_ms) = (next_ms - now_ms, wait_ms(failures, free));
    (wait_ms > 0 && (1..=wait_ms + CLOCKS_DIFFER_MS).contains(&left_ms)).then_some(left_ms)
}

/// What is counted of an account: its address's hash, so that what people mistype is not kept.
pub(super) fn account(email: &str) -> Vec<u8> {
    secret::hash(email).to_vec()
}

/// Counts an attempt; `Some`: it comes too soon, by so many milliseconds, and does not count.
pub(super) async fn begin(
    db: &DatabaseConnection,
    account: &[u8],
    now_ms: i64,
) -> Result<Option<i64>, DbErr> {
    let txn = db.begin().await?;
    // Writes first, so that attempts on one account take turns.
    let new = Model { account: account.to_vec(), failures: 0, next_at: 0 };
    let same = Expr::col((Entity, Column::Failures));
    let conflict = OnConflict::column(Column::Account).value(Column::Failures, same).to_owned();
    Entity::insert(new.into_active_model()).on_conflict(conflict).exec_without_returning(&txn).await?;
    let row = Entity::find_by_id(account.to_vec()).one(&txn).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("the attempt".to_owned()))?;
    if let Some(left_ms) = left_ms(row.next_at, row.failures, ACCOUNT_FREE, now_ms) {
        txn.rollback().await?;
        return Ok(Some(left_ms));
    }
    let before = if now_ms - row.next_at > ACCOUNT_FORGOTTEN_MS { 0 } else { row.failures };
    let failures = before.saturating_add(1);
    Entity::update_many()
        .col_expr(Column::Failures, Expr::value(failures))
        .col_expr(Column::NextAt, Expr::value(now_ms + wait_ms(failures, ACCOUNT_FREE)))
        .filter(Column::Account.eq(account.to_vec()))
        .exec(&txn)
        .await?;
    txn.commit().await?;
    Ok(None)
}

/// It was right: the account starts anew.
pub(super) async fn clear(db: &impl ConnectionTrait, account: &[u8]) -> Result<(), DbErr> {
    Entity::delete_by_id(account.to_vec()).exec(db).await.map(|_| ())
}

/// Attempts by client address, in memory.
pub(super) struct Addresses(Map<IpAddr, Arc<Mutex<Attempts>>>);

#[derive(Default)]
struct Attempts {
    failures: i32,
    next_ms: i64,
}

impl Addresses {
    pub fn new() -> Self {
        Self(Map::new(MAX_ADDRESSES))
    }

    /// As [`begin`].
    pub fn begin(&self, address: IpAddr, now_ms: i64) -> Option<i64> {
        self.with(address, |attempts| {
            if let Some(left_ms) = left_ms(attempts.next_ms, attempts.failures, ADDRESS_FREE, now_ms) {
                return Some(left_ms);
            }
            if now_ms - attempts.next_ms > ADDRESS_FORGOTTEN_MS {
                attempts.failures = 0;
            }
            attempts.failures = attempts.failures.saturating_add(1);
            attempts.next_ms = now_ms + wait_ms(attempts.failures, ADDRESS_FREE);
            None
        })
    }

    /// One attempt was none to count. The others stay: who has one account of their own may not guess on by it.
    pub fn take_back(&self, address: IpAddr, now_ms: i64) {
        self.with(address, |attempts| {
            attempts.failures = (attempts.failures - 1).max(0);
            attempts.next_ms = attempts.next_ms.min(now_ms + wait_ms(attempts.failures, ADDRESS_FREE));
        });
    }

    fn with<T>(&self, address: IpAddr, work: impl FnOnce(&mut Attempts) -> T) -> T {
        let attempts = self.0.get_with(network(address), Arc::default);
        work(&mut attempts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// An IPv6 client has a whole /64 to call from; it counts as one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_over_when_its_time_is_and_when_the_clock_was_set_back_since() {
        let (now_ms, hour_ms) = (1_795_392_000_000, 3_600_000);
        for (failures, left, told) in [
            (5, 1_000, Some(1_000)),
            (5, 1, Some(1)),
            (5, 0, None),
            (5, 3_000, Some(3_000)),
            (5, 1_000 + hour_ms, None),
            (15, 900_000, Some(900_000)),
            (15, 900_000 + hour_ms, None),
            (1, 0, None),
            (1, hour_ms, None),
        ] {
            assert_eq!(left_ms(now_ms + left, failures, ACCOUNT_FREE, now_ms), told, "{failures} {left}");
        }
    }

    #[test]
    fn waits_double_from_one_second_to_a_quarter_of_an_hour() {
        for (failures, wait) in [
            (0, 0),
            (4, 0),
            (5, 1_000),
            (6, 2_000),
            (7, 4_000),
            (14, 512_000),
            (15, 900_000),
            (i32::MAX, 900_000),
        ] {
            assert_eq!(wait_ms(failures, ACCOUNT_FREE), wait, "{failures}");
        }
    }

    #[test]
    fn an_address_waits_alone_and_what_was_right_does_not_count() {
        let addresses = Addresses::new();
        let [one, next, v6, neighbour, far] =
            ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"]
                .map(|text| text.parse().unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)));
        for _ in 0..ADDRESS_FREE {
            assert_eq!(addresses.begin(one, 1_000), None);
            assert_eq!(addresses.begin(v6, 1_000), None);
            assert_eq!(addresses.begin(next, 1_000), None);
            addresses.take_back(next, 1_000);
        }
        assert_eq!(addresses.begin(one, 1_500), Some(500));
        assert_eq!(addresses.begin(neighbour, 1_500), Some(500));
        assert_eq!((addresses.begin(next, 1_500), addresses.begin(far, 1_500)), (None, None));
        assert_eq!(addresses.begin(one, 2_000), None);
        assert_eq!(addresses.begin(one, 2_000), Some(2_000));
        assert_eq!(addresses.begin(one, 4_001 + ADDRESS_FORGOTTEN_MS), None);
        assert_eq!(addresses.begin(one, 4_001 + ADDRESS_FORGOTTEN_MS), None, "forgotten");
    }
}
