use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use stead_receipt::PublicKey;

use super::Context;
use crate::failure::Failure;
use crate::key_file;

/// Make a key that receipts of hand-offs are signed with
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead key new receipts.key                        prints the public key, for those who check
  stead serve --receipt-key receipts.key
  stead key show receipts.key                       prints it again
  stead verify --receipt FILE --key stead-receipt-public-1:…

Whoever has the file can sign in the host's name; only its owner may be able to read it.")]
pub(super) struct Key {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a new key in a new file, and print its public half
    New {
        /// The file
        file: PathBuf,
    },
    /// Print the public half of a key
    Show {
        /// The file
        file: PathBuf,
    },
}

impl Key {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let key = match &self.action {
            Action::New { file } => key_file::create(file)?,
            Action::Show { file } => key_file::read_secret(file)?,
        };
        let public: PublicKey = key.public();
        let answer = json!({ "public": public.to_string(), "id": public.id() });
        context.console.answer(&answer, |_| context.console.line(&public))
    }
}
