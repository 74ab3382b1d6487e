//! Why a component cannot be a plugin.

use stead_schema::{Kind, ShapeError, UpgradeError};

use super::reflect::Foreign;

/// Why a component cannot be a plugin.
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    /// The bytes are no WebAssembly.
    #[error("not WebAssembly: the file does not start with `\\0asm`")]
    NotWasm,
    /// WebAssembly, but a plain module.
    #[error(
        "a core WebAssembly module, not a component: build it for wasm32-wasip2, or wrap it with `wasm-tools component new`"
    )]
    CoreModule,
    /// Larger than the host takes.
    #[error("the component has {bytes} bytes, at most {bytes_max} are allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// It does not validate or compile.
    #[error("not a valid component: {what}")]
    Invalid {
        /// What wasmtime said.
        what: String,
    },
    /// It imports something that is no instance.
    #[error("import `{import}` is a bare {what}; put functions that keep state into an interface")]
    BareImport {
        /// Its name.
        import: String,
        /// What it is: a function, a module, a component, a resource.
        what: &'static str,
    },
    /// It imports a WASI interface that is not offered.
    #[error("import `{import}` is not offered: {help}")]
    UnsupportedWasi {
        /// Its name.
        import: String,
        /// What to do instead.
        help: &'static str,
    },
    /// It imports an interface of the host that this host does not have.
    #[error("import `{import}` is not offered: `stead:plugin` has only interfaces to export")]
    UnknownHostInterface {
        /// Its name.
        import: String,
    },
    /// An imported interface has a resource.
    #[error(
        "import `{import}` has the resource `{resource}`: state is made of values, and nothing else is linked under this name"
    )]
    Resource {
        /// Name of the import.
        import: String,
        /// The resource.
        resource: String,
    },
    /// An imported function is `async`.
    #[error(
        "import `{import}`: function `{function}` is async, which functions of a collection never are; nearest is a \
         {nearest}, which has {fitting}"
    )]
    Async {
        /// Name of the import.
        import: String,
        /// The function.
        function: String,
        /// The kind that the interface comes nearest to.
        nearest: Kind,
        /// The functions that would fit, as WIT.
        fitting: String,
    },
    /// A type in an imported function cannot be stored.
    #[error("import `{import}`: function `{function}`, {parameter}, cannot be stored: {what}")]
    Unstorable {
        /// Name of the import.
        import: String,
        /// The function.
        function: String,
        /// The parameter and the place in its type.
        parameter: String,
        /// What stands there.
        what: &'static str,
    },
    /// An imported interface has the shape of no collection.
    #[error("an import is no collection: {source}; if another plugin exports it, name that (`--link {import}=PLUGIN`)")]
    Unshaped {
        /// Name of the import.
        import: String,
        /// Which function does not fit.
        #[source]
        source: Box<ShapeError>,
    },
    /// The name of an import is no name of an interface.
    #[error("import `{import}`: {what}")]
    Name {
        /// Name of the import.
        import: String,
        /// What is wrong with it.
        what: String,
    },
    /// An interface of the host is imported under a label.
    #[error(
        "import `{import}` is `{interface}`, which the host offers under its own name alone: import it without a label"
    )]
    NamedHostImport {
        /// The label.
        import: String,
        /// The interface.
        interface: String,
    },
    /// An external id is the host's and does not fit.
    #[error("import `{import}` has the external id `{id}`, {what}")]
    ExternalId {
        /// Name of the import.
        import: String,
        /// The id.
        id: String,
        /// Why it does not fit.
        what: String,
    },
    /// A linked interface has something that no link can carry.
    #[error("import `{import}` is linked to another plugin, but `{function}` {what}: a link carries calls with values")]
    LinkedFunction {
        /// Name of the import.
        import: String,
        /// The function or resource.
        function: String,
        /// What is wrong with it.
        what: String,
    },
    /// Two imports are one collection.
    #[error(
        "imports `{first}` and `{second}` are versions of one track: tools merge them and mix up their types; import only one"
    )]
    OneTrackTwice {
        /// The one.
        first: String,
        /// The other.
        second: String,
    },
    /// `stead:plugin` is exported with other types.
    #[error("export `{export}` must be `{must}`")]
    PluginExport {
        /// The export.
        export: String,
        /// Its type in WIT.
        must: &'static str,
    },
    /// A function that is to convert entries cannot.
    #[error("export {0}")]
    Upgrade(#[from] UpgradeError),
    /// It brings a way up and a way down, and nothing says which track it keeps.
    #[error(
        "it exports `stead:plugin/migrate`, or functions that convert entries, and `stead:plugin/migrate-back`, and imports \
         several tracks of `{package}`: export an interface of `{package}` on the track that it keeps, so that the others \
         can be told to be old"
    )]
    BothWays {
        /// The package.
        package: String,
    },
    /// wasmtime cannot join it to what the host offers.
    #[error("the component cannot be linked: {what}")]
    Unlinkable {
        /// What wasmtime said.
        what: String,
    },
    /// A collection that the program imports has no binding: the caller's fault.
    #[error("import `{import}` was not bound to a collection")]
    Unbound {
        /// Name of the import.
        import: String,
    },
}

impl ComponentError {
    /// Of a function, the parameter or `result` in which something stands that cannot be stored.
    pub(super) fn unstorable(import: &str, function: &str, parameter: &str, foreign: Foreign) -> ComponentError {
        let parameter = match parameter {
            "result" => format!("result, {}", foreign.path),
            name => format!("parameter `{name}`, {}", foreign.path),
        };
        ComponentError::Unstorable { import: import.into(), function: function.into(), parameter, what: foreign.what }
    }

    /// A stable word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            ComponentError::NotWasm => "not-wasm",
            ComponentError::CoreModule => "core-module",
            ComponentError::TooLarge { .. } => "too-large",
            ComponentError::Invalid { .. } => "invalid",
            ComponentError::BareImport { .. } => "bare-import",
            ComponentError::UnsupportedWasi { .. } => "unsupported-wasi",
            ComponentError::UnknownHostInterface { .. } => "unknown-host-interface",
            ComponentError::Resource { .. } => "resource",
            ComponentError::Async { .. } => "async",
            ComponentError::Unstorable { .. } => "unstorable",
            ComponentError::Unshaped { .. } => "unshaped",
            ComponentError::Name { .. } => "name",
            ComponentError::NamedHostImport { .. } => "named-host-import",
            ComponentError::ExternalId { .. } => "external-id",
            ComponentError::LinkedFunction { .. } => "linked-function",
            ComponentError::OneTrackTwice { .. } => "one-track-twice",
            ComponentError::PluginExport { .. } => "plugin-export",
            ComponentError::Upgrade(_) => "upgrade",
            ComponentError::BothWays { .. } => "both-ways",
            ComponentError::Unlinkable { .. } => "unlinkable",
            ComponentError::Unbound { .. } => "unbound",
        }
    }
}
