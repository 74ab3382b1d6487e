//! What a host says of everything it holds, as text that does not change between releases.

use std::fmt::Write as _;

use stead_runtime::{Call, HistoryEvent, Host, Recovery, ScanOptions};

use crate::harness::text;

/// Calls with ids that the fixtures' plugins may have been asked: they are asked again.
pub(super) const ASKED: std::ops::RangeInclusive<u64> = 1..=4;

/// The call of client `ann` under this number; the second bumps no key and is refused.
pub(super) fn asked(plugin: &str, sequence: u64) -> Call {
    let key = if sequence == 2 { "" } else { "a" };
    Call::new(plugin, "bump", vec![text(key)]).with_id("ann", sequence)
}

pub(super) async fn describe(host: &Host, recovery: &Recovery) -> String {
    let mut out = String::new();
    for interrupted in &recovery.handoffs {
        let end = interrupted.receipt.given_up().map_or("the successor", |_| "the incumbent");
        let _ = writeln!(out, "{}: interrupted in {:?}, ended in {end}", interrupted.plugin, interrupted.phase);
    }
    for plugin in host.list().unwrap() {
        describe_plugin(host, &plugin.name, &mut out).await;
    }
    out
}

async fn describe_plugin(host: &Host, name: &str, out: &mut String) {
    let plugin = host.show(name).unwrap();
    let (version, settings) = (&plugin.summary.version, &plugin.settings.0);
    let _ = writeln!(out, "\n{name}: generation {}, label {:?}", version.generation, version.label);
    let _ = writeln!(out, "  component {}", version.component);
    let _ = writeln!(out, "  era {}, commits {}, settings {settings:?}", plugin.summary.era, plugin.commits);
    let before = plugin.previous.map(|version| version.generation);
    let _ = writeln!(out, "  root {}\n  before it: {before:?}", plugin.root);
    for collection in &plugin.collections {
        let (identity, kind) = (&collection.identity, collection.kind);
        let _ = writeln!(out, "  {identity}: {kind:?}, {} schemas, dormant {}", collection.schemas, collection.dormant);
        let scan = ScanOptions { collection: identity.clone(), ..ScanOptions::default() };
        for entry in host.state(name, &scan).map(|page| page.entries).unwrap_or_default() {
            let _ = writeln!(out, "    {:?} = {:?}", entry.key, entry.value);
        }
    }
    for entry in host.history(name).unwrap() {
        let _ = writeln!(out, "  {}: {}", entry.number, event(&entry.event));
    }
    // Only those that were asked before: they are answered from the record, and change nothing.
    for sequence in ASKED {
        match host.call(asked(name, sequence)).await {
            Ok(reply) if reply.replayed => {
                let _ = writeln!(out, "  call {sequence}: {:?}", reply.outcome);
            }
            Err(error) => {
                let _ = writeln!(out, "  call {sequence}: {}", error.kind());
            }
            Ok(_) => panic!("call {sequence} of {name} was not recorded"),
        }
    }
}

fn event(event: &HistoryEvent) -> String {
    match event {
        HistoryEvent::Deployed { version } => format!("deployed {}", version.generation),
        HistoryEvent::HandOff { receipt } => {
            let end = receipt.given_up().map_or("done".to_owned(), |(phase, _)| format!("given up in {phase:?}"));
            let migrated: u64 = receipt.migrated.iter().flat_map(|m| &m.collections).map(|c| c.written).sum();
            let (from, to) = (receipt.from.generation, receipt.to.generation);
            let root = receipt.root.as_deref().unwrap_or("none");
            format!("{:?} from {from} to {to}, {end}, {migrated} entries written, root {root}", receipt.kind)
        }
        HistoryEvent::Edited { edited } => format!("edited: {}", edited.reason),
        HistoryEvent::Imported { imported } => format!("imported {} entries", imported.entries),
        HistoryEvent::Forked { from, version } => format!("forked from {from} at {}", version.generation),
        #[allow(unreachable_patterns, reason = "events that the release which writes a fixture does not know")]
        other => format!("{other:?}"),
    }
}
