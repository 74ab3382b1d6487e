//! The `stead` command: deploys plugins, calls them, shows their state and replaces their code, and serves them to
//! other programs.
//!
//! Each command talks to the host that serves its data directory, or opens the directory itself when none does; both
//! ways run the same code ([`api`]). The binary prints and parses; it is not responsible for plugins, calls or
//! hand-offs (`stead-runtime`), nor for what is on disk (`stead-store`).

mod api;
mod client;
mod command;
mod console;
mod demo;
mod failure;
mod key_file;
mod lines;
mod new_file;
mod pipe;
mod server;
mod session;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::command::Cli;
use crate::console::Console;
use crate::failure::{Exit, Failure};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return wrong_line(&error),
    };
    let console = Console::new(cli.global.json, cli.global.color.into());
    log_to_stderr(&cli);
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::host("io", format!("cannot start threads: {error}")))
        .and_then(|runtime| runtime.block_on(command::run(cli, console)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            console.failure(&failure);
            ExitCode::from(failure.exit as u8)
        }
    }
}

/// Help and version go to standard output; what is wrong goes to standard error, as JSON for a program that asked for it.
fn wrong_line(error: &clap::Error) -> ExitCode {
    let json = std::env::args_os().take_while(|arg| arg != "--").any(|arg| arg == "--json");
    if error.use_stderr() && json {
        let text = error.render().to_string();
        let (what, rest) = text.trim().split_once("\n\n").unwrap_or((text.trim(), ""));
        let failure = Failure::usage(what.trim_start_matches("error: "));
        let failure = if rest.is_empty() { failure } else { failure.help(rest) };
        Console::new(true, anstream::ColorChoice::Never).failure(&failure);
    } else {
        // A closed output is nothing to fail for.
        drop(error.print());
    }
    ExitCode::from(if error.use_stderr() { Exit::Usage } else { Exit::Done } as u8)
}

/// `STEAD_LOG` takes a filter in the form of `RUST_LOG`; `-v` and `-vv` are shorter. A command that ends with its answer
/// says in its error what a host that goes on has to log.
fn log_to_stderr(cli: &Cli) {
    let default = match cli.global.verbose {
        0 if cli.serves() => "warn",
        0 => "error",
        1 => "info",
        _ => "debug",
    };
    let coloured = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let filter = EnvFilter::try_from_env("STEAD_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(coloured)
        .without_time()
        .init();
}
