use std::path::PathBuf;

use clap::Args;

use super::Context;
use super::deploy::{in_file, read_component};
use crate::api::{FunctionInfo, InspectAnswer};
use crate::console::{BOLD, Console, DIM, bytes, styled};
use crate::failure::Failure;
use crate::session;

/// Show what a component exports, imports and keeps
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead inspect tally.wasm
  stead inspect tally.wasm --json

Nothing is deployed and no data directory is needed.")]
pub(super) struct Inspect {
    /// The component
    #[arg(value_name = "FILE.wasm")]
    file: PathBuf,
}

impl Inspect {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let wasm = read_component(&self.file)?;
        let engine = session::engine(None)?;
        let inspected = crate::api::inspect(&engine, &wasm).map_err(|error| in_file(&self.file, error))?;
        context.console.answer(&inspected, |inspected| print(&context.console, inspected))
    }
}

fn print(console: &Console, component: &InspectAnswer) -> Result<(), Failure> {
    console.line(format_args!("component {} ({})", component.component, bytes(component.bytes)))?;
    exports(console, &component.functions)?;
    if !component.collections.is_empty() {
        console.line(format_args!("\n{}", styled(BOLD, "state")))?;
    }
    for collection in &component.collections {
        let old = if collection.old { "  (old: readable only while migrating)" } else { "" };
        console.line(format_args!("  {}: {}{}", collection.identity, collection.shape(), styled(DIM, old)))?;
    }
    for link in &component.links {
        console.line(format_args!("\n{} {}", styled(BOLD, "calls"), link.interface))?;
        for function in &link.functions {
            console.line(format_args!("  {}", function.wit()))?;
        }
        console.line(styled(DIM, format!("  no collection: {}", link.why)))?;
        console.line(styled(DIM, format!("  another plugin has to export it: `--link {}=PLUGIN`", link.interface)))?;
    }
    if !component.imports.is_empty() {
        console.line(format_args!("\n{}", styled(BOLD, "imports of the host")))?;
    }
    for import in &component.imports {
        console.line(format_args!("  {import}"))?;
    }
    if component.migrates {
        console.line("\nbrings a migration (stead:plugin/migrate)")?;
    }
    if !component.upgrades.is_empty() {
        console.line("\nconverts entries of earlier tracks, one by one")?;
    }
    for upgrade in &component.upgrades {
        console.line(format_args!("  {} to {}, by {}", upgrade.from.join(" or "), upgrade.to, upgrade.path))?;
    }
    if component.migrates_back {
        console.line("\nbrings a migration back from a newer track (stead:plugin/migrate-back)")?;
    }
    if component.checks_ready {
        console.line("\nbrings a readiness check (stead:plugin/ready)")?;
    }
    Ok(())
}

/// Functions under their interfaces, in WIT's words.
pub(super) fn exports(console: &Console, functions: &[FunctionInfo]) -> Result<(), Failure> {
    if functions.is_empty() {
        return console.line("\nexports no function");
    }
    let mut last = None;
    for function in functions {
        if last != Some(function.interface()) {
            last = Some(function.interface());
            let heading = function.interface().map_or("exports".to_owned(), |interface| format!("exports {interface}"));
            console.line(format_args!("\n{}", styled(BOLD, heading)))?;
        }
        console.line(format_args!("  {}", function.wit()))?;
    }
    Ok(())
}
