//! The calls to the disk whose failure the writer must live through; tests put a failing disk in their place.

use std::{fs::File, io, os::unix::fs::FileExt};

/// Where the writer's bytes go.
pub trait Disk: Send + std::fmt::Debug {
    /// Writes all bytes at the offset. After an error any part of them may be there.
    fn write(&mut self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Removes all bytes from `length` on.
    fn cut(&mut self, file: &File, length: u64) -> io::Result<()>;
    /// Makes what was written survive a loss of power.
    fn sync(&mut self, file: &File) -> io::Result<()>;
}

/// The real disk.
#[derive(Debug)]
pub struct Kernel;

impl Disk for Kernel {
    fn write(&mut self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }

    fn cut(&mut self, file: &File, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    fn sync(&mut self, file: &File) -> io::Result<()> {
        file.sync_data()
    }
}
