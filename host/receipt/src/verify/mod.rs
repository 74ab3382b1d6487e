//! Checking a file of receipts by itself: what it is, whose it is, whether it is whole and unchanged.

mod chain;
mod finding;
#[cfg(test)]
mod tests;

use std::io::{self, BufRead};

pub use finding::Finding;

use crate::envelope::Envelope;
use crate::file::Header;
use crate::key::PublicKey;
use crate::limits::{FINDINGS_MAX, RECEIPTS_MAX};
use crate::line::{Line, Lines};
use crate::statement::{Ended, Facts, Hash, PluginName, Statement, Version};
use chain::{Chain, Place};

/// What the reader of a file relies on.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Each receipt must be signed with one of these; with none given, signatures are not looked at.
    pub keys: Vec<PublicKey>,
    /// The hash of a statement that the reader knows from before; the file must hold it.
    pub head: Option<Hash>,
}

/// What a file holds, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// Whose receipts they are; none if that cannot be told.
    pub of: Option<(String, PluginName)>,
    /// The receipts that could be read, in the order of the file.
    pub receipts: Vec<Checked>,
    /// The file is one receipt by itself: it says nothing of those before and after.
    pub alone: bool,
    /// What is wrong, at most [`FINDINGS_MAX`] of it.
    pub findings: Vec<Finding>,
    /// How many findings more there are.
    pub more: u64,
}

/// The essentials of one receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Where it stands.
    pub line: u64,
    /// Its place in the chain.
    pub number: u64,
    /// The hash of its statement.
    pub hash: Hash,
    /// The hand-off.
    pub id: String,
    /// The other plugins that changed hands with it.
    pub with: Vec<String>,
    /// Who asked for the hand-off.
    pub asked_by: Option<String>,
    /// `swap`, `rollback` and so on.
    pub kind: String,
    /// The incumbent.
    pub from: Version,
    /// The successor.
    pub to: Version,
    /// Whether the successor serves.
    pub taken_over: bool,
    /// The root of the sealed state.
    pub sealed: Option<Hash>,
    /// The root of the state that the successor began with.
    pub root: Option<Hash>,
    /// For how long calls were held, in microseconds.
    pub pause_us: u64,
    /// Calls that waited.
    pub held_calls: u64,
    /// When it ended, in milliseconds since 1970.
    pub at_ms: u64,
    /// A trusted key signed it.
    pub signed: bool,
}

impl Verified {
    /// Nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// The hash of the last receipt.
    pub fn head(&self) -> Option<Hash> {
        self.receipts.iter().max_by_key(|receipt| receipt.number).map(|receipt| receipt.hash)
    }

    fn found(&mut self, finding: Finding) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        } else {
            self.more += 1;
        }
    }
}

/// Reads a file of receipts and says everything that is wrong with it. Only reading itself can fail.
pub fn verify(file: impl BufRead, trust: &Trust) -> io::Result<Verified> {
    let mut reading = Reading { trust, verified: Verified::default(), header: None, chain: Chain::default() };
    let mut lines = Lines::new(file);
    let mut number = 0;
    let cut_off = loop {
        let line = lines.next()?;
        number += 1;
        match line {
            Line::Whole(text) => reading.line(number, &text),
            Line::CutOff(text) => break reading.last(number, &text),
            Line::Unreadable(what) => reading.malformed(number, what.to_owned()),
            Line::FileTooLarge => {
                reading.verified.found(Finding::TooLarge { line: number - 1 });
                return Ok(reading.verified);
            }
            Line::End => break None,
        }
        if number > RECEIPTS_MAX {
            reading.verified.found(Finding::TooLarge { line: number });
            return Ok(reading.verified);
        }
    };
    Ok(reading.end(cut_off))
}

/// A file as it is read.
struct Reading<'a> {
    trust: &'a Trust,
    verified: Verified,
    header: Option<Header>,
    chain: Chain,
}

