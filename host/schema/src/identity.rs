//! Which collections of two versions are the same: interface name and track.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The identity of a collection: the name of its interface and the track of its version, e.g. `acme:tally/ballots@1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Identity {
    name: String,
    track: Track,
}

/// Versions that promise to be compatible with each other: `1` for 1.x.y, `0.3` for 0.3.x.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Track {
    /// No version at all.
    Unversioned,
    /// 0.y
    Minor(u64),
    /// x, from 1
    Major(u64),
}

/// Why a text is no identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// No name before the version.
    #[error("`{text}` has no interface name")]
    NoName {
        /// The text.
        text: String,
    },
    /// What follows `@` is neither a version nor a track.
    #[error("`{version}` in `{text}` is no version like 1.0.0 and no track like 1 or 0.3")]
    Version {
        /// The text.
        text: String,
        /// The part after `@`.
        version: String,
    },
}

impl Identity {
    /// Reads an interface name with a version (`acme:tally/ballots@1.0.0`), with a track (`acme:tally/ballots@1`) or with
    /// neither (`ballots`).
    pub fn parse(text: &str) -> Result<Identity, IdentityError> {
        let (name, track) = match text.split_once('@') {
            None => (text, Track::Unversioned),
            Some((name, version)) => {
                let bad = || IdentityError::Version { text: text.into(), version: version.into() };
                (name, Track::parse(version).ok_or_else(bad)?)
            }
        };
        match name {
            "" => Err(IdentityError::NoName { text: text.into() }),
            name => Ok(Identity { name: name.into(), track }),
        }
    }

    /// The interface's name without its version: `acme:tally/ballots`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The package of the interface, `acme:tally`; an inline interface has none.
    pub fn package(&self) -> Option<&str> {
        self.name.split_once('/').map(|(package, _)| package)
    }

    /// The track.
    pub fn track(&self) -> Track {
        self.track
    }

    /// The same interface on another track.
    pub fn on_track(&self, track: Track) -> Identity {
        Identity { name: self.name.clone(), track }
    }

    /// Whether `other` belongs to the same package on a higher track, which makes this one *old* beside a migration.
    pub fn is_older_than(&self, other: &Identity) -> bool {
        self.package().is_some() && self.package() == other.package() && self.track < other.track
    }
}

impl Track {
    fn parse(version: &str) -> Option<Track> {
        let number = |text: &str| match text {
            "0" => Some(0),
            text if text.starts_with('0') || !text.bytes().all(|b| b.is_ascii_digit()) => None,
            text => text.parse().ok(),
        };
        let of = |major, minor| {
            if major == 0 { Track::Minor(minor) } else { Track::Major(major) }
        };
        if let Ok(version) = semver::Version::parse(version) {
            return Some(of(version.major, version.minor));
        }
        match version.split_once('.') {
            None => number(version).filter(|major| *major > 0).map(Track::Major),
            Some((major, minor)) => Some(of(number(major)?, number(minor)?)),
        }
    }
}

impl Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.track {
            Track::Unversioned => f.write_str(&self.name),
            track => write!(f, "{}@{track}", self.name),
        }
    }
}

impl Display for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Track::Unversioned => f.write_str("unversioned"),
            Track::Minor(minor) => write!(f, "0.{minor}"),
            Track::Major(major) => write!(f, "{major}"),
        }
    }
}

impl FromStr for Identity {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Identity, IdentityError> {
        Identity::parse(text)
    }
}

impl TryFrom<String> for Identity {
    type Error = IdentityError;

    fn try_from(text: String) -> Result<Identity, IdentityError> {
        Identity::parse(&text)
    }
}

impl From<Identity> for String {
    fn from(identity: Identity) -> String {
        identity.to_string()
    }
}

#[cfg(test)]
mod tests;
