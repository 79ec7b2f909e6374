//! Processes: starting those that are measured, and what the kernel says of them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

/// A process that ends with its handle.
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts it; what it says on standard error goes to `lines`.
    ///
    /// # Errors
    /// When there is no such program; `missing` says what to do then.
    pub fn start(command: &mut Command, lines: &Path, missing: &str) -> anyhow::Result<Self> {
        command.stderr(File::create(lines)?).stdin(Stdio::null());
        let program = command.get_program().to_owned();
        let child =
            command.spawn().with_context(|| format!("cannot start {}; {missing}", program.display()))?;
        Ok(Self { child })
    }

    /// The same, and the address that it says on standard output that it serves at.
    ///
    /// # Errors
    /// As [`Process::start`], and when it ends without saying so.
    pub fn serve(command: &mut Command, lines: &Path, missing: &str) -> anyhow::Result<(Self, SocketAddr)> {
        let mut process = Self::start(command.stdout(Stdio::piped()), lines, missing)?;
        let out = process.child.stdout.take().context("no standard output")?;
        let mut out = BufReader::new(out);
        let mut line = String::new();
        while out.read_line(&mut line)? > 0 {
            let rest = line.split_once("http://").map(|(_, rest)| rest);
            let text = rest.and_then(|rest| rest.split(['/', ' ']).next()).unwrap_or_default();
            if let Ok(addr) = text.trim_end().parse() {
                // It goes on writing, and would end if nobody read on.
                thread::spawn(move || io::copy(&mut out, &mut io::sink()));
                return Ok((process, addr));
            }
            line.clear();
        }
        let said = fs::read_to_string(lines).unwrap_or_default();
        bail!("{} ended before it served: {said}", command.get_program().display())
    }

    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it by SIGKILL, now.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The id of one that has ended may be another's by now.
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        // Not SIGKILL: nginx's workers would live on.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}

/// What the kernel has of a process.
#[derive(Debug, PartialEq)]
struct Stat {
    parent: u32,
    /// User and system, its own and that of children which have ended.
    cpu: Duration,
}

/// CPU time of these processes and all that descend from them.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn cpu(roots: &[u32]) -> anyhow::Result<Duration> {
    let all = stats()?;
    Ok(descendants(roots, &all).iter().filter_map(|id| all.get(id)).map(|stat| stat.cpu).sum())
}

/// What these processes and their descendants have in memory now, in KiB.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn resident_kib(roots: &[u32]) -> anyhow::Result<u64> {
    memory_kib(roots, "VmRSS:")
}

/// The most that each had in memory since [`forget_peak`], summed, in KiB.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn peak_kib(roots: &[u32]) -> anyhow::Result<u64> {
    memory_kib(roots, "VmHWM:")
}

/// From here on [`peak_kib`] counts anew.
///
/// # Errors
/// When `/proc` cannot be written.
pub fn forget_peak(roots: &[u32]) -> anyhow::Result<()> {
    for id in descendants(roots, &stats()?) {
        fs::write(format!("/proc/{id}/clear_refs"), "5")?;
    }
    Ok(())
}

fn memory_kib(roots: &[u32], field: &str) -> anyhow::Result<u64> {
    let mut sum = 0;
    for id in descendants(roots, &stats()?) {
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let value = status.lines().find_map(|line| line.strip_prefix(field)).context("no such field")?;
        sum += value.trim().trim_end_matches(" kB").parse::<u64>()?;
    }
    Ok(sum)
}

fn stats() -> anyhow::Result<BTreeMap<u32, Stat>> {
    let tick = Duration::from_secs(1) / u32::try_from(rustix::param::clock_ticks_per_second())?;
    let mut all = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // It may have ended meanwhile.
        let text = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        if let Some(stat) = parse(&text, tick) {
            all.insert(id, stat);
        }
    }
    Ok(all)
}

/// `/proc/PID/stat`, as in proc(5). The name may have spaces and brackets in it.
fn parse(text: &str, tick: Duration) -> Option<Stat> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u32 = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u32>().ok()).sum();
    Some(Stat { parent: fields.get(1)?.parse().ok()?, cpu: tick * ticks })
}

fn descendants(roots: &[u32], all: &BTreeMap<u32, Stat>) -> Vec<u32> {
    let mut found = roots.to_vec();
    let mut at = 0;
    while let Some(&parent) = found.get(at) {
        found.extend(all.iter().filter(|(_, stat)| stat.parent == parent).map(|(id, _)| *id));
        at += 1;
    }
    found
}

/// The process whose command line has all these arguments, in this order, next to each other.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn with_arguments(program: &str, arguments: &[&str]) -> anyhow::Result<Option<u32>> {
    let wanted = format!("\0{}\0", arguments.join("\0"));
    for entry in fs::read_dir("/proc")? {
        let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        let name = line.split('\0').next().unwrap_or_default();
        if name.ends_with(program) && line.contains(&wanted) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_process_serves_where_it_says_and_ends_with_its_handle() {
        let folder = tempfile::tempdir().unwrap();
        for said in ["serves at http://127.0.0.1:7", "two lines\nserves at http://127.0.0.1:7/ now\nand more"]
        {
            let mut command = Command::new("sh");
            command.args(["-c", "echo \"$0\"; exec sleep 600", said]);
            let served = Process::serve(&mut command, &folder.path().join("lines.txt"), "").unwrap();
            assert_eq!(served.1, "127.0.0.1:7".parse().unwrap());
            let id = served.0.id();
            drop(served);
            assert!(!Path::new(&format!("/proc/{id}")).exists());
        }
        let mut command = Command::new("sh");
        command.args(["-c", "echo no room >&2"]);
        let error = Process::serve(&mut command, &folder.path().join("lines.txt"), "").err().unwrap();
        assert!(error.to_string().contains("no room"), "{error}");
    }

    #[test]
    fn a_stat_line_is_read_whatever_the_process_is_called() {
        let line = "7 (a) b (c) S 3 7 7 0 -1 0 1 2 3 4 10 20 5 1 20 0 9 0 100 200 300";
        let tick = Duration::from_millis(10);
        assert_eq!(parse(line, tick), Some(Stat { parent: 3, cpu: Duration::from_millis(360) }));
        assert_eq!(parse("", tick), None);
    }

    #[test]
    fn descendants_are_found_over_generations() {
        let stat = |parent| Stat { parent, cpu: Duration::ZERO };
        let all = [(1, stat(0)), (2, stat(1)), (3, stat(2)), (4, stat(1)), (5, stat(9))].into();
        assert_eq!(descendants(&[2], &all), [2, 3]);
        assert_eq!(descendants(&[1], &all), [1, 2, 4, 3]);
    }
}
