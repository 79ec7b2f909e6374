//! The kinds of API key, and which scopes each may hold.

use std::fmt;
use std::str::FromStr;

use crate::{Scope, Scopes};

/// What an API key is for. The wire calls it `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// Administers a whole organisation; makes no inference calls.
    OrganisationService,
    /// A program's key to one workspace; may manage that workspace's keys.
    WorkspaceService,
    /// A person's key to one workspace.
    WorkspaceUser,
}

/// A name that no kind of key has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no kind of key is called {0:?}")]
pub struct UnknownKind(String);

impl KeyKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::OrganisationService, Self::WorkspaceService, Self::WorkspaceUser];

    /// Its name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrganisationService => "organisation-service",
            Self::WorkspaceService => "workspace-service",
            Self::WorkspaceUser => "workspace-user",
        }
    }

    /// Every scope that a key of this kind may hold.
    #[must_use]
    pub fn scopes(self) -> Scopes {
        Scope::ALL.into_iter().filter(|scope| self.may_hold(*scope)).collect()
    }

    /// Whether a key of this kind may hold `scope`.
    #[must_use]
    pub fn may_hold(self, scope: Scope) -> bool {
        let name = scope.as_str();
        let organisation = name.starts_with("organisation_") || scope == Scope::AuditLogsList;
        let all_workspaces = matches!(scope, Scope::WorkspacesCreate | Scope::WorkspacesDelete);
        let keys = name.contains("_api_keys.");
        match self {
            Self::OrganisationService => !matches!(scope, Scope::CompletionsWrite | Scope::PromptsRender),
            Self::WorkspaceService => !organisation && !all_workspaces,
            Self::WorkspaceUser => !organisation && !all_workspaces && !keys,
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for KeyKind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or_else(|| UnknownKind(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_may_hold_what_the_contract_gives_it() {
        // scope; organisation-service, workspace-service, workspace-user
        for (scope, may) in [
            (Scope::CompletionsWrite, [false, true, true]),
            (Scope::PromptsRender, [false, true, true]),
            (Scope::LogsWrite, [true, true, true]),
            (Scope::VirtualKeysCreate, [true, true, true]),
            (Scope::WorkspacesCreate, [true, false, false]),
            (Scope::WorkspacesDelete, [true, false, false]),
            (Scope::WorkspacesUpdate, [true, true, true]),
            (Scope::WorkspaceServiceApiKeysRotate, [true, true, false]),
            (Scope::WorkspaceUserApiKeysCreate, [true, true, false]),
            (Scope::OrganisationServiceApiKeysList, [true, false, false]),
            (Scope::OrganisationUsersRead, [true, false, false]),
            (Scope::AuditLogsList, [true, false, false]),
        ] {
            assert_eq!(KeyKind::ALL.map(|kind| kind.may_hold(scope)), may, "{scope}");
            assert_eq!(KeyKind::ALL.map(|kind| kind.scopes().has(scope)), may, "{scope}");
        }
        for kind in KeyKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert!("organisation-user".parse::<KeyKind>().is_err());
    }
}
