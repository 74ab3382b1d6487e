//! Every limit of the runtime, its default and its reason.
//!
//! [`EngineLimits`] bound one process; [`Limits`] bound one plugin and can be set when it is deployed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Largest encoded key of a map, in bytes.
///
/// A key lies in every node of the tree on the way to it, and a node holds at most 16 KiB.
pub const KEY_BYTES_MAX: usize = 4 * KIB;

/// Longest name of a `wasi:keyvalue` bucket, in bytes: it stands in the key of each of its entries.
pub const BUCKET_NAME_BYTES_MAX: usize = 256;

/// Keys of one page of `wasi:keyvalue`'s `list-keys`: few buckets need a second one, and a guest has room for it.
pub const KEYS_PAGE_MAX: usize = 10_000;

/// Bytes of the keys of such a page; a page of one key is never too large.
pub const KEYS_PAGE_BYTES_MAX: usize = MIB;

/// Names and values of a version's settings together, in bytes: they travel in the query of a request, where each byte may
/// take three, and lie in the version's record.
pub const SETTINGS_BYTES_MAX: usize = 16 * KIB;

/// The part of a `wasi:logging` message that is logged, in bytes: a call of `log` is not interrupted.
pub const LOG_MESSAGE_BYTES_MAX: usize = 64 * KIB;

/// The part of a `wasi:logging` context that is logged, in bytes: it stands on every line.
pub const LOG_CONTEXT_BYTES_MAX: usize = 256;

/// Longest line of an exported state that is read, in bytes: one entry, whose value takes a few times its encoded bytes
/// as JSON. Default values have at most 16 MiB.
pub const EXPORT_LINE_BYTES_MAX: usize = 128 * MIB;

/// Different types that single entries of an exported state may name: as many as a collection has schemas.
pub(crate) const EXPORT_OWN_TYPES_MAX: usize = 1_000;

/// Bytes of an import that are gathered before they are written to the state in the making.
pub(crate) const IMPORT_BATCH_BYTES: u64 = MIB as u64;

/// What entries that are converted one by one make, in bytes, before it is committed: a commit that small holds up no other.
pub(crate) const UPGRADE_CHUNK_BYTES: usize = 128 * KIB;

/// For how long they are converted before they are committed and as much time is left to others.
pub(crate) const UPGRADE_CHUNK_TIME: Duration = Duration::from_millis(4);

/// Bytes of entries that are read at a time to be converted: all that such a migration holds in memory of a state.
pub(crate) const UPGRADE_PAGE_BYTES: usize = 4 * MIB;

/// What changed since the last round is converted while calls are held once it is so few entries: some milliseconds.
pub(crate) const UPGRADE_FEW_ENTRIES: u64 = 128;

/// After a round that went over more entries the next one begins with a checkpoint.
pub(crate) const UPGRADE_MANY_ENTRIES: u64 = 32_768;

/// Rounds after which calls are held all the same, if they write as fast as entries are converted.
pub(crate) const UPGRADE_ROUNDS_MAX: u32 = 24;

/// Characters of a key in the reason why its entry could not be converted.
pub(crate) const UPGRADE_KEY_CHARS_MAX: usize = 200;

/// Longest reason that an operator gives for an edit or import, in characters: it is kept in the history.
pub const REASON_CHARS_MAX: usize = 1_000;

/// Longest text of a key or value that the history keeps of an edit, in bytes.
pub(crate) const HISTORY_TEXT_BYTES_MAX: usize = 4 * KIB;

/// Plugins that one hand-off takes: all their gates are closed until the last successor is ready.
pub const SWAPS_MAX: usize = 64;

/// Links of one plugin: each is looked up at every call.
pub const LINKS_MAX: usize = 32;

/// Plugins that one call may reach through links, its own included: it takes the turns of all of them before it starts.
pub const LINKED_PLUGINS_MAX: usize = 64;

