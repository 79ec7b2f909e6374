//! What a person is, in all of their organisations.

use entity::{membership, organisation, user};
use sea_orm::prelude::*;

use super::People;
use super::membership::parse_role;
use crate::Role;

/// A person, and where they belong.
#[derive(Clone, Debug)]
pub struct Account {
    pub email: String,
    pub name: String,
    /// By name.
    pub organisations: Vec<Belonging>,
}

/// An organisation that somebody is in, and as what.
#[derive(Clone, Debug)]
pub struct Belonging {
    pub id: Uuid,
    pub name: String,
    pub role: Role,
}

impl People {
    /// The account of a user.
    ///
    /// # Errors
    /// [`DbErr`] if the database fails.
    pub async fn account(&self, user_id: Uuid) -> Result<Option<Account>, DbErr> {
        let db = &self.0.parts.db;
        let Some(user) = user::Entity::find_by_id(user_id).one(db).await? else { return Ok(None) };
        let rows = membership::Entity::find().filter(membership::Column::UserId.eq(user_id)).all(db).await?;
        let names = self.organisation_names(rows.iter().map(|row| row.organisation_id)).await?;
        let mut organisations = Vec::with_capacity(rows.len());
        for (id, name) in names {
            if let Some(row) = rows.iter().find(|row| row.organisation_id == id) {
                organisations.push(Belonging { id, name, role: parse_role(row)? });
            }
        }
        Ok(Some(Account { name: user.name(), email: user.email, organisations }))
    }

    /// What these organisations are called, by name.
    ///
    /// # Errors
    /// [`DbErr`] if the database fails.
    pub async fn organisation_names(
        &self,
        ids: impl IntoIterator<Item = Uuid>,
    ) -> Result<Vec<(Uuid, String)>, DbErr> {
        let rows = organisation::Entity::find().filter(organisation::Column::Id.is_in(ids));
        let rows = rows.all(&self.0.parts.db).await?;
        let mut names: Vec<_> = rows.into_iter().map(|row| (row.id, row.name)).collect();
        names.sort_by(|(_, one), (_, other)| one.cmp(other));
        Ok(names)
    }
}
