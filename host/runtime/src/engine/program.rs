//! A component, compiled and understood: what it exports, which collections it declares, what it needs of WASI.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use stead_schema::{Declared, Identity, Type, Upgrade, nearest, recognise};
use wasmtime::component::types::{ComponentFunc, ComponentInstance, ComponentItem};
use wasmtime::component::{Component, ComponentExportIndex};

use super::find::FindError;
use super::link::{Link, LinkTo};
use super::old::{self, Ways};
use super::refusal::ComponentError;
use super::{Engine, keyvalue, named, reflect, unsupported, upgrade, wasi};

/// The interface through which a version migrates state.
const MIGRATE: &str = "stead:plugin/migrate@0.1.0";
/// The interface through which a version takes state back from a newer track.
const MIGRATE_BACK: &str = "stead:plugin/migrate-back@0.1.0";
/// The interface through which a version checks state before it serves.
const READY: &str = "stead:plugin/ready@0.1.0";

/// A component, compiled and understood. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Program {
    engine: Engine,
    shared: Arc<Understood>,
    imports: Arc<Imports>,
}

/// What the engine's cache keeps of a program: all but the engine, which would keep itself alive.
pub(super) struct Understood {
    component: Component,
    hash: blake3::Hash,
    exports: Vec<Export>,
    /// As they are without a link.
    imports: OnceLock<Arc<Imports>>,
    migrate: Option<usize>,
    migrate_back: Option<usize>,
    ready: Option<usize>,
    /// Where among the exports functions stand that convert entries.
    upgrade_places: Vec<usize>,
}

/// What a component's imports are, with the links that an operator named.
struct Imports {
    declared: Vec<Declared>,
    wasi: Vec<String>,
    links: Vec<Link>,
    /// Functions that convert entries, in the order of their places.
    upgrades: Vec<Upgrade>,
}

/// An exported function.
#[derive(Clone, Debug)]
pub(crate) struct Export {
    /// Full name: `acme:tally/api@1.0.0#vote`, or `run` when the component exports it directly.
    pub(crate) path: String,
    /// The interface, when it lies in one.
    pub(crate) interface: Option<String>,
    /// The function's own name.
    pub(crate) function: String,
    /// Its types, or what keeps it from being called from outside (a resource, a stream) and where that stands.
    pub(crate) signature: Result<Signature, String>,
    /// It converts entries of an earlier track.
    pub(crate) converts: bool,
    pub(super) index: ComponentExportIndex,
}

/// Parameters and result of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Signature {
    /// Names and types.
    pub(crate) params: Vec<(String, Type)>,
    /// The result's type as WIT has it.
    pub(crate) result: Option<Type>,
}

/// As WIT has it, without the name: `func(voter: string) -> u64`.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let params: Vec<String> = self.params.iter().map(|(name, ty)| format!("{name}: {ty}")).collect();
        write!(f, "func({})", params.join(", "))?;
        self.result.as_ref().map_or(Ok(()), |result| write!(f, " -> {result}"))
    }
}

impl Signature {
    /// The type of what [`super::CallEnd::Returned`] holds: a `result`'s `ok` side, else the result itself.
    pub(crate) fn returned(&self) -> Option<&Type> {
        match &self.result {
            Some(Type::Result { ok, .. }) => ok.as_deref(),
            other => other.as_ref(),
        }
    }

    /// The type of what [`super::CallEnd::Failed`] holds: a `result`'s `err` side.
    pub(crate) fn failed(&self) -> Option<&Type> {
        match &self.result {
            Some(Type::Result { err, .. }) => err.as_deref(),
            _ => None,
        }
    }
}

impl Program {
    /// A component without links.
    #[cfg(test)]
    pub(crate) fn load(engine: &Engine, bytes: &[u8]) -> Result<Program, ComponentError> {
        Program::load_linked(engine, bytes, &[])
    }

