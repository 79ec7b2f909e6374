//! Mail that is no alert: written in the transaction of what it tells, and attempted by a job until it is taken or of no use.
//!
//! What it says is sealed, as there may be a token in it, and dropped when it is sent or given up.

use clock::Ids;
use entity::mail::{ActiveModel, Column, Entity, Model};
use sea_orm::prelude::*;
use sea_orm::{ActiveValue::Set, ConnectionTrait, IntoActiveModel, QueryOrder, QuerySelect};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use vault::Vault;

use crate::backoff;
use crate::mail::Letter;
use crate::outcome::Outcome;

/// Mails of a kind that an address gets in a day: it did not ask for them, or somebody else did.
const MOST_A_DAY: u64 = 10;

const DAY_MS: i64 = 86_400_000;

/// What a mail tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    Invite,
    PasswordReset,
}

impl Topic {
    /// Its name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invite => "invite",
            Self::PasswordReset => "password_reset",
        }
    }
}

/// A mail to be written.
#[derive(Debug)]
pub struct New {
    /// Whose it is; none: a person's own.
    pub organisation_id: Option<Uuid>,
    pub topic: Topic,
    /// What it is about: of these there is one on its way.
    pub about: Uuid,
    pub address: String,
    /// One line.
    pub subject: String,
    pub body: SecretString,
    /// After that it is of no use.
    pub expires_at: i64,
}

/// Writes a mail, as it is to be stored.
///
/// # Errors
/// [`vault::Error`].
pub fn write(vault: &Vault, ids: &Ids, now_ms: i64, new: New) -> Result<Model, vault::Error> {
    let id = ids.fresh();
    let says = json!({"subject": new.subject, "body": new.body.expose_secret()}).to_string();
    Ok(Model {
        id,
        organisation_id: new.organisation_id,
        kind: new.topic.as_str().to_owned(),
        about: new.about,
        address: new.address,
        sealed: Some(vault.seal(&says.into(), &context(id))?),
        state: "pending".to_owned(),
        attempts: 0,
        next_attempt_at: now_ms,
        last_error: None,
        created_at: now_ms,
        expires_at: new.expires_at,
        sent_at: None,
    })
}

/// Lets a mail be sent, in the place of one about the same that is on its way. Past some a day an address gets none.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn put(txn: &impl ConnectionTrait, mail: Model) -> Result<(), DbErr> {
    withdraw(txn, [mail.about]).await?;
    let of_late = Entity::find()
        .filter(Column::Address.eq(&mail.address))
        .filter(Column::CreatedAt.gt(mail.created_at - DAY_MS))
        .filter(Column::Kind.eq(&mail.kind))
        .count(txn)
        .await?;
    if of_late >= MOST_A_DAY {
        tracing::warn!(kind = mail.kind, about = %mail.about, "an address got enough mail today; this one is not sent");
        return Ok(());
    }
    Entity::insert(mail.into_active_model()).exec_without_returning(txn).await?;
    Ok(())
}

/// Lets no mail about these be sent any more: what it says does not hold.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn withdraw(
    txn: &impl ConnectionTrait,
    about: impl IntoIterator<Item = Uuid>,
) -> Result<(), DbErr> {
    let pending =
        Entity::update_many().filter(Column::State.eq("pending")).filter(Column::About.is_in(about));
    pending.set(over("withdrawn")).exec(txn).await?;
    Ok(())
}

/// Gives up what is of no use any more; how many.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn expire(txn: &impl ConnectionTrait, now_ms: i64) -> Result<u64, DbErr> {
    let late =
        Entity::update_many().filter(Column::State.eq("pending")).filter(Column::ExpiresAt.lte(now_ms));
    Ok(late.set(over("expired")).exec(txn).await?.rows_affected)
}

/// What is due, those first that have been for longest, at most `limit`.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn due(db: &impl ConnectionTrait, now_ms: i64, limit: u64) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::State.eq("pending"))
        .filter(Column::NextAttemptAt.lte(now_ms))
        .order_by_asc(Column::NextAttemptAt)
        .order_by_asc(Column::CreatedAt)
        .limit(limit)
        .all(db)
        .await
}

/// What a mail says. None: it cannot be told.
#[must_use]
pub fn open(vault: &Vault, mail: &Model) -> Option<Letter> {
    let opened = vault.open(mail.sealed.as_deref()?, &context(mail.id)).ok()?;
    let says: Json = serde_json::from_str(opened.expose_secret()).ok()?;
    let text = |name: &str| says[name].as_str().map(str::to_owned);
    let (subject, body) = (text("subject")?, text("body")?.into());
    Some(Letter { id: mail.id, to: mail.address.clone(), subject, body })
}

