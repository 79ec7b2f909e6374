//! The gateway's endpoints: which one a request is for, and what each is called on the log.

use http::Method;
use serde::{Deserialize, Serialize};

/// What a request asks for. On the wire and on the log it is its [`name`](Self::name).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Endpoint {
    /// `POST /v1/chat/completions`.
    ChatCompletions,
    /// `POST /v1/completions`.
    Completions,
    /// `POST /v1/embeddings`.
    Embeddings,
    /// `GET /v1/models`.
    Models,
    /// `POST /v1/messages`, in Anthropic's shape.
    Messages,
    /// `POST /v1/messages/count_tokens`.
    MessagesCountTokens,
    /// `POST /v1/responses`.
    CreateModelResponse,
    /// `GET /v1/responses/:id`.
    GetModelResponse,
    /// `DELETE /v1/responses/:id`.
    DeleteModelResponse,
    /// `GET /v1/responses/:id/input_items`.
    ListResponseInputItems,
    /// `POST /v1/images/generations`.
    ImageGenerate,
    /// `POST /v1/images/edits`, multipart.
    ImageEdit,
    /// `POST /v1/audio/speech`, answered with audio.
    CreateSpeech,
    /// `POST /v1/audio/transcriptions`, multipart.
    CreateTranscription,
    /// `POST /v1/audio/translations`, multipart.
    CreateTranslation,
    /// `POST /v1/files`.
    UploadFile,
    /// `GET /v1/files`.
    ListFiles,
    /// `GET /v1/files/:id`.
    RetrieveFile,
    /// `DELETE /v1/files/:id`.
    DeleteFile,
    /// `GET /v1/files/:id/content`.
    RetrieveFileContent,
    /// `POST /v1/batches`.
    CreateBatch,
    /// `GET /v1/batches`.
    ListBatches,
    /// `GET /v1/batches/:id`.
    RetrieveBatch,
    /// `GET /v1/batches/:id/output`.
    GetBatchOutput,
    /// `POST /v1/batches/:id/cancel`.
    CancelBatch,
    /// `POST /v1/fine_tuning/jobs`.
    CreateFinetune,
    /// `GET /v1/fine_tuning/jobs`.
    ListFinetunes,
    /// `GET /v1/fine_tuning/jobs/:id`.
    RetrieveFinetune,
    /// `POST /v1/fine_tuning/jobs/:id/cancel`.
    CancelFinetune,
    /// `GET /v1/realtime`, a WebSocket.
    Realtime,
    /// `POST /v1/prompts/:id/completions`.
    PromptCompletions,
    /// `POST /v1/prompts/:id/render`.
    PromptRender,
    /// Anything else: passed on as it is.
    Proxy,
    /// No request: a span of a caller's trace that is no model call.
    Span,
}

/// No endpoint has this name.
#[derive(Debug, thiserror::Error)]
#[error("no endpoint is called {0:?}")]
pub struct UnknownEndpoint(String);

impl Endpoint {
    /// Every endpoint, once.
    pub const ALL: [Self; 34] = [
        Self::ChatCompletions,
        Self::Completions,
        Self::Embeddings,
        Self::Models,
        Self::Messages,
        Self::MessagesCountTokens,
        Self::CreateModelResponse,
        Self::GetModelResponse,
        Self::DeleteModelResponse,
        Self::ListResponseInputItems,
        Self::ImageGenerate,
        Self::ImageEdit,
        Self::CreateSpeech,
        Self::CreateTranscription,
        Self::CreateTranslation,
        Self::UploadFile,
        Self::ListFiles,
        Self::RetrieveFile,
        Self::DeleteFile,
        Self::RetrieveFileContent,
        Self::CreateBatch,
        Self::ListBatches,
        Self::RetrieveBatch,
        Self::GetBatchOutput,
        Self::CancelBatch,
        Self::CreateFinetune,
        Self::ListFinetunes,
        Self::RetrieveFinetune,
        Self::CancelFinetune,
        Self::Realtime,
        Self::PromptCompletions,
        Self::PromptRender,
        Self::Proxy,
        Self::Span,
    ];

