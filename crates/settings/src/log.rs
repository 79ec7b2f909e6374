use serde::Deserialize;

use crate::bounds;

/// Section `log`: the logs of calls, and the process's own lines.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// What is kept of a call's request, and of its response, in bytes each; the rest is cut. At most 25,165,824 (24 MiB).
    /// Default: 1,048,576 (1 MiB).
    #[serde(deserialize_with = "bounds::payload_bytes")]
    pub max_payload_bytes: usize,
    /// Which of our own lines are written: a level, or directives as `info,sqlx=warn`; `RUST_LOG` goes before it. Default:
    /// `info`.
    pub level: String,
    /// How they are written: `pretty` or `json`. Default: `pretty`.
    pub format: LogFormat,
    /// Whether logs can be found by the words of their prompts and answers (`text` of `GET /v1/logs`). Off, nothing is written for it,
    /// and what was is found again once it is on. Default: `true`.
    pub text_index: bool,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            max_payload_bytes: 1 << 20,
            level: "info".to_owned(),
            format: LogFormat::Pretty,
            text_index: true,
        }
    }
}

/// How our own lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// An object a line.
    Json,
}
