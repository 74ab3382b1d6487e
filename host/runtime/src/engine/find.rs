//! Why a function is not found by its name.

/// Why a name means no exported function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FindError {
    /// No function has it.
    #[error("no exported function `{name}`; there are: {}", there_are.join(", "))]
    Unknown {
        /// The name.
        name: String,
        /// Full names of those that there are.
        there_are: Vec<String>,
    },
    /// Several have it.
    #[error("`{name}` is ambiguous: {}", means.join(", "))]
    Ambiguous {
        /// The name.
        name: String,
        /// Full names of those that it may mean.
        means: Vec<String>,
    },
    /// The host cannot carry one of its types.
    #[error("`{path}` cannot be called from outside: {what}")]
    Uncallable {
        /// Full name.
        path: String,
        /// Which type.
        what: String,
    },
}
