//! Imports under a label of the component's own: `import ballots: acme:stores/texts;`, with `@external-id("stead:map")`
//! where the author says which kind is meant. The label is the collection's identity.

use stead_schema::{Declared, Kind};

use super::refusal::ComponentError;

/// What an external id that is the host's starts with.
const OURS: &str = "stead:";

/// The kind that an import's external id names; ids that are not the host's say nothing.
pub(super) fn kind(
    import: &str,
    implements: Option<&str>,
    external_id: Option<&str>,
) -> Result<Option<Kind>, ComponentError> {
    if let Some(interface) = implements.filter(|name| name.starts_with("wasi:") || name.starts_with(OURS)) {
        return Err(ComponentError::NamedHostImport { import: import.to_owned(), interface: interface.to_owned() });
    }
    let Some(id) = external_id.and_then(|id| id.strip_prefix(OURS)) else { return Ok(None) };
    match [Kind::Cell, Kind::Map, Kind::Log, Kind::Counter].into_iter().find(|kind| kind.to_string() == id) {
        Some(kind) => Ok(Some(kind)),
        None => {
            let what = "which is no kind of collection: there are `stead:cell`, `stead:map`, `stead:log` and \
                        `stead:counter`";
            Err(external_id_error(import, id, what.to_owned()))
        }
    }
}

/// Holds a collection to the kind that was said, which decides where its functions do not.
pub(super) fn agree(collection: &mut Declared, said: Option<Kind>) -> Result<(), ComponentError> {
    let Some(said) = said else { return Ok(()) };
    match collection.shape.kind {
        Some(shown) if shown == said => {}
        // Only `clear` fits two kinds.
        None if matches!(said, Kind::Cell | Kind::Map) => collection.shape.kind = Some(said),
        shown => {
            let shown = shown.map_or_else(|| "a cell or a map".to_owned(), |kind| format!("a {kind}"));
            let what = format!("but its functions are those of {shown}");
            return Err(external_id_error(&collection.interface, &said.to_string(), what));
        }
    }
    Ok(())
}

fn external_id_error(import: &str, id: &str, what: String) -> ComponentError {
    ComponentError::ExternalId { import: import.to_owned(), id: format!("{OURS}{id}"), what }
}
