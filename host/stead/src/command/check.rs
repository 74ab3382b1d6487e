use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use stead_schema::Verdict;

use super::deploy::{AffirmedArgs, in_file, read_component};
use super::swap::{name, verdict};
use super::{Context, Missing};
use crate::api::{
    CheckAnswer, CheckRequest, CheckedInfo, FateWord, FunctionChangeInfo, Side, SkeletonInfo, check_files,
};
use crate::console::{BAD, BOLD, Console, DIM, GOOD, count, plural, styled};
use crate::failure::{Exit, Failure};
use crate::session;

/// Say what a swap would do to the state, without one
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead check tally-v1.wasm tally-v2.wasm       two components; no data directory is needed
  stead check tally tally-v2.wasm               against the state that `tally` has now
  stead check tally tally-v3.wasm --accept-lossy acme:tally/notes@1
  stead check tally tally-v2.wasm --json | jq .refusals
  stead check tally tally-v2.wasm --skeleton .  write the migration that is missing, as a start

`reversible` says whether the old version could read what the new one writes: always, by value or never. \
Nothing is changed and no call waits. Whether a migration succeeds only running it can tell; it is not run.

Exit codes:
  0  a swap would be admitted as it is
  1  it would be refused, or a component is no plugin
  2  the command line is wrong
  3  the host or its store failed")]
pub(super) struct Check {
    /// The component that serves, or a plugin's name; what exists as a file or ends in .wasm is a file
    #[arg(value_name = "OLD.wasm|PLUGIN")]
    old: String,

    /// The component that would take over
    #[arg(value_name = "NEW.wasm")]
    new: PathBuf,

    /// As for `stead swap`: delete a collection, by identity
    #[arg(long, value_name = "IDENTITY")]
    drop: Vec<String>,

    /// As for `stead swap`: let fields, cases or flags of a collection be lost, by identity
    #[arg(long, value_name = "IDENTITY")]
    accept_lossy: Vec<String>,

    #[command(flatten)]
    affirmed: AffirmedArgs,

    /// Where a migration is missing, write a start of it to DIR/migration.wit and DIR/migrate.rs, which must not exist
    #[arg(long, value_name = "DIR")]
    skeleton: Option<PathBuf>,
}

impl Check {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let console = &context.console;
        let request = CheckRequest {
            drop: self.drop,
            accept_lossy: self.accept_lossy,
            state: self.affirmed.state,
            links: self.affirmed.links,
        };
        let answer = match is_file(&self.old) {
            true => files(Path::new(&self.old), &self.new, &request)?,
            false => plugin(context, &self.old, &self.new, &request).await?,
        };
        console.answer(&answer, |answer| print(console, &self.old, &self.new, answer))?;
        match (&answer.skeleton, &self.skeleton) {
            (Some(skeleton), Some(directory)) => write_skeleton(console, directory, skeleton)?,
            (Some(skeleton), None) if !console.is_json() => print_skeleton(console, skeleton)?,
            _ => {}
        }
        if answer.admitted { Ok(()) } else { Err(Failure::silent(Exit::Refused)) }
    }
}

/// Both files or none: what an author has written there is never touched.
fn write_skeleton(console: &Console, directory: &Path, skeleton: &SkeletonInfo) -> Result<(), Failure> {
    let files = [("migration.wit", &skeleton.wit), ("migrate.rs", &skeleton.rust)];
    let files = files.map(|(name, text)| (directory.join(name), text));
    if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
        return Err(Failure::usage("there is a file already where the skeleton would go; nothing was written")
            .at(path.display())
            .help("name another directory with --skeleton, or leave it out to have the skeleton printed"));
    }
    for (path, text) in files {
        let written = std::fs::create_dir_all(directory)
            .and_then(|()| std::fs::OpenOptions::new().write(true).create_new(true).open(&path))
            .and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| Failure::usage(format!("cannot write the skeleton: {error}")).at(path.display()))?;
        console.note(format_args!("wrote {}", path.display()));
    }
    Ok(())
}

fn print_skeleton(console: &Console, skeleton: &SkeletonInfo) -> Result<(), Failure> {
    for (title, text) in [("the migration that is missing, as WIT", &skeleton.wit), ("and as Rust", &skeleton.rust)] {
        console.line(format_args!("\n{}\n\n{}", styled(BOLD, title), text.trim_end()))?;
    }
    Ok(())
}

/// A plugin's name has neither slashes nor, by custom, an extension.
fn is_file(old: &str) -> bool {
    old.ends_with(".wasm") || old.contains('/') || Path::new(old).is_file()
}

fn files(old: &Path, new: &Path, request: &CheckRequest) -> Result<CheckAnswer, Failure> {
    let (old_wasm, new_wasm) = (read_component(old)?, read_component(new)?);
    let engine = session::engine(None)?;
    check_files(&engine, &old_wasm, &new_wasm, request).map_err(|(side, error)| {
        let file = if side == Side::Old { old } else { new };
        in_file(file, error).into()
    })
}

async fn plugin(context: &Context, old: &str, new: &Path, request: &CheckRequest) -> Result<CheckAnswer, Failure> {
    let taken_for = |failure: Failure| {
        let help = failure.help.clone().unwrap_or_default();
        failure.help(format!(
            "`{old}` was taken for a plugin, for there is no such file and it does not end in .wasm; {help}"
        ))
    };
    let wasm = read_component(new)?;
    let session = match context.session(Missing::Refuse).await {
        Err(failure) if failure.kind == "no-data" => return Err(taken_for(failure)),
        session => session?,
    };
    let answer = session.check(old, wasm, request).await.map_err(|error| in_file(new, error));
    let unknown = answer.as_ref().is_err_and(|error| error.kind == "unknown-plugin");
    let answer = session.close(answer).await;
    if unknown { answer.map_err(taken_for) } else { answer }
}

