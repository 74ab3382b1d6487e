use std::time::Duration;

use clap::Args;

use super::{Context, Missing};
use crate::api::{Arguments, CallOptions, Outcome};
use crate::console::{BAD, parse_duration, styled};
use crate::failure::{Exit, Failure};

/// Call a function of a plugin
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead call tally vote '\"ann\"' '\"yes\"'             strings keep their double quotes
  stead call tally vote '\"ann\"' '\"no\"' --id web:7   exactly once: repeated, it is answered, not run
  stead call tally result --read                    writes nothing; runs beside other calls
  stead call shop order '{item: \"tea\", grams: 250}' some(2)
  stead call shop order --args-json '[{\"item\": \"tea\", \"grams\": 250}, 2]'
  stead call acme 'acme:tally/api@1.0.0#vote' …     the full name, where `vote` is ambiguous

Arguments and results are WAVE, the text form of WIT values: 7, -1.5, true, \"text\", 'c', [1, 2], {field: 1}, \
some(1), none, ok(1), err(\"no\"), case(1), (1, \"pair\").

An `err` of the plugin goes to standard error and the exit code is 1; the call's writes are rolled back.")]
pub(super) struct Call {
    /// The plugin
    plugin: String,

    /// An exported function: `vote`, `api.vote`, or the full name `acme:tally/api@1.0.0#vote`
    function: String,

    /// The arguments, each one WAVE value
    #[arg(value_name = "WAVE", allow_negative_numbers = true)]
    args: Vec<String>,

    /// All arguments as one JSON array
    #[arg(long, value_name = "JSON", conflicts_with = "args")]
    args_json: Option<String>,

    /// The call's identity; the same id never runs twice
    #[arg(long, value_name = "CLIENT:SEQ")]
    id: Option<String>,

    /// Give up after this time, waiting included: 500ms, 2s, 1m
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    deadline: Option<Duration>,

    /// The call only reads; a write traps
    #[arg(long)]
    read: bool,
}

impl Call {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let arguments = self.arguments()?;
        let options = CallOptions {
            id: self.id,
            deadline_ms: self.deadline.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
            read: self.read,
        };
        let session = context.session(Missing::Refuse).await?;
        let answer = session.call(&self.plugin, &self.function, arguments, &options).await;
        let answer = session.close(answer).await?;
        if context.console.is_json() {
            context.console.json(&answer)?;
        }
        let wave = answer.wave.as_deref();
        match answer.outcome {
            Outcome::Ok => {
                if let Some(wave) = wave.filter(|_| !context.console.is_json()) {
                    context.console.line(wave)?;
                }
                Ok(())
            }
            Outcome::Err => {
                if !context.console.is_json() {
                    let err = wave.map_or_else(|| "err".to_owned(), |wave| format!("err({wave})"));
                    context.console.note(styled(BAD, err));
                }
                Err(Failure::silent(Exit::Refused))
            }
        }
    }

    fn arguments(&self) -> Result<Arguments, Failure> {
        let Some(json) = &self.args_json else {
            return Ok(Arguments::Wave(self.args.clone()));
        };
        match serde_json::from_str(json) {
            Ok(serde_json::Value::Array(values)) => Ok(Arguments::Json(values)),
            Ok(_) => {
                Err(Failure::usage("--args-json takes one JSON array").help("for instance --args-json '[\"ann\", 1]'"))
            }
            Err(error) => Err(Failure::usage(format!("--args-json is no JSON: {error}")).at(json)),
        }
    }
}
