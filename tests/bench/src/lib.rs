//! What the measuring programs share.

pub mod jobs;
pub mod process;
