//! One call and its statistics: what is filtered and sorted. The content is in `log_payload`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "log")]
pub struct Model {
    /// UUIDv7; its millisecond is `created_at`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub organisation_id: Uuid,
    pub workspace_id: Uuid,
    pub api_key_id: Option<Uuid>,
    /// When the call was received. It alone decides the month a log counts in and the day it is kept under.
    pub created_at: i64,
    /// Days of retention fixed when the call was received; 0 is for ever.
    pub retention_class: i16,
    /// `gateway`, `insert` or `otlp`.
    pub source: String,
    /// The endpoint's name in the contract: `chatComplete`, `embed`, `proxy`, …, `span`
    pub endpoint: String,
    pub method: String,
    /// The upstream URL without its query's secrets.
    pub url: String,
    pub provider: String,
    /// The model that answered, else the one asked for.
    pub model: Option<String>,
    pub requested_model: Option<String>,
    pub virtual_key: Option<String>,
    pub trace_id: String,
    pub span_id: Option<String>,
    pub span_name: Option<String>,
    pub parent_span_id: Option<String>,
    /// JSON object of strings.
    pub metadata: Option<Json>,
    pub status_code: i16,
    /// `answered`, `refused`, `upstream_failed`, `upstream_cut`, `client_gone`, `timed_out` or `panicked`.
    pub outcome: String,
    pub streamed: bool,
    pub input_tokens: Option<i64>,
    pub output_tokens: Option<i64>,
    /// Part of `input_tokens`.
    pub cached_input_tokens: Option<i64>,
    /// Part of `input_tokens`.
    pub cache_write_tokens: Option<i64>,
    /// Part of `output_tokens`.
    pub reasoning_tokens: Option<i64>,
    /// JSON object of what else its cost depends on (tokens of audio and images, the tier); none where the counts say it all.
    pub usage_detail: Option<Json>,
    /// The provider gave no usage: the tokens were counted here.
    pub tokens_estimated: bool,
    /// Pico-dollars (1e-12 USD); none where the price of the model is not known.
    pub cost_pusd: Option<i64>,
    /// Which prices the cost was taken from; none where it was given with the log.
    pub prices_version: Option<String>,
    pub latency_us: i64,
    pub first_byte_us: Option<i64>,
    /// `DISABLED`, `MISS`, `HIT`, … as in the response header.
    pub cache_status: String,
    /// 0 not triggered, n success on the n-th retry, -1 exhausted.
    pub retry_count: i16,
    /// `single`, `fallback`, `loadbalance` or `conditional`.
    pub mode: String,
    /// JSON path of the target that answered, e.g. `config.targets[0]`.
    pub option_path: String,
    /// The slug of the saved config that it ran under; none for one that was sent with the call.
    pub config_id: Option<String>,
    pub config_version_id: Option<Uuid>,
    /// JSON array of `recorder::Attempt`; none where the one attempt was all that the other columns say.
    pub attempts: Option<Json>,
    /// What guardrails found, as in the answer's `hook_results`; without their data under Do Not Track.
    pub hook_results: Option<Json>,
    /// What became of the content: `whole`, `cut`, `shed`, `unstorable`, `withheld` (Do Not Track).
    pub payload: String,
    pub external_id: Option<String>,
    /// The log whose call this one is, once more.
    pub replay_of: Option<Uuid>,
    /// The prompt template that the call was made from.
    pub prompt_id: Option<Uuid>,
    pub prompt_version_id: Option<Uuid>,
    pub prompt_slug: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
