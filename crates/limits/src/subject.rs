use std::fmt;

use uuid::Uuid;

/// What kind of thing has limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectKind {
    Key,
    VirtualKey,
    Workspace,
}

/// What has limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    pub kind: SubjectKind,
    pub id: Uuid,
}

impl SubjectKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Key, Self::VirtualKey, Self::Workspace];

    /// Its name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::VirtualKey => "virtual_key",
            Self::Workspace => "workspace",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// As it is said to people.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Key => "API key",
            Self::VirtualKey => "virtual key",
            Self::Workspace => "workspace",
        }
    }
}

impl fmt::Display for Subject {
    /// As `key:<id>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.id)
    }
}
