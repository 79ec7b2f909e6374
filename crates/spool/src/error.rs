//! What can fail, for the one who appends and for the one who opens or drains.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use uuid::Uuid;

/// Why a record was not appended.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// No room: the spool's bound is reached, its queue in memory is, or the disk is full. Passes once there
    /// is room.
    #[error("the spool is full")]
    Full,
    /// The spool was closed.
    #[error("the spool is closed")]
    Closed,
    /// The record is longer than [`crate::MAX_RECORD_BYTES`].
    #[error("a record of {bytes} bytes; at most {max} are taken")]
    TooLarge { bytes: usize, max: usize },
    /// The disk refused the write or the fsync. After a failed fsync the record may still be delivered.
    #[error("the spool's disk failed")]
    Io(#[source] Arc<io::Error>),
}

/// Why a spool folder could not be opened or drained.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process works on this folder.
    #[error("the spool folder {} is in use by another process", dir.display())]
    Locked { dir: PathBuf },
    /// A batch that is not the one begun last: it was forgotten already, or never handed out.
    #[error("no batch {start}..{end} of segment {segment} is begun")]
    NotBegun { segment: Uuid, start: u64, end: u64 },
    /// A file of the spool could not be read or written.
    #[error("cannot {doing} {}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    /// The runtime stopped while a batch was being read.
    #[error("the runtime stopped while a batch was being read")]
    Stopped(#[from] tokio::task::JoinError),
}

impl Error {
    /// For `map_err`: names what was being done to which file.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }
}