/// Writes what became of an attempt.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn settle(
    txn: &impl ConnectionTrait,
    mail: &Model,
    outcome: Outcome,
    now_ms: i64,
) -> Result<(), DbErr> {
    let attempts = mail.attempts.saturating_add(1);
    let mut change = match outcome {
        Outcome::Delivered(_) => ActiveModel { sent_at: Set(Some(now_ms)), ..over("sent") },
        Outcome::Failed { error, .. } => match backoff::delay_ms(attempts, mail.id) {
            Some(delay) => ActiveModel {
                next_attempt_at: Set(now_ms.saturating_add(delay)),
                last_error: Set(Some(error)),
                ..Default::default()
            },
            None => ActiveModel { last_error: Set(Some(error)), ..over("failed") },
        },
    };
    change.attempts = Set(attempts);
    // One that was withdrawn meanwhile stays so.
    Entity::update_many()
        .set(change)
        .filter(Column::Id.eq(mail.id))
        .filter(Column::State.eq("pending"))
        .filter(Column::Attempts.eq(mail.attempts))
        .exec(txn)
        .await?;
    Ok(())
}

/// What is over says nothing any more.
fn over(state: &str) -> ActiveModel {
    ActiveModel { state: Set(state.to_owned()), sealed: Set(None), ..Default::default() }
}

/// What is sealed for one mail opens for that one only.
fn context(id: Uuid) -> Vec<u8> {
    [b"mail/", id.as_bytes().as_slice()].concat()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use clock::Clock;
    use vault::MasterKey;

    use super::*;

    #[tokio::test]
    async fn a_mail_waits_longer_and_longer_and_says_nothing_once_it_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let db = scratch::database(folder.path()).await;
        let (ids, vault) = (Ids::new(Clock::system()), Vault::new(MasterKey::generate().unwrap()));
        let mail = |about: Uuid, expires_at| {
            let new = New {
                organisation_id: None,
                topic: Topic::Invite,
                about,
                address: "somebody@example.com".to_owned(),
                subject: "You are invited".to_owned(),
                body: "tpi_kanari".into(),
                expires_at,
            };
            write(&vault, &ids, 1_000, new).unwrap()
        };
        let states = async || -> Vec<(String, bool)> {
            let rows = Entity::find().order_by_asc(Column::ExpiresAt).all(&db).await.unwrap();
            rows.into_iter().map(|row| (row.state, row.sealed.is_some())).collect()
        };
        let (first, second) = (ids.fresh(), ids.fresh());
        put(&db, mail(first, 2_000)).await.unwrap();
        put(&db, mail(first, 3_000)).await.unwrap();
        put(&db, mail(second, 4_000)).await.unwrap();
        let over = |state: &str| (state.to_owned(), false);
        let pending = ("pending".to_owned(), true);
        assert_eq!(states().await, [over("withdrawn"), pending.clone(), pending.clone()]);
        let sealed = due(&db, 1_000, 10).await.unwrap();
        assert!(
            sealed
                .iter()
                .all(|row| !String::from_utf8_lossy(row.sealed.as_ref().unwrap()).contains("kanari"))
        );
        assert_eq!(open(&vault, &sealed[0]).unwrap().body.expose_secret(), "tpi_kanari");
        let moved = Model { id: ids.fresh(), ..sealed[0].clone() };
        assert!(open(&vault, &moved).is_none());

        settle(&db, &sealed[0], Outcome::failed("it did not answer"), 1_000).await.unwrap();
        settle(&db, &sealed[1], Outcome::Delivered(250), 1_000).await.unwrap();
        assert_eq!(states().await, [over("withdrawn"), pending, over("sent")]);
        assert!(due(&db, 5_999, 10).await.unwrap().is_empty(), "it waits");
        assert_eq!(due(&db, 8_000, 10).await.unwrap().len(), 1);
        assert_eq!(expire(&db, 3_000).await.unwrap(), 1);
        assert_eq!(states().await, [over("withdrawn"), over("expired"), over("sent")]);

        for _ in 0..2 * MOST_A_DAY {
            put(&db, mail(ids.fresh(), 5_000)).await.unwrap();
        }
        assert_eq!(states().await.len() as u64, MOST_A_DAY);
    }
}
