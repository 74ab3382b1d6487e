//! Keys, as text that says what it is: a secret one is never taken for a public one.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use thiserror::Error;

const SECRET: &str = "stead-receipt-secret-1:";
const PUBLIC: &str = "stead-receipt-public-1:";

/// What a host signs receipts with. It is wiped from memory when it is dropped, and never shown.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

/// What receipts are checked with.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// Why a text is no key. It never repeats the text: that may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// It is nothing of the kind.
    #[error("this is no key: a public one begins with `{PUBLIC}`, a secret one with `{SECRET}`")]
    NoKey,
    /// A public key was expected.
    #[error("this is a secret key; give the public one, and keep this one where it is")]
    IsSecret,
    /// A secret key was expected.
    #[error("this is a public key; signing takes the secret one")]
    IsPublic,
    /// Its digits are not those of a key.
    #[error("the key is damaged: some of its digits are missing or wrong")]
    Damaged,
    /// The system gave no random bytes.
    #[error("the system gave no random bytes for a key")]
    NoRandomBytes,
}

impl KeyError {
    /// A stable word for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            KeyError::NoKey => "no-key",
            KeyError::IsSecret => "secret-key",
            KeyError::IsPublic => "public-key",
            KeyError::Damaged => "damaged-key",
            KeyError::NoRandomBytes => "no-random-bytes",
        }
    }
}

impl SecretKey {
    /// A new one, of random bytes of the system.
    pub fn new() -> Result<SecretKey, KeyError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| KeyError::NoRandomBytes)?;
        Ok(SecretKey::from_bytes(&bytes))
    }

    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> SecretKey {
        SecretKey(SigningKey::from_bytes(bytes))
    }

    /// Reads what [`SecretKey::to_text`] wrote.
    pub fn parse(text: &str) -> Result<SecretKey, KeyError> {
        let text = text.trim();
        match (text.strip_prefix(SECRET), text.starts_with(PUBLIC)) {
            (Some(digits), _) => Ok(SecretKey::from_bytes(&decode(digits)?)),
            (None, true) => Err(KeyError::IsPublic),
            (None, false) => Err(KeyError::NoKey),
        }
    }

    /// The text for the key's file, which nobody else may read.
    pub fn to_text(&self) -> String {
        format!("{SECRET}{}", STANDARD.encode(self.0.as_bytes()))
    }

    /// The key that its signatures are checked with.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.0.sign(bytes).to_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey of {}", self.public())
    }
}

impl PublicKey {
    /// Reads what its text form says.
    pub fn parse(text: &str) -> Result<PublicKey, KeyError> {
        let text = text.trim();
        match (text.strip_prefix(PUBLIC), text.starts_with(SECRET)) {
            (Some(digits), _) => {
                let key = VerifyingKey::from_bytes(&decode(digits)?).map_err(|_| KeyError::Damaged)?;
                // Every signature would fit one of these.
                if key.is_weak() { Err(KeyError::Damaged) } else { Ok(PublicKey(key)) }
            }
            (None, true) => Err(KeyError::IsSecret),
            (None, false) => Err(KeyError::NoKey),
        }
    }

    /// What signatures call it: the first half of its BLAKE3 hash, in hexadecimal.
    pub fn id(&self) -> String {
        blake3::hash(self.0.as_bytes()).to_hex()[..32].to_owned()
    }

    pub(crate) fn verifies(&self, bytes: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(bytes, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC}{}", STANDARD.encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn decode(digits: &str) -> Result<[u8; 32], KeyError> {
    let bytes = STANDARD.decode(digits).map_err(|_| KeyError::Damaged)?;
    bytes.try_into().map_err(|_| KeyError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_its_text_and_neither_is_taken_for_the_other() {
        let secret = SecretKey::from_bytes(&[7; 32]);
        let (private, public) = (secret.to_text(), secret.public().to_string());
        assert_eq!(public, "stead-receipt-public-1:6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=");
        assert_eq!(SecretKey::parse(&format!("{private}\n")).unwrap().to_text(), private);
        assert_eq!(PublicKey::parse(&public).unwrap(), secret.public());
        assert_eq!(PublicKey::parse(&private), Err(KeyError::IsSecret));
        assert_eq!(SecretKey::parse(&public).unwrap_err(), KeyError::IsPublic);
        assert_eq!(PublicKey::parse("ssh-ed25519 AAAA"), Err(KeyError::NoKey));
        assert_eq!(SecretKey::parse(&private[..40]).unwrap_err(), KeyError::Damaged);
        assert!(!format!("{secret:?}").contains(&private[SECRET.len()..]), "a secret is not shown");
        assert_ne!(SecretKey::new().unwrap().to_text(), SecretKey::new().unwrap().to_text());
    }

    #[test]
    fn a_key_that_every_signature_fits_is_none() {
        let weak = format!("{PUBLIC}{}", STANDARD.encode([&[1][..], &[0; 31]].concat()));
        assert_eq!(PublicKey::parse(&weak), Err(KeyError::Damaged));
    }
}
