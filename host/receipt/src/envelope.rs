//! The envelope of a statement: the statement's bytes and their signatures, as the DSSE protocol has them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::key::{PublicKey, SecretKey};
use crate::limits::{PAYLOAD_BYTES_MAX, SIGNATURES_MAX};
use crate::statement::Hash;

/// What the payload of every envelope is.
pub const PAYLOAD_TYPE: &str = "application/vnd.stead.receipt+json";

/// A statement's bytes and their signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The statement, as it was made.
    pub payload: Vec<u8>,
    /// None if the host had no key.
    pub signatures: Vec<Signature>,
}

/// A signature of the payload and its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The id of the key. Nothing vouches for it.
    pub key: String,
    /// The signature.
    pub bytes: [u8; 64],
}

/// Why a text is no envelope.
#[derive(Debug, Error)]
pub enum EnvelopeError {
    /// It is not JSON of this form.
    #[error("this is no envelope of a receipt: {0}")]
    Form(#[source] serde_json::Error),
    /// It holds something else.
    #[error("the envelope holds `{0}`, no receipt")]
    Type(String),
    /// The payload or a signature is no base64.
    #[error("the {0} is no base64 of its length")]
    Base64(&'static str),
    /// There are more signatures than anybody makes.
    #[error("the envelope has more than {SIGNATURES_MAX} signatures")]
    TooManySignatures,
}

impl EnvelopeError {
    /// A stable word for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            EnvelopeError::Form(_) => "form",
            EnvelopeError::Type(_) => "type",
            EnvelopeError::Base64(_) => "base64",
            EnvelopeError::TooManySignatures => "too-many-signatures",
        }
    }
}

/// As it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Written {
    payload: String,
    payload_type: String,
    signatures: Vec<WrittenSignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSignature {
    keyid: String,
    sig: String,
}

impl Envelope {
    /// Around a statement, signed if there is a key.
    pub fn seal(payload: Vec<u8>, key: Option<&SecretKey>) -> Envelope {
        let signature = key.map(|key| Signature { key: key.public().id(), bytes: key.sign(&signed(&payload)) });
        Envelope { payload, signatures: signature.into_iter().collect() }
    }

    /// The hash that the next statement names.
    pub fn hash(&self) -> Hash {
        Hash::of(&self.payload)
    }

    /// Whether a signature was made with this key.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let signed = signed(&self.payload);
        self.signatures.iter().any(|signature| key.verifies(&signed, &signature.bytes))
    }

    /// As one line of JSON, without its end.
    pub fn to_line(&self) -> String {
        let signature =
            |made: &Signature| WrittenSignature { keyid: made.key.clone(), sig: STANDARD.encode(made.bytes) };
        let written = Written {
            payload: STANDARD.encode(&self.payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: self.signatures.iter().map(signature).collect(),
        };
        serde_json::to_string(&written).unwrap_or_else(|error| unreachable!("an envelope is JSON: {error}"))
    }

    /// Reads one line.
    pub fn parse(line: &str) -> Result<Envelope, EnvelopeError> {
        let written: Written = serde_json::from_str(line).map_err(EnvelopeError::Form)?;
        if written.payload_type != PAYLOAD_TYPE {
            return Err(EnvelopeError::Type(written.payload_type.chars().take(100).collect()));
        }
        if written.signatures.len() > SIGNATURES_MAX {
            return Err(EnvelopeError::TooManySignatures);
        }
        let payload = STANDARD.decode(&written.payload).ok().filter(|payload| payload.len() <= PAYLOAD_BYTES_MAX);
        let payload = payload.ok_or(EnvelopeError::Base64("payload"))?;
        let signatures = written.signatures.into_iter().map(|read| {
            let bytes = STANDARD.decode(&read.sig).ok().and_then(|bytes| bytes.try_into().ok());
            Ok(Signature { key: read.keyid, bytes: bytes.ok_or(EnvelopeError::Base64("signature"))? })
        });
        Ok(Envelope { payload, signatures: signatures.collect::<Result<_, _>>()? })
    }
}

/// What is signed (PAE): so that no other message of the same key can be passed off as a receipt.
fn signed(payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_has_these_bytes() {
        assert_eq!(signed(b"{}"), b"DSSEv1 34 application/vnd.stead.receipt+json 2 {}");
    }

    #[test]
    fn an_envelope_is_its_line_and_only_its_key_fits() {
        let key = SecretKey::from_bytes(&[7; 32]);
        let envelope = Envelope::seal(b"{}".to_vec(), Some(&key));
        assert_eq!(Envelope::parse(&envelope.to_line()).unwrap(), envelope);
        assert!(envelope.is_signed_by(&key.public()));
        assert!(!envelope.is_signed_by(&SecretKey::from_bytes(&[8; 32]).public()));
        let other = Envelope { payload: b"[]".to_vec(), ..envelope.clone() };
        assert!(!other.is_signed_by(&key.public()), "a signature is of its payload alone");
        assert!(!Envelope::seal(b"{}".to_vec(), None).is_signed_by(&key.public()));
    }

    #[test]
    fn what_is_no_envelope_is_said_to_be_none() {
        let line = Envelope::seal(b"{}".to_vec(), Some(&SecretKey::from_bytes(&[7; 32]))).to_line();
        let kinds = [
            ("{}".to_owned(), "form"),
            (line.replace("{\"payload\"", "{\"more\":1,\"payload\""), "form"),
            (line.replace("vnd.stead", "vnd.other"), "type"),
            (line.replace("\"payload\":\"", "\"payload\":\"*"), "base64"),
            (line.replace("\"sig\":\"", "\"sig\":\"AAAA"), "base64"),
        ];
        for (text, kind) in kinds {
            assert_eq!(Envelope::parse(&text).unwrap_err().kind(), kind, "{text}");
        }
    }
}
