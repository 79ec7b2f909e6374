//! A set of scopes, as a key holds it.

use serde_json::Value;

use crate::Scope;

/// Some of the scopes: a bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u128);

/// The set is a `u128`.
const _: () = assert!(Scope::ALL.len() <= 128);

impl Scopes {
    /// No scope at all.
    pub const NONE: Self = Self(0);

    /// Every scope there is.
    #[must_use]
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    /// Whether `scope` is in the set.
    #[must_use]
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u32) != 0
    }

    /// Those that are not in `other`.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Those of either.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The scopes of the set, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }

    /// A JSON array of names, as in the database and on the wire.
    #[must_use]
    pub fn to_json(self) -> Value {
        self.iter().map(Scope::as_str).collect()
    }

    /// What [`Scopes::to_json`] wrote. A name that no scope has (a newer version's) permits nothing, hence is left out.
    #[must_use]
    pub fn from_json(json: &Value) -> Self {
        let names = json.as_array().into_iter().flatten();
        names.filter_map(Value::as_str).filter_map(|name| name.parse::<Scope>().ok()).collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |set, scope| set | 1 << scope as u32))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::collections::HashSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn every_scope_has_one_name_and_one_bit() {
        let mut names = HashSet::new();
        for (index, scope) in Scope::ALL.into_iter().enumerate() {
            assert_eq!(scope as usize, index);
            assert!(names.insert(scope.as_str()));
            assert_eq!(scope.as_str().parse(), Ok(scope));
            let one = Scopes::from_iter([scope]);
            assert_eq!(one.iter().collect::<Vec<_>>(), [scope]);
            assert!(Scopes::all().has(scope) && !Scopes::all().minus(one).has(scope));
        }
        assert_eq!(Scopes::all().iter().count(), Scope::ALL.len());
        assert_eq!(
            "logs.lists".parse::<Scope>().unwrap_err().to_string(),
            r#"no scope is called "logs.lists""#
        );
    }

    #[test]
    fn a_set_comes_back_from_json_without_what_is_not_known() {
        let set = Scopes::from_iter([Scope::LogsList, Scope::AuditLogsList]);
        assert_eq!(set.to_json(), json!(["logs.list", "audit_logs.list"]));
        assert_eq!(Scopes::from_json(&set.to_json()), set);
        assert_eq!(
            Scopes::from_json(&json!(["logs.list", "time.travel", 5])),
            Scopes::from_iter([Scope::LogsList])
        );
        assert_eq!(Scopes::from_json(&json!({"logs.list": true})), Scopes::NONE);
    }
}
