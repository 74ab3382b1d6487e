//! Records of what is stated about hand-offs.

use serde::{Deserialize, Serialize};
use stead_receipt::{Envelope, Signature};
use stead_store::StateId;

use super::Record;

/// A hand-off that has ended and about which nothing is stated yet: its roots are still to be computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DueRecord {
    /// Shared by all plugins of the hand-off.
    pub(crate) id: [u8; 16],
    /// The other plugins.
    pub(crate) with: Vec<String>,
    /// Its number in the plugin's history, where the receipt is.
    pub(crate) event: u64,
    pub(crate) asked_by: Option<String>,
    /// The state that the successor began with; none if the hand-off was given up.
    pub(crate) begun: Option<StateId>,
}

/// What is stated about a hand-off, as it was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StatementRecord {
    payload: Vec<u8>,
    /// Names of keys, and their signatures of 64 bytes.
    signatures: Vec<(String, Vec<u8>)>,
}

impl Record for DueRecord {}
impl Record for StatementRecord {}

impl From<&Envelope> for StatementRecord {
    fn from(envelope: &Envelope) -> StatementRecord {
        let signatures = envelope.signatures.iter().map(|made| (made.key.clone(), made.bytes.to_vec())).collect();
        StatementRecord { payload: envelope.payload.clone(), signatures }
    }
}

impl StatementRecord {
    /// None if a signature has not the length of one.
    pub(crate) fn envelope(self) -> Option<Envelope> {
        let signature = |(key, bytes): (String, Vec<u8>)| Some(Signature { key, bytes: bytes.try_into().ok()? });
        let signatures = self.signatures.into_iter().map(signature).collect::<Option<_>>()?;
        Some(Envelope { payload: self.payload, signatures })
    }
}