fn print(console: &Console, old: &str, new: &Path, answer: &CheckAnswer) -> Result<(), Failure> {
    let from = answer.from.as_ref().map(|version| format!(", {}", name(version))).unwrap_or_default();
    console.line(format_args!("{}{from}, by {}", styled(BOLD, old), styled(BOLD, new.display())))?;
    if answer.collections.is_empty() {
        console.line("  neither keeps state")?;
    }
    for collection in &answer.collections {
        print_collection(console, collection)?;
    }
    match &answer.functions {
        None => console.line("the functions of the version that serves cannot be read")?,
        Some(changes) if changes.is_empty() => {}
        Some(changes) => {
            console.line("callers see other functions:")?;
            for change in changes {
                print_change(console, change)?;
            }
        }
    }
    if answer.runs_migration {
        console.line("the swap runs the migration of the new component")?;
    }
    for refusal in &answer.refusals {
        let about = match refusal.subject.as_str() {
            "state" => String::new(),
            subject => format!("{subject}: "),
        };
        console.line(format_args!("{} {about}{}", styled(BAD, "refused:"), refusal.reason))?;
    }
    match answer.admitted {
        true => console.line(format_args!("{} a swap would be admitted", styled(GOOD, "ok:"))),
        false => console.line("a swap would be refused, and nothing changed by it"),
    }
}

fn print_collection(console: &Console, collection: &CheckedInfo) -> Result<(), Failure> {
    let word = match (collection.fate, collection.verdict) {
        (FateWord::Kept, Some(found)) => verdict(found),
        (FateWord::Dropped | FateWord::Behind | FateWord::Ahead, _) => styled(BAD, fate(collection.fate)),
        (FateWord::New | FateWord::Migrated | FateWord::Upgraded, _) => styled(GOOD, fate(collection.fate)),
        _ => fate(collection.fate).to_owned(),
    };
    let note = note(collection);
    console.line(format_args!("  {word}  {}{}", collection.identity, styled(DIM, note)))?;
    for difference in &collection.differences {
        let text = styled(DIM, console.cell(&difference.text));
        match difference.verdict {
            Verdict::Identical | Verdict::Widening => console.line(format_args!("                {text}"))?,
            found => console.line(format_args!("                {text} ({found})"))?,
        }
    }
    Ok(())
}

/// As wide as a verdict.
fn fate(fate: FateWord) -> &'static str {
    match fate {
        FateWord::Kept => "kept        ",
        FateWord::New => "new         ",
        FateWord::Undecided => "undecided   ",
        FateWord::Dormant => "dormant     ",
        FateWord::Migrated => "migrated    ",
        FateWord::Upgraded => "upgraded    ",
        FateWord::Absent => "absent      ",
        FateWord::Dropped => "dropped     ",
        FateWord::Tombstone => "tombstone   ",
        FateWord::Behind => "behind      ",
        FateWord::Ahead => "ahead       ",
    }
}

/// What follows the identity.
fn note(collection: &CheckedInfo) -> String {
    let entries = collection.entries.map(|entries| plural(entries, "entry", "entries"));
    let entries = || entries.clone().unwrap_or_else(|| "all entries".to_owned());
    let note = match collection.fate {
        FateWord::Kept => return kept(collection),
        FateWord::New => format!("{}, starts empty", collection.is.as_deref().unwrap_or("_")),
        FateWord::Undecided => "its functions fit more than one kind: stays empty".to_owned(),
        FateWord::Dormant => "not imported: kept as it is".to_owned(),
        FateWord::Migrated => format!("{} to migrate, then gone from the state", entries()),
        FateWord::Upgraded => {
            let by = collection.converted_by.as_deref().unwrap_or("a function");
            format!("{} through `{by}` while calls are served, then gone from the state", entries())
        }
        FateWord::Absent => "nothing to migrate from".to_owned(),
        FateWord::Dropped => format!("{} deleted", entries()),
        FateWord::Tombstone => "dropped or migrated away before".to_owned(),
        FateWord::Behind => "nothing imports this track or one below".to_owned(),
        FateWord::Ahead => "nothing imports this track or one above".to_owned(),
    };
    format!("  {note}")
}

fn kept(collection: &CheckedInfo) -> String {
    let mut notes = Vec::new();
    if collection.verdict.is_some_and(|verdict| verdict != Verdict::Identical) {
        notes.extend(collection.reversible.map(|reversible| format!("reversible: {reversible}")));
    }
    notes.extend(match collection.losing {
        Some(0) => Some("no entry uses what is gone".to_owned()),
        Some(losing) => {
            Some(format!("{} of {} lose a part", count(losing), count(collection.entries.unwrap_or(losing))))
        }
        None if collection.verdict == Some(Verdict::Lossy) => {
            Some("against a plugin, `stead check` sees whether an entry uses what is gone".to_owned())
        }
        None => None,
    });
    if notes.is_empty() { String::new() } else { format!("  {}", notes.join("; ")) }
}

fn print_change(console: &Console, change: &FunctionChangeInfo) -> Result<(), Failure> {
    if let Some(was) = &change.was {
        console.line(format_args!("  - {was}"))?;
    }
    if let Some(is) = &change.is {
        console.line(format_args!("  + {is}"))?;
    }
    Ok(())
}
