//! Sessions and their refresh tokens. All tokens of a session begin with the same secret part, its family, and one of them
//! works: who shows another of the family shows one that was used already, by its holder or by a thief.

use std::net::IpAddr;

use entity::session::{ActiveModel, Column, Entity, Model};
use sea_orm::prelude::*;
use sea_orm::sea_query::SimpleExpr;
use sea_orm::{Condition, IntoActiveModel, Set};
use secrecy::{ExposeSecret as _, SecretString};

use crate::secret::{self, NoRandomness};

/// How long a refresh token works. Seconds.
pub const REFRESH_TOKEN_S: i64 = 30 * 86_400;

const REFRESH_TOKEN_MS: i64 = REFRESH_TOKEN_S * 1000;

/// What every refresh token starts with, so that scanners and people know one when they see it.
const PREFIX: &str = "tpr_";

/// Bytes of either part: 192 bits.
const PART_BYTES: usize = 24;

/// Characters kept of what a client says that it is.
const MAX_USER_AGENT: usize = 256;

/// Who signs in, as far as a connection tells.
#[derive(Clone, Debug)]
pub struct Client {
    /// Where it calls from.
    pub address: IpAddr,
    /// What it says that it is.
    pub user_agent: Option<String>,
}

pub(super) struct RefreshToken(SecretString);

impl RefreshToken {
    pub fn fresh() -> Result<Self, NoRandomness> {
        Self::in_family(&secret::random_hex(PART_BYTES)?)
    }

    /// What may be one of ours.
    pub fn parse(text: SecretString) -> Option<Self> {
        let parts = text.expose_secret().strip_prefix(PREFIX)?;
        let well_formed = parts.len() == 4 * PART_BYTES && parts.bytes().all(|byte| byte.is_ascii_hexdigit());
        well_formed.then_some(Self(text))
    }

    /// The one that takes its place.
    pub fn next(&self) -> Result<Self, NoRandomness> {
        Self::in_family(self.family())
    }

    pub fn into_secret(self) -> SecretString {
        self.0
    }

    pub fn family_hash(&self) -> Vec<u8> {
        secret::hash(self.family()).to_vec()
    }

    fn in_family(family: &str) -> Result<Self, NoRandomness> {
        let turn = secret::random_hex(PART_BYTES)?;
        Ok(Self(SecretString::from(format!("{PREFIX}{family}{turn}"))))
    }

    fn family(&self) -> &str {
        let text = self.0.expose_secret();
        text.get(PREFIX.len()..PREFIX.len() + 2 * PART_BYTES).unwrap_or_default()
    }

    fn hash(&self) -> Vec<u8> {
        secret::hash(self.0.expose_secret()).to_vec()
    }
}

pub(super) async fn insert(
    db: &impl ConnectionTrait,
    id: Uuid,
    (user_id, organisation_id): (Uuid, Uuid),
    token: &RefreshToken,
    client: Client,
    now_ms: i64,
) -> Result<Model, DbErr> {
    let row = Model {
        id,
        user_id,
        organisation_id,
        family_hash: token.family_hash(),
        refresh_hash: token.hash(),
        created_at: now_ms,
        last_used_at: now_ms,
        expires_at: now_ms + REFRESH_TOKEN_MS,
        revoked_at: None,
        user_agent: client.user_agent.map(|text| text.chars().take(MAX_USER_AGENT).collect()),
        address: Some(client.address.to_string()),
    };
    Entity::insert(row.clone().into_active_model()).exec_without_returning(db).await?;
    Ok(row)
}

/// A session that was not revoked.
pub(super) async fn live(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).filter(Column::RevokedAt.is_null()).one(db).await
}

pub(super) async fn of_family(
    db: &impl ConnectionTrait,
    token: &RefreshToken,
) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(Column::FamilyHash.eq(token.family_hash())).one(db).await
}

