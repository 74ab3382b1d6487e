//! The links of a version. A version without any has no record, so that a data directory without links is one that earlier
//! releases can open.

use serde::{Deserialize, Serialize};

use super::Record;
use crate::engine::{Link, LinkTo};

/// The links of a version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LinksRecord {
    /// What the operator named, also of interfaces that this version does not import: a later one may.
    pub(crate) named: Vec<LinkTo>,
    /// What this version imports from other plugins, with the types that it needs. It is held against them without this
    /// version's component.
    pub(crate) links: Vec<Link>,
}

impl Record for LinksRecord {}