    /// Compiles and reflects a component, or takes it from the engine's cache. A link that means no import is passed over.
    /// Blocks for as long as compiling takes.
    pub(crate) fn load_linked(engine: &Engine, bytes: &[u8], links: &[LinkTo]) -> Result<Program, ComponentError> {
        let shared = Program::understand(engine, bytes)?;
        let component = &shared.component;
        let up = shared.migrate.is_some() || !shared.upgrade_places.is_empty();
        let ways = Ways { up, down: shared.migrate_back.is_some() };
        let imports = match shared.imports.get() {
            Some(known) if links.is_empty() => Arc::clone(known),
            _ => {
                let mut found = imports(engine, component, ways, links)?;
                let ty = component.component_type();
                let names = ty.imports(engine.wasmtime()).map(|(name, _)| name);
                found.upgrades = upgrade::fit(&shared.exports, &shared.upgrade_places, &found.declared, names)?;
                let found = Arc::new(found);
                match links.is_empty() {
                    true => Arc::clone(shared.imports.get_or_init(|| found)),
                    false => found,
                }
            }
        };
        Ok(Program { engine: engine.clone(), shared, imports })
    }

    /// Everything about a component but what its imports mean.
    fn understand(engine: &Engine, bytes: &[u8]) -> Result<Arc<Understood>, ComponentError> {
        check_kind(bytes, engine.limits().component_bytes_max)?;
        let hash = blake3::hash(bytes);
        if let Some(shared) = engine.code().find(&hash) {
            return Ok(shared);
        }
        let component = engine
            .code()
            .compile(engine.wasmtime(), &hash, bytes)
            .map_err(|error| unsupported::explain(bytes, format!("{error:#}")))?;
        let mut exports = exports(engine, &component);
        let must = "func(from: option<string>) -> result<_, string>";
        let migrate = plugin_export(&exports, MIGRATE, "migrate", must)?;
        let migrate_back = plugin_export(&exports, MIGRATE_BACK, "migrate-back", must)?;
        let ready = plugin_export(&exports, READY, "ready", "func() -> result<_, string>")?;
        let ty = component.component_type();
        let upgrade_places = upgrade::places(&mut exports, ty.imports(engine.wasmtime()).map(|(name, _)| name));
        let imports = OnceLock::new();
        let understood = Understood { component, hash, exports, imports, migrate, migrate_back, ready, upgrade_places };
        let shared = Arc::new(understood);
        engine.code().keep(hash, &shared);
        Ok(shared)
    }

    /// BLAKE3 of the component's bytes.
    pub(crate) fn hash(&self) -> blake3::Hash {
        self.shared.hash
    }

    /// The collections that it imports.
    pub(crate) fn declared(&self) -> &[Declared] {
        &self.imports.declared
    }

    /// Its exported functions; calls name them by their place here.
    pub(crate) fn exports(&self) -> &[Export] {
        &self.shared.exports
    }

    /// The WASI interfaces that it imports.
    pub(crate) fn wasi(&self) -> &[String] {
        &self.imports.wasi
    }

    /// What it imports from other plugins.
    pub(crate) fn links(&self) -> &[Link] {
        &self.imports.links
    }

    /// `stead:plugin/migrate`: its place among the exports.
    pub(crate) fn migrate(&self) -> Option<usize> {
        self.shared.migrate
    }

    /// `stead:plugin/migrate-back`: its place among the exports.
    pub(crate) fn migrate_back(&self) -> Option<usize> {
        self.shared.migrate_back
    }

    /// `stead:plugin/ready`: its place among the exports.
    pub(crate) fn ready(&self) -> Option<usize> {
        self.shared.ready
    }

    /// The functions that convert entries of earlier tracks.
    pub(crate) fn upgrades(&self) -> &[Upgrade] {
        &self.imports.upgrades
    }

    /// The place among the exports of one of [`Program::upgrades`].
    pub(crate) fn upgrade_export(&self, upgrade: usize) -> Option<usize> {
        self.shared.upgrade_places.get(upgrade).copied()
    }

