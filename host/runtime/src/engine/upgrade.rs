//! Which exported functions convert entries of earlier tracks: those of an interface whose functions are all named
//! `upgrade-<collection>`.

use stead_schema::{Declared, Identity, Type, UPGRADE, Upgrade, UpgradeError, Upgrader, upgrades};

use super::program::Export;

/// The places of those functions among the exports; they are the host's to call from then on. `imports` are the names of
/// everything that is imported.
pub(super) fn places<'a>(exports: &mut [Export], imports: impl Iterator<Item = &'a str>) -> Vec<usize> {
    let has_others = |interface: &str| {
        let functions = exports.iter().filter(|export| export.interface.as_deref() == Some(interface));
        functions.map(collection).any(|named| named.is_none())
    };
    let is_one = |export: &Export| {
        collection(export).is_some() && export.interface.as_deref().is_some_and(|interface| !has_others(interface))
    };
    let places: Vec<usize> = (0..exports.len()).filter(|place| is_one(&exports[*place])).collect();
    if places.is_empty() || !are_meant(exports, &places, &identities(imports)) {
        return Vec::new();
    }
    for place in &places {
        exports[*place].converts = true;
    }
    places
}

/// Holds them to what the component imports.
pub(super) fn fit<'a>(
    exports: &[Export],
    places: &[usize],
    declared: &[Declared],
    imports: impl Iterator<Item = &'a str>,
) -> Result<Vec<Upgrade>, UpgradeError> {
    let upgraders = places.iter().map(|place| upgrader(&exports[*place])).collect::<Result<Vec<_>, _>>()?;
    upgrades(&upgraders, declared, &identities(imports))
}

/// Interfaces of authors; the others have versions of their own.
fn identities<'a>(imports: impl Iterator<Item = &'a str>) -> Vec<Identity> {
    let own = imports.filter(|name| !name.starts_with("wasi:") && !name.starts_with("stead:"));
    own.filter_map(|name| Identity::parse(name).ok()).collect()
}

/// A plugin may have functions of such names for callers: they convert entries if one names an imported interface, or if
/// there is something to convert from.
fn are_meant(exports: &[Export], places: &[usize], imports: &[Identity]) -> bool {
    let has_old = imports.iter().any(|one| imports.iter().any(|other| one.is_older_than(other)));
    let names_one = |place: &usize| {
        let named = collection(&exports[*place]);
        imports.iter().any(|import| named == import.name().rsplit('/').next())
    };
    has_old || places.iter().any(names_one)
}

fn collection(export: &Export) -> Option<&str> {
    export.function.strip_prefix(UPGRADE)
}

fn upgrader(export: &Export) -> Result<Upgrader, UpgradeError> {
    let wrong = |is: String| UpgradeError::Signature { function: export.path.clone(), is };
    let signature = export.signature.as_ref().map_err(|what| wrong(what.clone()))?;
    let params: Vec<&Type> = signature.params.iter().map(|(_, ty)| ty).collect();
    let made = match &signature.result {
        Some(Type::Result { ok: Some(ok), err: Some(err) }) if **err == Type::String => match &**ok {
            Type::Option(new) => Some((**new).clone()),
            _ => None,
        },
        _ => None,
    };
    let (key, old, new) = match (&params[..], made) {
        ([old], Some(new)) => (None, (*old).clone(), new),
        ([key, old], Some(new)) => (Some((*key).clone()), (*old).clone(), new),
        _ => return Err(wrong(signature.to_string())),
    };
    let collection = collection(export).unwrap_or_default().to_owned();
    Ok(Upgrader { path: export.path.clone(), collection, key, old, new })
}