    /// The endpoint of a request; `path` is without its query, with or without the leading `/v1`.
    /// Paths are taken literally: a doubled or trailing slash is another path, hence [`Self::Proxy`].
    #[must_use]
    pub fn of(method: &Method, path: &str) -> Self {
        let path = path.strip_prefix("/v1").filter(|rest| rest.starts_with('/')).unwrap_or(path);
        let mut parts = [""; 4];
        let mut count = 0;
        for part in path.strip_prefix('/').unwrap_or(path).split('/') {
            let Some(slot) = parts.get_mut(count) else { return Self::Proxy };
            *slot = part;
            count += 1;
        }
        let parts = &parts[..count];
        if parts.contains(&"") {
            return Self::Proxy;
        }
        match method.as_str() {
            "POST" => Self::of_post(parts),
            "GET" => Self::of_get(parts),
            "DELETE" => match parts {
                ["responses", _] => Self::DeleteModelResponse,
                ["files", _] => Self::DeleteFile,
                _ => Self::Proxy,
            },
            _ => Self::Proxy,
        }
    }

    fn of_post(parts: &[&str]) -> Self {
        match parts {
            ["chat", "completions"] => Self::ChatCompletions,
            ["completions"] => Self::Completions,
            ["embeddings"] => Self::Embeddings,
            ["messages"] => Self::Messages,
            ["messages", "count_tokens"] => Self::MessagesCountTokens,
            ["responses"] => Self::CreateModelResponse,
            ["images", "generations"] => Self::ImageGenerate,
            ["images", "edits"] => Self::ImageEdit,
            ["audio", "speech"] => Self::CreateSpeech,
            ["audio", "transcriptions"] => Self::CreateTranscription,
            ["audio", "translations"] => Self::CreateTranslation,
            ["files"] => Self::UploadFile,
            ["batches"] => Self::CreateBatch,
            ["batches", _, "cancel"] => Self::CancelBatch,
            ["fine_tuning", "jobs"] => Self::CreateFinetune,
            ["fine_tuning", "jobs", _, "cancel"] => Self::CancelFinetune,
            ["prompts", _, "completions"] => Self::PromptCompletions,
            ["prompts", _, "render"] => Self::PromptRender,
            _ => Self::Proxy,
        }
    }

    fn of_get(parts: &[&str]) -> Self {
        match parts {
            ["models"] => Self::Models,
            ["responses", _] => Self::GetModelResponse,
            ["responses", _, "input_items"] => Self::ListResponseInputItems,
            ["files"] => Self::ListFiles,
            ["files", _] => Self::RetrieveFile,
            ["files", _, "content"] => Self::RetrieveFileContent,
            ["batches"] => Self::ListBatches,
            ["batches", _] => Self::RetrieveBatch,
            ["batches", _, "output"] => Self::GetBatchOutput,
            ["fine_tuning", "jobs"] => Self::ListFinetunes,
            ["fine_tuning", "jobs", _] => Self::RetrieveFinetune,
            ["realtime"] => Self::Realtime,
            _ => Self::Proxy,
        }
    }

    /// The name used on the log, in limits and in error messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChatCompletions => "chatComplete",
            Self::Completions => "complete",
            Self::Embeddings => "embed",
            Self::Models => "models",
            Self::Messages => "messages",
            Self::MessagesCountTokens => "messagesCountTokens",
            Self::CreateModelResponse => "createModelResponse",
            Self::GetModelResponse => "getModelResponse",
            Self::DeleteModelResponse => "deleteModelResponse",
            Self::ListResponseInputItems => "listResponseInputItems",
            Self::ImageGenerate => "imageGenerate",
            Self::ImageEdit => "imageEdit",
            Self::CreateSpeech => "createSpeech",
            Self::CreateTranscription => "createTranscription",
            Self::CreateTranslation => "createTranslation",
            Self::UploadFile => "uploadFile",
            Self::ListFiles => "listFiles",
            Self::RetrieveFile => "retrieveFile",
            Self::DeleteFile => "deleteFile",
            Self::RetrieveFileContent => "retrieveFileContent",
            Self::CreateBatch => "createBatch",
            Self::ListBatches => "listBatches",
            Self::RetrieveBatch => "retrieveBatch",
            Self::GetBatchOutput => "getBatchOutput",
            Self::CancelBatch => "cancelBatch",
            Self::CreateFinetune => "createFinetune",
            Self::ListFinetunes => "listFinetunes",
            Self::RetrieveFinetune => "retrieveFinetune",
            Self::CancelFinetune => "cancelFinetune",
            Self::Realtime => "realtime",
            Self::PromptCompletions => "promptCompletions",
            Self::PromptRender => "promptRender",
            Self::Proxy => "proxy",
            Self::Span => "span",
        }
    }

    /// The endpoint with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| endpoint.name() == name)
    }
}

impl From<Endpoint> for &'static str {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.name()
    }
}

impl TryFrom<String> for Endpoint {
    type Error = UnknownEndpoint;

    fn try_from(name: String) -> Result<Self, UnknownEndpoint> {
        Self::from_name(&name).ok_or(UnknownEndpoint(name))
    }
}