/// How many links deep a call may go. Each level is an instance with a stack of its own, and holds the arguments and the
/// result of its call in memory, each up to [`Limits::hostcall_bytes_max`].
pub const LINK_DEPTH_MAX: u32 = 16;

/// Calls of one plugin that are kept for rehearsals: what is known of each stays in memory as 16 bytes, and a rehearsal
/// runs all of them twice.
pub const RECORDED_CALLS_MAX: u64 = 100_000;

/// Bytes of the recorded calls of one plugin. They lie in the catalog, which every checkpoint carries.
pub const RECORDED_BYTES_MAX: u64 = 1024 * MIB as u64;

/// The same when the operator names none.
pub const RECORDED_BYTES_DEFAULT: u64 = 64 * MIB as u64;

/// Arguments of one recorded call, in bytes as encoded. Of a call with more only the name is kept: one upload is not to
/// push everything else out.
pub const RECORDED_ARGUMENTS_BYTES_MAX: usize = MIB;

/// How long the calls of a rehearsal may take when nobody says.
pub const REHEARSAL_TIME_DEFAULT: Duration = Duration::from_secs(60);

/// The longest that anybody may ask for.
pub const REHEARSAL_TIME_MAX: Duration = Duration::from_secs(24 * 3600);

/// Bytes of keys and values that the calls of a rehearsal may write on one version's copy of the state, which is in memory
/// and nowhere else. What a migration writes is bounded by [`Limits::migration_bytes_max`].
pub const REHEARSAL_WRITTEN_BYTES_MAX: u64 = 256 * MIB as u64;

/// Functions that a rehearsal's report tells of, those that differ first: with what is cut below it stays within a
/// megabyte, whatever a component exports.
pub const REHEARSAL_FUNCTIONS_MAX: usize = 256;

/// Entries of each collection that a rehearsal's report shows of those that differ.
pub const REHEARSAL_ENTRIES_MAX: usize = 10;

/// Longest text of a value, a list of arguments or a reason in a rehearsal's report, in bytes.
pub const REHEARSAL_TEXT_BYTES_MAX: usize = KIB;

/// Events that a host keeps in memory for those who read them late: some 300 bytes each. Who comes later still is told
/// how many it missed.
pub(crate) const EVENTS_KEPT: usize = 1_024;

/// Longest reason in an event, in bytes; the history has all of it.
pub(crate) const EVENT_TEXT_BYTES_MAX: usize = 1_000;

/// Limits of one process: they size what all plugins share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineLimits {
    /// Component instances alive at once. Each takes about four memory mappings and a call stack, and the kernel
    /// allows a process 65 530 mappings; past them the host itself fails to allocate. Default 2 000.
    pub instances_max: u32,
    /// Largest linear memory that any plugin may be allowed, in bytes; [`Limits::memory_bytes_max`] is clamped to it.
    /// The pool reserves address space for it. Default 1 GiB.
    pub memory_bytes_max: usize,
    /// Elements of one table that any plugin may be allowed. The pool reserves address space for them in every slot.
    /// Default 200 000; [`Limits::table_elements_max`] counts all tables of an instance.
    pub table_elements_max: usize,
    /// Memory and tables of a pooled slot that stay resident when an instance goes, in bytes: what is kept need not be
    /// faulted in again. Default 64 KiB, where instantiation was fastest.
    pub slot_keep_bytes: usize,
    /// Largest component accepted, in bytes: compilation takes about 30 times a component's size in memory.
    /// Default 64 MiB; the largest known guests (Python) have 18.
    pub component_bytes_max: usize,
    /// Compiled components kept in memory although no plugin runs them. Default 32.
    pub programs_idle_max: usize,
    /// Stack of a guest, in bytes. Host functions run on what remains of 2 MiB. Default 512 KiB.
    pub stack_bytes_max: usize,
    /// Time between two looks at a running guest: it yields to other calls, and its deadline is checked. Default 1 ms.
    pub tick: Duration,
}

