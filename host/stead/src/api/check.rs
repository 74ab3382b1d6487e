//! What a swap would find: the answer of `stead check`, over HTTP and in the same process.

use serde::{Deserialize, Serialize};
use stead_runtime::engine::Engine;
use stead_runtime::{Check, CheckError, Checked, Fate, Refusal, VersionSummary};
use stead_schema::{Difference, Reversible, Schema, Verdict};

use super::answers::shape;
use super::{ApiError, CheckRequest};

/// What a swap would find and do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CheckAnswer {
    /// A swap would be admitted as it is.
    pub(crate) admitted: bool,
    /// The worst verdict on the collections that both have; null if there is none.
    pub(crate) verdict: Option<Verdict>,
    /// The version that serves; null between two components.
    pub(crate) from: Option<VersionSummary>,
    /// The BLAKE3 hash of the component that would take over.
    pub(crate) component: String,
    pub(crate) collections: Vec<CheckedInfo>,
    /// Why a swap would be refused.
    pub(crate) refusals: Vec<Refusal>,
    /// The component exports a migration.
    pub(crate) brings_migration: bool,
    /// The swap would run it.
    pub(crate) runs_migration: bool,
    /// The migration that is missing, if that is a reason to refuse; else null.
    pub(crate) skeleton: Option<SkeletonInfo>,
    /// Exported functions that callers would see change; null if those of the version that serves cannot be read.
    pub(crate) functions: Option<Vec<FunctionChangeInfo>>,
}

/// What a swap would do with one collection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CheckedInfo {
    pub(crate) identity: String,
    pub(crate) fate: FateWord,
    /// What the state has, as `map<string, u64>`.
    pub(crate) was: Option<String>,
    /// What the component shows.
    pub(crate) is: Option<String>,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) reversible: Option<Reversible>,
    pub(crate) differences: Vec<DifferenceInfo>,
    /// Entries in the state; null between two components.
    pub(crate) entries: Option<u64>,
    /// Entries that would lose a part, where that is a question of their values.
    pub(crate) losing: Option<u64>,
    /// The function that converts its entries, if one does.
    #[serde(default)]
    pub(crate) converted_by: Option<String>,
}

/// A migration to be written, as a start.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SkeletonInfo {
    pub(crate) wit: String,
    pub(crate) rust: String,
}

/// What becomes of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FateWord {
    Kept,
    New,
    Undecided,
    Dormant,
    Migrated,
    Upgraded,
    Absent,
    Dropped,
    Tombstone,
    Behind,
    Ahead,
}

/// One difference between two types.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DifferenceInfo {
    /// ``value, field `choice` ``.
    pub(crate) path: String,
    /// The old type; null if the member is new.
    pub(crate) was: Option<String>,
    /// The new type; null if the member is gone.
    pub(crate) is: Option<String>,
    pub(crate) verdict: Verdict,
    /// All of it in one sentence.
    pub(crate) text: String,
}

/// An exported function that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FunctionChangeInfo {
    /// Null if it is new.
    pub(crate) was: Option<String>,
    /// Null if it is gone.
    pub(crate) is: Option<String>,
}

/// Which of two components an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Old,
    New,
}

/// Compares two components, without a data directory.
pub(crate) fn check_files(
    engine: &Engine,
    old: &[u8],
    new: &[u8],
    request: &CheckRequest,
) -> Result<CheckAnswer, (Side, ApiError)> {
    let options = request.options().map_err(|error| (Side::New, error))?;
    match Check::between(engine, old, new, &options) {
        Ok(check) => Ok(check.into()),
        Err(CheckError::Old(error)) => Err((Side::Old, (*error).into())),
        Err(CheckError::New(error)) => Err((Side::New, (*error).into())),
    }
}

impl From<Check> for CheckAnswer {
    fn from(check: Check) -> Self {
        let verdicts = check.collections.iter().filter(|collection| collection.fate == Fate::Kept);
        let verdicts = verdicts.filter_map(|collection| collection.comparison.as_ref());
        let functions = check.functions.as_ref().map(|changes| {
            let info = |change: &stead_runtime::FunctionChange| FunctionChangeInfo {
                was: change.was.clone(),
                is: change.is.clone(),
            };
            changes.iter().map(info).collect()
        });
        Self {
            admitted: check.is_admitted(),
            verdict: verdicts.map(|comparison| comparison.verdict).max(),
            runs_migration: check.collections.iter().any(|collection| collection.fate == Fate::Migrated),
            collections: check.collections.into_iter().map(CheckedInfo::from).collect(),
            from: check.from,
            component: check.component,
            refusals: check.refusals,
            brings_migration: check.brings_migration,
            skeleton: check.skeleton.map(|skeleton| SkeletonInfo { wit: skeleton.wit, rust: skeleton.rust }),
            functions,
        }
    }
}

impl From<Checked> for CheckedInfo {
    fn from(checked: Checked) -> Self {
        let comparison = checked.comparison.as_ref();
        Self {
            identity: checked.identity.to_string(),
            fate: checked.fate.into(),
            was: checked.was.as_ref().map(schema),
            is: checked.is.as_ref().map(schema),
            verdict: comparison.map(|comparison| comparison.verdict),
            reversible: comparison.map(|comparison| comparison.reversible),
            differences: comparison
                .into_iter()
                .flat_map(|comparison| &comparison.differences)
                .map(difference)
                .collect(),
            entries: checked.entries,
            losing: checked.losing,
            converted_by: checked.converted_by,
        }
    }
}

impl From<Fate> for FateWord {
    fn from(fate: Fate) -> Self {
        match fate {
            Fate::Kept => Self::Kept,
            Fate::New => Self::New,
            Fate::Undecided => Self::Undecided,
            Fate::Dormant => Self::Dormant,
            Fate::Migrated => Self::Migrated,
            Fate::Upgraded => Self::Upgraded,
            Fate::Absent => Self::Absent,
            Fate::Dropped => Self::Dropped,
            Fate::Tombstone => Self::Tombstone,
            Fate::Behind => Self::Behind,
            Fate::Ahead => Self::Ahead,
        }
    }
}

fn schema(schema: &Schema) -> String {
    let text = |ty: &Option<stead_schema::Type>| ty.as_ref().map(ToString::to_string);
    let (kind, key, value) = (schema.kind.to_string(), text(&schema.key), text(&schema.value));
    shape(Some(&kind), key.as_deref(), value.as_deref())
}

fn difference(difference: &Difference) -> DifferenceInfo {
    DifferenceInfo {
        path: difference.path.to_string(),
        was: difference.was.clone(),
        is: difference.is.clone(),
        verdict: difference.verdict,
        text: difference.to_string(),
    }
}
