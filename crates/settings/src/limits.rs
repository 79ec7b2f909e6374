use serde::Deserialize;

/// Section `limits`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsSettings {
    /// A call with budgets or rate limits while nobody can count them: `pass`, or `refuse` (503). Default: `pass`.
    pub on_redis_away: OnRedisAway,
}

impl Default for LimitsSettings {
    fn default() -> Self {
        Self { on_redis_away: OnRedisAway::Pass }
    }
}

/// What becomes of a call whose limits cannot be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnRedisAway {
    /// It goes on. What it costs is spent all the same.
    Pass,
    /// It gets 503.
    Refuse,
}