impl Reading<'_> {
    fn line(&mut self, line: u64, text: &str) {
        if line == 1 {
            match Header::parse(text) {
                Some(Ok(header)) => {
                    self.verified.of = Some((header.store.clone(), header.plugin.clone()));
                    self.header = Some(header);
                    return;
                }
                Some(Err(what)) => return self.verified.found(Finding::NoReceipts { what }),
                None => self.verified.alone = true,
            }
        }
        match read(text) {
            Ok((envelope, statement, facts)) => self.receipt(line, &envelope, statement, facts),
            Err(what) if line == 1 => self.verified.found(Finding::NoReceipts { what }),
            Err(what) => self.malformed(line, what),
        }
    }

    /// The last line, which has no end: its number, if it is cut off itself.
    fn last(&mut self, line: u64, text: &str) -> Option<u64> {
        // A receipt by itself may have been copied without the end of its line.
        let whole = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        if whole || line == 1 {
            self.line(line, text);
        }
        (!whole).then_some(line)
    }

    fn malformed(&mut self, line: u64, what: String) {
        self.chain.unreadable.push(line);
        self.verified.found(Finding::Malformed { line, what });
    }

    fn receipt(&mut self, line: u64, envelope: &Envelope, statement: Statement, facts: Facts) {
        let number = statement.number;
        match &self.verified.of {
            None => self.verified.of = Some((statement.store.clone(), statement.plugin.clone())),
            Some((store, plugin)) if *store == statement.store && *plugin == statement.plugin => {}
            Some((store, _)) => {
                let of = match *store == statement.store {
                    true => format!("another plugin, {} (number {})", statement.plugin.name, statement.plugin.id),
                    false => format!("another store, {}", statement.store.chars().take(40).collect::<String>()),
                };
                return self.verified.found(Finding::Foreign { line, number, of });
            }
        }
        let signed = match self.signature(line, number, envelope) {
            Ok(signed) => signed,
            Err(finding) => {
                self.verified.found(finding);
                false
            }
        };
        let hash = envelope.hash();
        self.chain.places.push(Place { line, number, hash, previous: statement.previous });
        self.verified.receipts.push(Checked {
            line,
            number,
            hash,
            id: statement.id,
            with: statement.with,
            asked_by: statement.asked_by,
            kind: facts.kind,
            from: facts.from,
            to: facts.to,
            taken_over: facts.activated == Ended::Successor,
            sealed: facts.sealed.and_then(|sealed| sealed.root),
            root: facts.root,
            pause_us: facts.pause_us,
            held_calls: facts.held_calls,
            at_ms: facts.at_ms,
            signed,
        });
    }

    /// Whether a trusted key signed it; an error if one had to and none did.
    fn signature(&self, line: u64, number: u64, envelope: &Envelope) -> Result<bool, Finding> {
        let keys = &self.trust.keys;
        if keys.is_empty() {
            return Ok(false);
        }
        if keys.iter().any(|key| envelope.is_signed_by(key)) {
            return Ok(true);
        }
        let Some(first) = envelope.signatures.first() else { return Err(Finding::Unsigned { line, number }) };
        let claims = |key: &PublicKey| envelope.signatures.iter().any(|signature| signature.key == key.id());
        match keys.iter().find(|key| claims(key)) {
            Some(key) => Err(Finding::Forged { line, number, key: key.id() }),
            None => Err(Finding::WrongKey { line, number, key: first.key.chars().take(64).collect() }),
        }
    }

    /// What can be said once all lines were read.
    fn end(mut self, cut_off: Option<u64>) -> Verified {
        let Reading { trust, verified, header, chain } = &mut self;
        let nothing = verified.receipts.is_empty() && verified.findings.is_empty();
        let refused = verified.findings.iter().any(|finding| matches!(finding, Finding::NoReceipts { .. }));
        match header {
            Some(header) => chain.whole(header, cut_off, |finding| verified.found(finding)),
            None if refused => {}
            None if nothing => verified.found(Finding::NoReceipts { what: "it is empty".into() }),
            None if chain.places.len() > 1 => {
                let what = "it holds several receipts without the header that says how many there are";
                verified.found(Finding::NoReceipts { what: what.into() });
                chain.linked(|finding| verified.found(finding));
            }
            None => {}
        }
        if let Some(head) = trust.head
            && !chain.places.iter().any(|place| place.hash == head)
        {
            verified.found(Finding::UnknownHead { head });
        }
        self.verified
    }
}

fn read(text: &str) -> Result<(Envelope, Statement, Facts), String> {
    let envelope = Envelope::parse(text).map_err(|error| error.to_string())?;
    let statement = Statement::read(&envelope.payload).map_err(|error| error.to_string())?;
    let facts = statement.facts().map_err(|error| error.to_string())?;
    Ok((envelope, statement, facts))
}