    /// The export that a short or full name means: `vote`, `api.vote`, `acme:tally/api@1.0.0#vote`.
    pub(crate) fn find(&self, name: &str) -> Result<usize, FindError> {
        let exports = self.exports();
        let named = |export: &Export| export.path == name && !export.is_for_the_host();
        let found = match exports.iter().position(named) {
            Some(index) => vec![index],
            None => (0..exports.len()).filter(|index| exports[*index].answers_to(name)).collect(),
        };
        let paths = |indices: &[usize]| indices.iter().map(|index| exports[*index].path.clone()).collect();
        match found[..] {
            [index] => match &exports[index].signature {
                Ok(_) => Ok(index),
                Err(what) => Err(FindError::Uncallable { path: exports[index].path.clone(), what: what.clone() }),
            },
            [] => {
                let callable: Vec<usize> = (0..exports.len()).filter(|index| exports[*index].is_callable()).collect();
                Err(FindError::Unknown { name: name.to_owned(), there_are: paths(&callable) })
            }
            ref several => Err(FindError::Ambiguous { name: name.to_owned(), means: paths(several) }),
        }
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn component(&self) -> &Component {
        &self.shared.component
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").field("hash", &self.hash().to_hex()).finish_non_exhaustive()
    }
}

impl Export {
    /// Whether a short name means it.
    fn answers_to(&self, name: &str) -> bool {
        if !self.is_callable() {
            return false;
        }
        match (name.rsplit_once(['.', '#']), &self.interface) {
            (None, _) => self.function == name,
            (Some((interface, function)), Some(own)) => {
                let unversioned = own.split('@').next().unwrap_or(own);
                let short = unversioned.rsplit(['/', ':']).next().unwrap_or(unversioned);
                self.function == function && [own.as_str(), unversioned, short].contains(&interface)
            }
            (Some(_), None) => false,
        }
    }

    /// Whether it may be called from outside.
    pub(crate) fn is_callable(&self) -> bool {
        !self.is_for_the_host() && !self.function.starts_with('[')
    }

