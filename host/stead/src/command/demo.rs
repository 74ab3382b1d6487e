use clap::Args;

use super::Context;
use crate::console::BOLD;
use crate::console::styled;
use crate::demo::{self, Setup};
use crate::failure::{Exit, Failure};

/// Show the main job on real input: deploy, call, kill -9, swap, compare every total
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead demo
  stead demo --rounds 20
  stead demo --keep --json

Runs a real host in a new directory, streams a year of weather readings through a plugin from several callers, kills \
the host with SIGKILL again and again, swaps the plugin's code under load, and compares everything that it kept with \
the file. Exit code 1 if one call is lost or doubled, or one total differs.")]
pub(super) struct Demo {
    /// How often to run it all; each round kills in another phase of the swap
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,

    /// Concurrent callers
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=256))]
    callers: u32,

    /// Keep the directory
    #[arg(long)]
    keep: bool,
}

impl Demo {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        tokio::select! {
            result = self.rounds(context) => result,
            // The round is dropped with its host and its directory.
            _ = tokio::signal::ctrl_c() => Err(Failure::silent(Exit::Refused)),
        }
    }

    async fn rounds(&self, context: &Context) -> Result<(), Failure> {
        let console = &context.console;
        let mut reports = Vec::new();
        for round in 0..self.rounds {
            if self.rounds > 1 && !console.is_json() {
                console.line(styled(BOLD, format!("\nround {} of {}", round + 1, self.rounds)))?;
            }
            let setup = Setup { callers: self.callers as usize, keep: self.keep, round };
            let report = demo::run(*console, setup).await?;
            if !console.is_json() {
                demo::figures(console, &report)?;
            }
            reports.push(report);
        }
        if console.is_json() {
            return console.json(&serde_json::json!({ "passed": true, "rounds": reports }));
        }
        if self.rounds > 1 {
            console.line(styled(BOLD, format!("\nall {} rounds passed", self.rounds)))?;
        }
        Ok(())
    }
}
