//! Whether an organisation has paid, and what becomes of its calls past its limit.

use std::fmt;
use std::str::FromStr;

use entity::organisation;
use sea_orm::DbErr;

/// Whether an organisation has paid its invoices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Good,
    /// A payment failed: all goes on as before.
    PastDue,
    /// Logs are read, not written; calls pass.
    Restricted,
    /// Calls are refused too; what is needed to pay is not.
    Suspended,
}

/// What becomes of calls past the limit of logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverQuota {
    /// They pass, unrecorded and counted as dropped.
    Pass,
    /// They are refused, by the last count that is known.
    Reject,
}

/// A name that none has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is none of {expected}")]
pub struct UnknownName {
    found: String,
    expected: &'static str,
}

impl Standing {
    /// Every standing, best first.
    pub const ALL: [Self; 4] = [Self::Good, Self::PastDue, Self::Restricted, Self::Suspended];

    /// The standing that the row has.
    ///
    /// # Errors
    /// [`DbErr::Type`] when it is none.
    pub fn of(organisation: &organisation::Model) -> Result<Self, DbErr> {
        let parsed = organisation.standing.parse();
        parsed.map_err(|error| DbErr::Type(format!("standing of {}: {error}", organisation.id)))
    }

    /// Its name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::PastDue => "past_due",
            Self::Restricted => "restricted",
            Self::Suspended => "suspended",
        }
    }

    /// Whether logs are recorded.
    #[must_use]
    pub fn records(self) -> bool {
        self < Self::Restricted
    }
}

impl OverQuota {
    /// What the row says.
    ///
    /// # Errors
    /// [`DbErr::Type`] when that is none.
    pub fn of(organisation: &organisation::Model) -> Result<Self, DbErr> {
        let parsed = organisation.over_quota.parse();
        parsed.map_err(|error| DbErr::Type(format!("over_quota of {}: {error}", organisation.id)))
    }

    /// Its name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Reject => "reject",
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Standing {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|standing| standing.as_str() == name).ok_or_else(|| UnknownName {
            found: name.to_owned(),
            expected: "good, past_due, restricted and suspended",
        })
    }
}

impl FromStr for OverQuota {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        [Self::Pass, Self::Reject]
            .into_iter()
            .find(|over_quota| over_quota.as_str() == name)
            .ok_or_else(|| UnknownName { found: name.to_owned(), expected: "pass and reject" })
    }
}