    /// Whether only a hand-off may call it: the interfaces of `stead:plugin`, and what converts entries.
    fn is_for_the_host(&self) -> bool {
        self.converts || self.interface.as_deref().is_some_and(|interface| interface.starts_with("stead:plugin/"))
    }
}

/// Says of bytes that are no component what they are; wasmtime's own message would not.
fn check_kind(bytes: &[u8], bytes_max: usize) -> Result<(), ComponentError> {
    match bytes {
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => Err(ComponentError::CoreModule),
        [0, b'a', b's', b'm', ..] if bytes.len() > bytes_max => {
            Err(ComponentError::TooLarge { bytes: bytes.len(), bytes_max })
        }
        [0, b'a', b's', b'm', ..] => Ok(()),
        _ => Err(ComponentError::NotWasm),
    }
}

fn exports(engine: &Engine, component: &Component) -> Vec<Export> {
    let mut exports = Vec::new();
    let ty = component.component_type();
    for (name, export) in ty.exports(engine.wasmtime()) {
        match export.ty {
            ComponentItem::ComponentFunc(function) => {
                let index = component.get_export_index(None, name);
                exports.extend(index.map(|index| Export::new(None, name, &function, index)));
            }
            ComponentItem::ComponentInstance(instance) => {
                let Some(parent) = component.get_export_index(None, name) else { continue };
                for (function_name, export) in instance.exports(engine.wasmtime()) {
                    let ComponentItem::ComponentFunc(function) = export.ty else { continue };
                    let index = component.get_export_index(Some(&parent), function_name);
                    exports.extend(index.map(|index| Export::new(Some(name), function_name, &function, index)));
                }
            }
            _ => {}
        }
    }
    exports
}

impl Export {
    fn new(interface: Option<&str>, name: &str, function: &ComponentFunc, index: ComponentExportIndex) -> Export {
        let signature = match function.async_() {
            true => Err("it is async".to_owned()),
            false => reflect::signature(function).map_err(|(parameter, foreign)| format!("{parameter}, {foreign}")),
        };
        Export {
            path: match interface {
                Some(interface) => format!("{interface}#{name}"),
                None => name.to_owned(),
            },
            interface: interface.map(str::to_owned),
            function: name.to_owned(),
            signature,
            converts: false,
            index,
        }
    }
}

/// The place of an export of `stead:plugin`, if the component has it.
fn plugin_export(
    exports: &[Export],
    interface: &str,
    function: &str,
    must: &'static str,
) -> Result<Option<usize>, ComponentError> {
    let is_it = |export: &Export| export.interface.as_deref() == Some(interface) && export.function == function;
    let Some(index) = exports.iter().position(is_it) else { return Ok(None) };
    let params: Vec<Type> = match function {
        "migrate" | "migrate-back" => vec![Type::String.option()],
        _ => Vec::new(),
    };
    let result = Some(Type::Result { ok: None, err: Some(Box::new(Type::String)) });
    match &exports[index].signature {
        Ok(signature) if signature.result == result && signature.params.iter().map(|(_, ty)| ty).eq(&params) => {
            Ok(Some(index))
        }
        _ => Err(ComponentError::PluginExport { export: exports[index].path.clone(), must }),
    }
}

/// The collections, the WASI interfaces and the links that a component imports.
fn imports(engine: &Engine, component: &Component, ways: Ways, named: &[LinkTo]) -> Result<Imports, ComponentError> {
    let ty = component.component_type();
    let mut declared: Vec<Declared> = Vec::new();
    let (mut wasi, mut links) = (Vec::new(), Vec::<Link>::new());
    for (name, import) in ty.imports(engine.wasmtime()) {
        let said = named::kind(name, import.implements, import.external_id)?;
        let instance = match import.ty {
            ComponentItem::ComponentInstance(instance) => instance,
            ComponentItem::Type(_) => continue,
            ComponentItem::ComponentFunc(_) | ComponentItem::CoreFunc(_) => return Err(bare(name, "function")),
            ComponentItem::Module(_) => return Err(bare(name, "module")),
            ComponentItem::Component(_) => return Err(bare(name, "component")),
            ComponentItem::Resource(_) => return Err(bare(name, "resource")),
        };
        if name.starts_with("wasi:") {
            wasi::offered(name).map_err(|help| ComponentError::UnsupportedWasi { import: name.to_owned(), help })?;
            wasi.push(name.to_owned());
            if name.starts_with("wasi:keyvalue/") && !declared.iter().any(keyvalue::is) {
                declared.push(keyvalue::declared());
            }
        } else if let Some(to) = named.iter().find(|to| to.means(name)).filter(|_| !name.starts_with("stead:")) {
            let link = Link::read(engine, name, import.implements, &to.plugin, &instance)?;
            if let Some(twin) = links.iter().find(|other| to.means(&other.import)) {
                return Err(ComponentError::OneTrackTwice { first: twin.import.clone(), second: link.import });
            }
            if !link.functions.is_empty() {
                links.push(link);
            }
        } else if let Some(mut collection) = collection(engine, name, &instance)? {
            named::agree(&mut collection, said)?;
            if let Some(twin) = declared.iter().find(|other| other.identity == collection.identity) {
                let first = twin.interface.clone();
                return Err(ComponentError::OneTrackTwice { first, second: collection.interface });
            }
            declared.push(collection);
        }
    }
    old::mark(engine, component, &mut declared, ways)?;
    // The order of imports is a compiler's choice. Numbers are given in this one, so that equal contents have equal roots.
    declared.sort_by(|one, other| one.identity.cmp(&other.identity));
    Ok(Imports { declared, wasi, links, upgrades: Vec::new() })
}

fn bare(import: &str, what: &'static str) -> ComponentError {
    ComponentError::BareImport { import: import.to_owned(), what }
}

/// The collection that an imported interface declares; none if it holds only types.
fn collection(engine: &Engine, name: &str, instance: &ComponentInstance) -> Result<Option<Declared>, ComponentError> {
    let mut functions = Vec::new();
    for (item_name, item) in instance.exports(engine.wasmtime()) {
        let import = || name.to_owned();
        let item_name = item_name.to_owned();
        match item.ty {
            ComponentItem::ComponentFunc(function) if function.async_() => {
                let params = |item: &ComponentItem| match item {
                    ComponentItem::ComponentFunc(function) => function.params().count(),
                    _ => 0,
                };
                let all = instance.exports(engine.wasmtime()).map(|(name, item)| (name, params(&item.ty)));
                let (nearest, fitting) = nearest(&all.collect::<Vec<_>>(), &item_name);
                return Err(ComponentError::Async { import: import(), function: item_name, nearest, fitting });
            }
            ComponentItem::ComponentFunc(function) => {
                functions.push(reflect::function(&item_name, &function).map_err(|(parameter, foreign)| {
                    ComponentError::unstorable(name, &item_name, &parameter, foreign)
                })?);
            }
            ComponentItem::Resource(_) => {
                return Err(ComponentError::Resource { import: import(), resource: item_name });
            }
            _ => {}
        }
    }
    if functions.is_empty() {
        return Ok(None);
    }
    if name.starts_with("stead:") {
        return Err(ComponentError::UnknownHostInterface { import: name.to_owned() });
    }
    let shape = recognise(name, &functions)
        .map_err(|source| ComponentError::Unshaped { import: name.to_owned(), source: Box::new(source) })?;
    let identity = Identity::parse(name)
        .map_err(|error| ComponentError::Name { import: name.to_owned(), what: error.to_string() })?;
    Ok(Some(Declared { identity, interface: name.to_owned(), shape, old: false }))
}
