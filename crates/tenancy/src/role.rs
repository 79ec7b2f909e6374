//! What a person is in an organisation, and what they may do there with an access token.

use std::fmt;
use std::str::FromStr;

use crate::{KeyKind, Scope, Scopes};

/// A person's role in an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Owner,
    Admin,
    Member,
}

/// A name that no role has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no role is called {0:?}")]
pub struct UnknownRole(String);

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Admin, Self::Member];

    /// Its name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }

    /// The kind of key that reaches as far: an owner and an admin the whole organisation, a member one workspace.
    #[must_use]
    pub const fn kind(self) -> KeyKind {
        match self {
            Self::Owner | Self::Admin => KeyKind::OrganisationService,
            Self::Member => KeyKind::WorkspaceUser,
        }
    }

    /// What it permits: an owner and an admin all that an organisation's key may, a member to read.
    #[must_use]
    pub fn scopes(self) -> Scopes {
        match self {
            Self::Owner | Self::Admin => KeyKind::OrganisationService.scopes(),
            Self::Member => [Scope::LogsList, Scope::LogsView, Scope::LogsRead, Scope::AnalyticsView]
                .into_iter()
                .collect(),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == name).ok_or_else(|| UnknownRole(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_a_key_of_its_reach_may_and_a_member_only_reads() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
            assert!(role.scopes().minus(role.kind().scopes()).is_empty(), "{role}");
            assert!(!role.scopes().has(Scope::CompletionsWrite), "{role}: calls are made with a key");
        }
        for scope in Role::Member.scopes().iter().map(Scope::as_str) {
            let verb = scope.rsplit('.').next();
            assert!(matches!(verb, Some("list" | "view" | "read")), "{scope}");
        }
        assert!("guest".parse::<Role>().is_err());
    }
}
