//! Why exported functions cannot convert entries, and what would help.

use crate::identity::Identity;
use crate::shape::Kind;

/// Why an exported function cannot convert entries.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpgradeError {
    /// It has other types than it must have.
    #[error(
        "`{function}` is `{is}`; a function that converts entries is `func(old: V1) -> result<option<V2>, string>`, with \
         the key of a map or the index of a log before `old` if it needs it"
    )]
    Signature {
        /// The function.
        function: String,
        /// Its type in WIT, or what is wrong with it.
        is: String,
    },
    /// No collection has its name.
    #[error(
        "`{function}` converts entries of `{collection}`, but the component imports no collection of that name; it \
         imports {}",
        list(there_are)
    )]
    NoCollection {
        /// The function.
        function: String,
        /// The collection that it names.
        collection: String,
        /// Those that the component imports.
        there_are: Vec<String>,
    },
    /// Two collections have its name.
    #[error("`{function}` may mean `{first}` and `{second}`: give one of the interfaces another name")]
    Ambiguous {
        /// The function.
        function: String,
        /// The one.
        first: Identity,
        /// The other.
        second: Identity,
    },
    /// The kind of the collection is not known.
    #[error("`{function}`: the component uses too little of `{to}` to tell a cell from a map; call its `get` or `set`")]
    Undecided {
        /// The function.
        function: String,
        /// The collection.
        to: Identity,
    },
    /// What it makes, or takes of a counter, is no value of the collection.
    #[error("`{function}` has an entry of `{to}` as `{is}`, but it is `{must}`")]
    New {
        /// The function.
        function: String,
        /// The type that it has.
        is: String,
        /// The collection.
        to: Identity,
        /// The type that it must have.
        must: String,
    },
    /// Its first parameter is not the collection's key.
    #[error("`{function}` takes the key as `{is}`, but that of `{to}` is `{must}`")]
    Key {
        /// The function.
        function: String,
        /// The type that it takes.
        is: String,
        /// The collection.
        to: Identity,
        /// The type of its key, or of a log's index.
        must: String,
    },
    /// It takes a key where there is none.
    #[error("`{function}` takes a key, but `{to}` is a {kind}, which has none: take `old` alone")]
    NoKey {
        /// The function.
        function: String,
        /// The collection.
        to: Identity,
        /// Its kind.
        kind: Kind,
    },
    /// Nothing says from which track it converts.
    #[error(
        "`{function}` converts entries to `{to}`, but nothing of that package is imported on an earlier track, so that \
         nobody can tell from which: import the old interface beside the new one; tools leave out an import of which \
         neither a type nor a function is used, so let `old` be one of its types or call one of its functions"
    )]
    NoOld {
        /// The function.
        function: String,
        /// The collection that it fills.
        to: Identity,
    },
    /// An old import holds other values.
    #[error("`{function}` takes `{is}`, but a value of `{old}`, as it is imported, is `{value}`")]
    Old {
        /// The function.
        function: String,
        /// The type that it takes.
        is: String,
        /// The old import.
        old: Identity,
        /// The type of its values.
        value: String,
    },
    /// Old and new differ in what stays as it is.
    #[error(
        "`{function}`: the {what} of `{old}` is `{was}` and that of `{to}` is `{is}`; entry by entry only values \
         change: keep the {what}, or export `stead:plugin/migrate` instead"
    )]
    Differ {
        /// The function.
        function: String,
        /// The old collection.
        old: Box<Identity>,
        /// The new one.
        to: Box<Identity>,
        /// Kind or key.
        what: &'static str,
        /// Of the old one.
        was: String,
        /// Of the new one.
        is: String,
    },
    /// Two functions convert the same.
    #[error("`{first}` and `{second}` both convert entries that are `{old}`: keep one")]
    Twice {
        /// The one.
        first: String,
        /// The other.
        second: String,
        /// The type that both take.
        old: String,
    },
}

fn list(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        _ => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}
