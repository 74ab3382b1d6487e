//! The command tree: one file a command, each with its arguments, its examples and what it prints.

mod asked;
mod call;
mod cancel;
mod check;
mod checkpoint;
mod completions;
mod demo;
mod deploy;
mod events;
mod fork;
mod history;
mod inspect;
mod key;
mod list;
mod probation;
mod record;
mod rehearse;
mod repair;
mod resume;
mod rollback;
mod serve;
mod show;
mod state;
mod swap;
mod verify;
mod watched;

pub(crate) use swap::phase_word;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use stead_receipt::SecretKey;

use crate::client::Target;
use crate::console::Console;
use crate::failure::Failure;
use crate::key_file;
use crate::session::Session;

const AFTER_HELP: &str = "\
Examples:
  stead deploy tally tally.wasm                 deploy a component as the plugin `tally`
  stead call tally vote '\"ann\"' '\"yes\"'         call it with WAVE values
  stead state tally ballots                     read the state it keeps
  stead check tally tally-v2.wasm               what would replacing the code do to the state?
  stead swap tally tally-v2.wasm                replace the code, keep the state
  stead serve                                   run the plugins for other programs

Without a running host, each command opens the data directory itself. While `stead serve` runs on it, the commands \
go through its socket DIR/control.sock.

Exit codes:
  0  done
  1  the plugin answered `err` or trapped, or the request was refused
  2  the command line, or a value on it, is wrong
  3  the host or its store failed: locked, damaged, full, unreachable
  4  `stead repair` repaired, and nothing is lost
  5  `stead repair` repaired, and what it lists is lost";

/// Durable state for WebAssembly components: swap the code, keep the state.
#[derive(Debug, Parser)]
#[command(name = "stead", version, after_help = AFTER_HELP, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    command: Command,
}

impl Cli {
    /// The command goes on until it is stopped.
    pub(crate) fn serves(&self) -> bool {
        matches!(self.command, Command::Serve(_))
    }
}

/// What every command understands.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The data directory
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "STEAD_DATA",
        default_value = "./stead-data",
        help_heading = "Global options"
    )]
    pub(crate) data: PathBuf,

    /// A running host to talk to over TCP, instead of the data directory
    #[arg(long, global = true, value_name = "URL", value_parser = Target::parse, help_heading = "Global options")]
    host: Option<Target>,

    /// The token that the host on TCP asks for
    #[arg(
        long,
        global = true,
        value_name = "TOKEN",
        env = "STEAD_TOKEN",
        hide_env_values = true,
        help_heading = "Global options"
    )]
    pub(crate) token: Option<String>,

    /// The secret key that receipts of hand-offs are signed with, where the data directory is opened
    #[arg(long, global = true, value_name = "FILE", env = "STEAD_RECEIPT_KEY", help_heading = "Global options")]
    pub(crate) receipt_key: Option<PathBuf>,

    /// Print JSON
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) json: bool,

    /// When to use colour: auto (on terminals), always or never; NO_COLOR is honoured
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto, hide_possible_values = true, help_heading = "Global options")]
    pub(crate) color: Color,

    /// Log more to standard error; twice for still more
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    pub(crate) verbose: u8,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

impl From<Color> for anstream::ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Deploy(deploy::Deploy),
    Call(call::Call),
    List(list::List),
    Show(show::Show),
    Check(check::Check),
    // By far the one with most options.
    Swap(Box<swap::Swap>),
    Rollback(rollback::Rollback),
    Cancel(cancel::Cancel),
    Record(record::Record),
    Resume(resume::Resume),
    History(history::History),
    Events(events::Events),
    State(state::State),
    Fork(fork::Fork),
    Inspect(inspect::Inspect),
    Verify(verify::Verify),
    Repair(repair::Repair),
    Checkpoint(checkpoint::Checkpoint),
    Key(key::Key),
    Demo(demo::Demo),
    Completions(completions::Completions),
}

/// What a command works with: the global options and the console.
pub(crate) struct Context {
    pub(crate) console: Console,
    pub(crate) global: Global,
}

impl Context {
    /// The running host, or else the idle data directory opened here.
    async fn session(&self, missing: Missing) -> Result<Session, Failure> {
        let token = self.global.token.clone();
        match &self.global.host {
            Some(target) => Ok(Session::over(target.clone(), token)),
            None => Session::open(&self.global.data, missing, self.receipt_key()?).await,
        }
    }

    /// What this process signs receipts with, if it opens the data directory.
    fn receipt_key(&self) -> Result<Option<SecretKey>, Failure> {
        self.global.receipt_key.as_deref().map(key_file::read_secret).transpose()
    }
}

/// What to do about a data directory that does not exist yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    Create,
    Refuse,
}

/// Runs one command line to its end.
pub(crate) async fn run(cli: Cli, console: Console) -> Result<(), Failure> {
    let context = Context { console, global: cli.global };
    match cli.command {
        Command::Serve(command) => command.run(&context).await,
        Command::Deploy(command) => command.run(&context).await,
        Command::Call(command) => command.run(&context).await,
        Command::List(command) => command.run(&context).await,
        Command::Show(command) => command.run(&context).await,
        Command::Check(command) => command.run(&context).await,
        Command::Swap(command) => command.run(&context).await,
        Command::Rollback(command) => command.run(&context).await,
        Command::Cancel(command) => command.run(&context).await,
        Command::Record(command) => command.run(&context).await,
        Command::Resume(command) => command.run(&context).await,
        Command::History(command) => command.run(&context).await,
        Command::Events(command) => command.run(&context).await,
        Command::State(command) => command.run(&context).await,
        Command::Fork(command) => command.run(&context).await,
        Command::Inspect(command) => command.run(&context),
        Command::Verify(command) => command.run(&context).await,
        Command::Repair(command) => command.run(&context).await,
        Command::Checkpoint(command) => command.run(&context).await,
        Command::Key(command) => command.run(&context),
        Command::Demo(command) => command.run(&context).await,
        Command::Completions(command) => command.run(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_tree_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Examples:\n"), "`stead {} --help` has no examples", command.get_name());
        }
    }
}
