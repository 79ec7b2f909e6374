//! What a person is in an organisation and in its workspaces, and what they may do there with an access token (8.4).

use std::fmt;
use std::str::FromStr;

use crate::{KeyKind, Scope, Scopes};

/// A person's role in an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Member,
    Admin,
    Owner,
}

/// A person's role in a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkspaceRole {
    Member,
    Manager,
    Admin,
}

/// A name that no role has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no role is called {0:?}")]
pub struct UnknownRole(String);

/// What a member of a workspace may there beside reading: to say what they think of an answer.
const OF_MEMBERS: Scope = Scope::LogsWrite;

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

    /// The kind of key that reaches as far: an owner and an admin the whole organisation, a member workspaces.
    #[must_use]
    pub const fn kind(self) -> KeyKind {
        match self {
            Self::Owner | Self::Admin => KeyKind::OrganisationService,
            Self::Member => KeyKind::WorkspaceUser,
        }
    }

    /// What it permits everywhere: an owner and an admin all that an organisation's key may; a member what their workspaces let them.
    #[must_use]
    pub fn scopes(self) -> Scopes {
        match self {
            Self::Owner | Self::Admin => KeyKind::OrganisationService.scopes(),
            Self::Member => Scopes::NONE,
        }
    }
}

impl WorkspaceRole {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Admin, Self::Manager, Self::Member];

    /// Its name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Manager => "manager",
            Self::Member => "member",
        }
    }

    /// What it permits in the workspace: an admin and a manager all that a key of it may but calls, which are made with a key; a member
    /// to see, and to say what they think of an answer.
    #[must_use]
    pub fn scopes(self) -> Scopes {
        let is_permitted = |scope: &Scope| match self {
            Self::Admin | Self::Manager => !matches!(scope, Scope::CompletionsWrite | Scope::PromptsRender),
            Self::Member => *scope == OF_MEMBERS || sees(*scope),
        };
        KeyKind::WorkspaceService.scopes().iter().filter(is_permitted).collect()
    }
}

/// Whether one only sees by it, and no other's keys.
fn sees(scope: Scope) -> bool {
    let verb = scope.as_str().rsplit('.').next();
    matches!(verb, Some("list" | "view" | "read")) && !scope.as_str().contains("_api_keys.")
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for WorkspaceRole {
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

impl FromStr for WorkspaceRole {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == name).ok_or_else(|| UnknownRole(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_a_key_of_its_reach_may_but_call() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
            assert!(role.scopes().minus(role.kind().scopes()).is_empty(), "{role}");
            assert!(!role.scopes().has(Scope::CompletionsWrite), "{role}: calls are made with a key");
        }
        assert!("guest".parse::<Role>().is_err());
        assert!(Role::Owner > Role::Admin && Role::Admin > Role::Member);
    }

    #[test]
    fn each_role_in_a_workspace_may_what_the_contract_gives_it() {
        // scope; admin, manager, member
        for (scope, may) in [
            (Scope::LogsList, [true, true, true]),
            (Scope::LogsView, [true, true, true]),
            (Scope::LogsExport, [true, true, false]),
            (Scope::LogsWrite, [true, true, true]),
            (Scope::AnalyticsView, [true, true, true]),
            (Scope::CompletionsWrite, [false, false, false]),
            (Scope::ConfigsCreate, [true, true, false]),
            (Scope::ConfigsList, [true, true, true]),
            (Scope::VirtualKeysDelete, [true, true, false]),
            (Scope::VirtualKeysRead, [true, true, true]),
            (Scope::WorkspacesRead, [true, true, true]),
            (Scope::WorkspacesUpdate, [true, true, false]),
            (Scope::WorkspacesCreate, [false, false, false]),
            (Scope::WorkspaceUsersCreate, [true, true, false]),
            (Scope::WorkspaceUsersList, [true, true, true]),
            (Scope::WorkspaceServiceApiKeysCreate, [true, true, false]),
            (Scope::WorkspaceUserApiKeysList, [true, true, false]),
            (Scope::OrganisationUsersList, [false, false, false]),
            (Scope::AuditLogsList, [false, false, false]),
        ] {
            assert_eq!(WorkspaceRole::ALL.map(|role| role.scopes().has(scope)), may, "{scope}");
        }
        for role in WorkspaceRole::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        assert!("owner".parse::<WorkspaceRole>().is_err());
        assert!(
            WorkspaceRole::Admin > WorkspaceRole::Manager && WorkspaceRole::Manager > WorkspaceRole::Member
        );
    }
}