impl Default for EngineLimits {
    fn default() -> EngineLimits {
        EngineLimits {
            instances_max: 2_000,
            memory_bytes_max: 1024 * MIB,
            table_elements_max: 200_000,
            slot_keep_bytes: 64 * KIB,
            component_bytes_max: 64 * MIB,
            programs_idle_max: 32,
            stack_bytes_max: 512 * KIB,
            tick: Duration::from_millis(1),
        }
    }
}

/// Limits of one plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Linear memory of one instance, all its memories together, in bytes. Default 256 MiB: script guests start with 20.
    pub memory_bytes_max: usize,
    /// Elements of all tables of one instance. Default 200 000: the largest known guests (Python) need 20 000.
    pub table_elements_max: usize,
    /// Resources (open files, sockets, streams, pollables) that an instance holds at once. Default 1 024.
    pub resources_max: usize,
    /// How long a call may take, waiting included, when its caller names no deadline. Default 30 s.
    pub call_time_max: Duration,
    /// Largest stored value, in bytes as encoded. Default 16 MiB: a value is written, hashed and read as a whole.
    pub value_bytes_max: usize,
    /// Keys and values written by one call, in bytes, with 64 more for each entry. Default 64 MiB: they stay in memory
    /// until the call ends and go to the journal as one record.
    pub transaction_bytes_max: usize,
    /// The same for a migration, which writes a whole state at once; what it takes to know which old entries were read
    /// counts too (see `engine/collection/seen.rs`). Default 1 GiB.
    pub migration_bytes_max: usize,
    /// Memory that what one host call passes may take on the host, in bytes, in either direction, as wasmtime counts it: a
    /// byte of a `list<u8>` that is a key, a value or a parameter of its own is one, and one inside another type forty, so
    /// such a list holds 3.3 MB at most. Default 128 MiB.
    pub hostcall_bytes_max: usize,
    /// Entries of one page of a scan. A page that would have more ends the call with an error: cut short in silence, it
    /// would look like the end of the collection. Default 100 000.
    pub scan_entries_max: u32,
    /// Encoded bytes of one page of a scan, in the same way; a page of one entry is never too large. Default 8 MiB. What
    /// it takes while it is turned into WIT values is bounded by [`Limits::hostcall_bytes_max`].
    pub scan_bytes_max: usize,
    /// Entries that one `clear` or `truncate-before` may delete. Default no limit: it is one change, however much goes. An
    /// operator may keep a plugin from losing much at one stroke.
    pub clear_entries_max: u64,
    /// Longest line of a guest's standard output or error that is logged whole, in bytes. Default 8 KiB.
    pub log_line_bytes_max: usize,
    /// The end of standard error that is kept for the message of a trap, in bytes. Default 4 KiB.
    pub stderr_tail_bytes_max: usize,
    /// Calls that may wait for one plugin. Default 10 000: each holds its arguments in memory.
    pub waiting_calls_max: usize,
    /// Clients whose call results one plugin keeps. Default 10 000.
    pub clients_max: usize,
    /// Results kept for each client; a call id below the window is refused, never run again. Default 64.
    pub results_per_client_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            memory_bytes_max: 256 * MIB,
            table_elements_max: 200_000,
            resources_max: 1_024,
            call_time_max: Duration::from_secs(30),
            value_bytes_max: 16 * MIB,
            transaction_bytes_max: 64 * MIB,
            migration_bytes_max: 1024 * MIB,
            hostcall_bytes_max: 128 * MIB,
            scan_entries_max: 100_000,
            scan_bytes_max: 8 * MIB,
            clear_entries_max: u64::MAX,
            log_line_bytes_max: 8 * KIB,
            stderr_tail_bytes_max: 4 * KIB,
            waiting_calls_max: 10_000,
            clients_max: 10_000,
            results_per_client_max: 64,
        }
    }
}
