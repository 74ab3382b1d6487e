//! The readers of the crate as functions that take hostile bytes: they must end without a panic, and what they read must be
//! written as it was read. The fuzzer of `fuzz/` drives them, and so do the crate's own tests, over the committed seeds and
//! thousands of changes to each.

#[cfg(test)]
mod tests;

use crate::verify::{Trust, verify};
use crate::{Envelope, Hash, PublicKey, SecretKey, Statement};

/// A file of receipts.
pub fn receipts(bytes: &[u8]) {
    let trust = Trust { keys: vec![SecretKey::from_bytes(&[7; 32]).public()], head: None };
    let verified = verify(bytes, &trust).expect("memory is readable");
    assert!(verified.findings.len() <= crate::limits::FINDINGS_MAX);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for line in text.lines() {
        if let Ok(envelope) = Envelope::parse(line) {
            assert_eq!(Envelope::parse(&envelope.to_line()).expect("what was read is written"), envelope);
        }
    }
}

/// A statement, a key or a hash by itself.
pub fn statement(bytes: &[u8]) {
    if let Ok(statement) = Statement::read(bytes) {
        assert_eq!(statement.to_bytes(), bytes, "there is one form of one statement");
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(key) = PublicKey::parse(text) {
        assert_eq!(PublicKey::parse(&key.to_string()).as_ref(), Ok(&key));
    }
    if let Ok(hash) = text.parse::<Hash>() {
        assert_eq!(hash.to_string(), text);
    }
}
