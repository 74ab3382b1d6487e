//! What a host can be asked, once for both ways of asking: over HTTP and in the same process.
//!
//! [`Api`] carries out requests on an open host; the server translates HTTP into its methods, and a command on an idle
//! data directory calls them directly. So both answer the same, errors included.

mod answers;
mod arguments;
mod check;
mod convert;
mod door;
mod error;
mod limits;
mod links;
mod operations;
mod pairs;
mod probation;
mod receipts;
mod record;
mod rehearse;
mod repair;
mod requests;

pub(crate) use answers::{
    CallAnswer, CheckpointAnswer, CollectionInfo, DeployAnswer, EntryInfo, FunctionInfo, HandOffAnswer, HealthAnswer,
    InspectAnswer, LedgerAnswer, LedgerInfo, Outcome, PluginInfo, RepairAnswer, StateAnswer, VerifyAnswer, shape,
};
pub(crate) use check::{CheckAnswer, CheckedInfo, FateWord, FunctionChangeInfo, Side, SkeletonInfo, check_files};
pub(crate) use convert::inspect;
pub(crate) use door::{DiffEnd, EditRequest, ImportRequest, write_diff, write_line};
pub(crate) use error::{ApiError, ErrorBody};
pub(crate) use operations::{Api, verify_idle};
pub(crate) use pairs::Pairs;
pub(crate) use probation::ProbationRequest;
pub(crate) use receipts::{EventsQuery, asked_by};
pub(crate) use record::{RecordAnswer, RecordRequest};
pub(crate) use rehearse::RehearseRequest;
pub(crate) use repair::repair;
pub(crate) use requests::{
    Arguments, CallOptions, CheckRequest, DeployRequest, GrantsRequest, OneOfSeveral, RollbackRequest, StateQuery,
    SwapAllRequest, SwapRequest,
};
