//! Names of things of a workspace that do not lead to one.

/// Why a slug gives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// There is none of this name within reach: the same whether or not another workspace has it.
    #[error("there is none of this name")]
    Unknown,
    #[error("names cannot be looked up at the moment")]
    Unavailable,
}