/// Puts `next` in the place of `token`. False when that is not the one that works: of many who try it at once, one gets
/// true.
pub(super) async fn rotate(
    db: &impl ConnectionTrait,
    token: &RefreshToken,
    next: &RefreshToken,
    now_ms: i64,
) -> Result<bool, DbErr> {
    let change = ActiveModel {
        refresh_hash: Set(next.hash()),
        last_used_at: Set(now_ms),
        expires_at: Set(now_ms + REFRESH_TOKEN_MS),
        ..Default::default()
    };
    let updated = Entity::update_many()
        .set(change)
        .filter(works(token))
        .filter(Column::ExpiresAt.gt(now_ms))
        .exec(db)
        .await?;
    Ok(updated.rows_affected == 1)
}

/// That the token is the one that works of a session that was not revoked.
fn works(token: &RefreshToken) -> Condition {
    Condition::all()
        .add(Column::FamilyHash.eq(token.family_hash()))
        .add(Column::RefreshHash.eq(token.hash()))
        .add(Column::RevokedAt.is_null())
}

/// Lets a cookie's secret, of which this is stored, hold the session in the place of `token`, which works no more. False when it
/// does not work already. No refresh token is taken for a cookie's secret, nor the other way: what is hashed differs in how it begins.
pub(super) async fn hold_by(
    db: &impl ConnectionTrait,
    token: &RefreshToken,
    cookie_hash: Vec<u8>,
) -> Result<bool, DbErr> {
    let change = ActiveModel {
        family_hash: Set(cookie_hash.clone()),
        refresh_hash: Set(cookie_hash),
        ..Default::default()
    };
    let updated = Entity::update_many().set(change).filter(works(token)).exec(db).await?;
    Ok(updated.rows_affected == 1)
}

/// The session that goes on and is held by the cookie's secret of which this is stored.
pub(super) async fn held_by(
    db: &impl ConnectionTrait,
    cookie_hash: Vec<u8>,
    now_ms: i64,
) -> Result<Option<Model>, DbErr> {
    Entity::find()
        .filter(Column::FamilyHash.eq(cookie_hash))
        .filter(Column::RevokedAt.is_null())
        .filter(Column::ExpiresAt.gt(now_ms))
        .one(db)
        .await
}

/// Whether a token of this session's family is another than the one that works.
pub(super) fn used_up(session: &Model, token: &RefreshToken) -> bool {
    session.refresh_hash != token.hash()
}

pub(super) async fn revoke(db: &impl ConnectionTrait, id: Uuid, now_ms: i64) -> Result<(), DbErr> {
    let change = ActiveModel { revoked_at: Set(Some(now_ms)), ..Default::default() };
    let live = Entity::update_many().filter(Column::Id.eq(id)).filter(Column::RevokedAt.is_null());
    live.set(change).exec(db).await.map(|_| ())
}

/// A session that was ended.
pub(super) struct Ended {
    pub id: Uuid,
    pub organisation_id: Uuid,
}

/// Revokes a person's sessions but for one, in all organisations; those that it ended.
pub(super) async fn revoke_others(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    but: Uuid,
    now_ms: i64,
) -> Result<Vec<Ended>, DbErr> {
    let others = Condition::all()
        .add(Column::UserId.eq(user_id))
        .add(Column::RevokedAt.is_null())
        .add(Column::Id.ne(but));
    let change = ActiveModel { revoked_at: Set(Some(now_ms)), ..Default::default() };
    let rows = Entity::update_many().set(change).filter(others).exec_with_returning(db).await?;
    let lived = rows.into_iter().filter(|row| row.expires_at > now_ms);
    Ok(lived.map(|row| Ended { id: row.id, organisation_id: row.organisation_id }).collect())
}

/// Revokes those of a person's sessions that `which` is true of; those that it ended.
pub(super) async fn revoke_in(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    which: SimpleExpr,
    now_ms: i64,
) -> Result<Vec<Ended>, DbErr> {
    let change = ActiveModel { revoked_at: Set(Some(now_ms)), ..Default::default() };
    let rows = Entity::update_many()
        .set(change)
        .filter(Column::UserId.eq(user_id))
        .filter(Column::RevokedAt.is_null())
        .filter(Column::ExpiresAt.gt(now_ms))
        .filter(which)
        .exec_with_returning(db)
        .await?;
    Ok(rows.into_iter().map(|row| Ended { id: row.id, organisation_id: row.organisation_id }).collect())
}
