//! Checking a file of receipts, without any host or store.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::Serialize;
use serde_json::{Value as Json, json};
use stead_receipt::{Checked, Hash, Trust, Verified, verify};

use crate::command::Context;
use crate::console::{BAD, Console, GOOD, Table, micros, plural, short, styled, time};
use crate::failure::{Exit, Failure};
use crate::key_file;

/// What was found, for programs.
#[derive(Serialize)]
struct Answer {
    store: Option<String>,
    plugin: Option<String>,
    /// One receipt by itself: nothing is known of those around it.
    alone: bool,
    /// Whether each receipt had to be signed with a key that was given.
    signatures_checked: bool,
    head: Option<Hash>,
    receipts: Vec<Json>,
    findings: Vec<Json>,
    /// Findings that are not listed.
    more_findings: u64,
}

pub(super) fn run(context: &Context, file: &Path, keys: &[String], head: Option<Hash>) -> Result<(), Failure> {
    let cannot =
        |error: std::io::Error| Failure::usage(format!("cannot read the receipts: {error}")).at(file.display());
    let trust = Trust { keys: keys.iter().map(|key| key_file::public(key)).collect::<Result<_, _>>()?, head };
    let opened = File::open(file).map_err(cannot)?;
    let verified = verify(BufReader::with_capacity(64 << 10, opened), &trust).map_err(cannot)?;
    let signatures_checked = !trust.keys.is_empty();
    let answer = answer(&verified, signatures_checked);
    context.console.answer(&answer, |_| print(&context.console, &verified, signatures_checked))?;
    if verified.is_clean() { Ok(()) } else { Err(Failure::silent(Exit::Refused)) }
}

fn answer(verified: &Verified, signatures_checked: bool) -> Answer {
    let (store, plugin) = match &verified.of {
        Some((store, plugin)) => (Some(store.clone()), Some(plugin.name.clone())),
        None => (None, None),
    };
    let finding = |finding: &stead_receipt::Finding| json!({ "kind": finding.kind(), "message": finding.to_string() });
    Answer {
        store,
        plugin,
        alone: verified.alone,
        signatures_checked,
        head: verified.head(),
        receipts: verified.receipts.iter().map(receipt).collect(),
        findings: verified.findings.iter().map(finding).collect(),
        more_findings: verified.more,
    }
}

fn receipt(checked: &Checked) -> Json {
    json!({
        "number": checked.number, "hash": checked.hash, "id": checked.id, "with": checked.with, "signed": checked.signed,
        "asked_by": checked.asked_by, "kind": checked.kind, "from": checked.from, "to": checked.to,
        "taken_over": checked.taken_over, "sealed_root": checked.sealed, "root": checked.root,
        "pause_us": checked.pause_us, "held_calls": checked.held_calls, "at_ms": checked.at_ms,
    })
}

fn print(console: &Console, verified: &Verified, signatures_checked: bool) -> Result<(), Failure> {
    if let Some((store, plugin)) = &verified.of {
        console.line(format_args!(
            "{}, plugin {} of store {}",
            plugin.name.escape_debug(),
            plugin.id,
            store.escape_debug()
        ))?;
    }
    if !verified.receipts.is_empty() {
        let mut table =
            Table::new(&[">#", "WHEN", "WHAT", ">FROM", ">TO", "COMPONENT", "RESULT", ">PAUSE", ">HELD", "ASKED BY"]);
        verified.receipts.iter().for_each(|receipt| table.row(row(receipt)));
        table.print(console)?;
    }
    for finding in &verified.findings {
        console.line(format_args!(
            "{} {}: {}",
            styled(BAD, "wrong:"),
            finding.kind(),
            finding.to_string().escape_debug()
        ))?;
    }
    if verified.more > 0 {
        console.line(format_args!("and {} more", plural(verified.more, "finding", "findings")))?;
    }
    if !verified.is_clean() {
        return Ok(());
    }
    let receipts = plural(verified.receipts.len() as u64, "receipt", "receipts");
    let how = match (verified.alone, signatures_checked) {
        (false, true) => "complete, unchanged, and each signed with a key that you gave",
        (false, false) => "complete and unchanged by itself; who wrote it is not proved without --key",
        (true, true) => "by itself, signed with a key that you gave; nothing is known of those before and after",
        (true, false) => "by itself; neither who wrote it nor what came before is proved",
    };
    console.line(format_args!("{} {receipts}: {how}", styled(GOOD, "ok:")))?;
    match verified.head() {
        Some(head) => console.line(format_args!("head {head}")),
        None => Ok(()),
    }
}

fn row(receipt: &Checked) -> [String; 10] {
    let result = if receipt.taken_over { "done" } else { "given up" };
    [
        receipt.number.to_string(),
        time(receipt.at_ms),
        receipt.kind.clone(),
        receipt.from.generation.to_string(),
        receipt.to.generation.to_string(),
        short(&receipt.to.component.to_string()),
        result.to_owned(),
        micros(receipt.pause_us),
        receipt.held_calls.to_string(),
        receipt.asked_by.clone().unwrap_or_default(),
    ]
}
