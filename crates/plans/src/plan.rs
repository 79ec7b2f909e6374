use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an organisation has signed up for. What it gives is in [`terms`](crate::terms).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Plan {
    Developer,
    Production,
    Enterprise,
}

/// A name that no plan has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no plan is called {0:?}; expected developer, production or enterprise")]
pub struct UnknownPlan(String);

impl Plan {
    /// Every plan, smallest first.
    pub const ALL: [Self; 3] = [Self::Developer, Self::Production, Self::Enterprise];

    /// Its name in settings, in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Developer => "developer",
            Self::Production => "production",
            Self::Enterprise => "enterprise",
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Plan {
    type Err = UnknownPlan;

    fn from_str(name: &str) -> Result<Self, UnknownPlan> {
        Self::ALL.into_iter().find(|plan| plan.as_str() == name).ok_or_else(|| UnknownPlan(name.to_owned()))
    }
}
