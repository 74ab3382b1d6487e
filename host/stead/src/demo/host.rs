//! The host as a child process, and `stead` commands as a user would run them.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::failure::Failure;

/// A running `stead serve`; killed when dropped.
pub(super) struct HostProcess {
    child: Child,
    /// The line that it printed when it was ready.
    pub(super) announced: String,
    /// From its start to that line.
    pub(super) ready_in: Duration,
}

impl HostProcess {
    /// Starts `stead serve` and waits for it; its log goes to a file beside the data.
    pub(super) fn start(data: &Path) -> Result<Self, Failure> {
        let log_path = data.with_extension("log");
        let log = File::options().create(true).append(true).open(&log_path)?;
        let start = Instant::now();
        let mut child = stead(data, &["serve"])?.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn()?;
        let mut announced = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut announced)?;
        }
        let ready_in = start.elapsed();
        let host = Self { child, announced: announced.trim_end().to_owned(), ready_in };
        if host.announced.is_empty() {
            let log = std::fs::read_to_string(&log_path).unwrap_or_default();
            return Err(Failure::refused("demo", "the host did not start").at(log.trim_end()));
        }
        Ok(host)
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    pub(super) fn kill(mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM, and the end that follows.
    pub(super) fn stop(mut self) -> Result<(), Failure> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).map_err(std::io::Error::from)?;
        let status = self.child.wait()?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::refused("demo", format!("the host did not stop cleanly: {status}")))
    }
}

impl Drop for HostProcess {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Runs one command to its end and returns what it printed.
pub(super) fn command(data: &Path, args: &[&str]) -> Result<String, Failure> {
    let output = stead(data, args)?.current_dir(directory(data)).stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Failure::refused("demo", format!("`stead {}` failed ({})", args.join(" "), output.status)).at(said.trim_end()))
}

fn stead(data: &Path, args: &[&str]) -> Result<Command, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    // Neither a host elsewhere nor an output form from the environment may change what is shown.
    command.env_remove("STEAD_TOKEN").env("NO_COLOR", "1").arg("--data").arg(data).args(args);
    Ok(command)
}

fn directory(data: &Path) -> PathBuf {
    data.parent().unwrap_or(Path::new(".")).to_owned()
}
