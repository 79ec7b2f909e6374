/// What became of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken, with this status of HTTP or SMTP.
    Delivered(u16),
    /// It was not; `error` is for the organisation's eyes, and says nothing of what is behind us.
    Failed { status: Option<u16>, error: String },
}

impl Outcome {
    pub(crate) fn failed(error: impl Into<String>) -> Self {
        Self::Failed { status: None, error: error.into() }
    }
}
