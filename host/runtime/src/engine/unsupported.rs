//! Components that the engine refuses to compile for what they import: which function of which interface it is.
//!
//! The engine has asynchronous functions, streams, futures, maps and fixed-length lists switched off and says no more
//! than that. Here the component is read once more with everything switched on.

use stead_schema::limits::{TYPE_DEPTH_MAX, TYPE_PARTS_MAX};
use stead_schema::{Path, Segment, nearest};
use wasmparser::component_types::{
    ComponentDefinedType, ComponentEntityType, ComponentFuncType, ComponentInstanceType, ComponentValType,
};
use wasmparser::types::{Types, TypesRef};
use wasmparser::{Validator, WasmFeatures};

use super::outline::Outline;
use super::reflect::Foreign;
use super::refusal::ComponentError;
use super::wasi;

/// Why a component was refused, by the import that is the reason where there is one, or else in the engine's words.
pub(super) fn explain(component: &[u8], what: String) -> ComponentError {
    let types = Validator::new_with_features(WasmFeatures::all()).validate_all(component);
    types.ok().and_then(|types| first_import(component, &types)).unwrap_or(ComponentError::Invalid { what })
}

fn first_import(component: &[u8], types: &Types) -> Option<ComponentError> {
    let types = types.as_ref();
    Outline::of(component).imports.iter().find_map(|import| {
        let id = match types.component_item_for_import(import)?.ty {
            ComponentEntityType::Instance(id) => id,
            ComponentEntityType::Component(_) => {
                return Some(ComponentError::BareImport { import: import.clone(), what: "component" });
            }
            _ => return None,
        };
        let found = first_function(types, import, &types[id])?;
        match wasi::offered(import) {
            Err(help) if import.starts_with("wasi:") => {
                Some(ComponentError::UnsupportedWasi { import: import.clone(), help })
            }
            _ => Some(found),
        }
    })
}

fn first_function(types: TypesRef<'_>, import: &str, instance: &ComponentInstanceType) -> Option<ComponentError> {
    instance.exports.iter().find_map(|(name, item)| {
        let ComponentEntityType::Func(id) = item.ty else { return None };
        let function = &types[id];
        if function.async_ {
            let params = |ty: &ComponentEntityType| match ty {
                ComponentEntityType::Func(id) => types[*id].params.len(),
                _ => 0,
            };
            let all = instance.exports.iter().map(|(name, item)| (name.as_str(), params(&item.ty)));
            let (nearest, fitting) = nearest(&all.collect::<Vec<_>>(), name);
            return Some(ComponentError::Async { import: import.into(), function: name.clone(), nearest, fitting });
        }
        let (parameter, foreign) = first_foreign(types, function)?;
        Some(ComponentError::unstorable(import, name, &parameter, foreign))
    })
}

/// The first parameter, or the result, with a type that cannot be stored.
fn first_foreign(types: TypesRef<'_>, function: &ComponentFuncType) -> Option<(String, Foreign)> {
    let params = function.params.iter().map(|(name, ty)| (name.to_string(), *ty));
    let mut parts = 0;
    params.chain(function.result.map(|ty| ("result".to_owned(), ty))).find_map(|(name, ty)| {
        let foreign = foreign(types, ty, &mut Path::default(), &mut parts)?;
        Some((name, foreign))
    })
}

/// The first place in a type with what the engine does not have. Types are graphs: how much is looked at is bounded.
fn foreign(types: TypesRef<'_>, ty: ComponentValType, path: &mut Path, parts: &mut usize) -> Option<Foreign> {
    *parts += 1;
    if *parts > TYPE_PARTS_MAX || path.0.len() >= TYPE_DEPTH_MAX {
        return None;
    }
    let ComponentValType::Type(id) = ty else { return None };
    let mut inner =
        |segment: Segment, ty: ComponentValType| path.within(segment, |path| foreign(types, ty, path, parts));
    let what = match &types[id] {
        ComponentDefinedType::Stream { .. } => "a stream",
        ComponentDefinedType::Future { .. } => "a future",
        ComponentDefinedType::Map { .. } => "a `map`, which is reserved",
        ComponentDefinedType::FixedLengthList { .. } => "a list of fixed length, which is reserved",
        ComponentDefinedType::Own(_) | ComponentDefinedType::Borrow(_) => "a resource",
        ComponentDefinedType::Primitive(_) | ComponentDefinedType::Flags(_) | ComponentDefinedType::Enum(_) => {
            return None;
        }
        ComponentDefinedType::List { element, .. } => return inner(Segment::Element, *element),
        ComponentDefinedType::Option { ty, .. } => return inner(Segment::Some, *ty),
        ComponentDefinedType::Result { ok, err, .. } => {
            return ok.and_then(|ty| inner(Segment::Ok, ty)).or_else(|| err.and_then(|ty| inner(Segment::Err, ty)));
        }
        ComponentDefinedType::Tuple(tuple) => {
            return tuple.types.iter().enumerate().find_map(|(index, ty)| inner(Segment::Item(index), *ty));
        }
        ComponentDefinedType::Record(record) => {
            return record.fields.iter().find_map(|(name, ty)| inner(Segment::Field(name.to_string()), *ty));
        }
        ComponentDefinedType::Variant(variant) => {
            return variant.cases.iter().find_map(|(name, case)| inner(Segment::Case(name.to_string()), case.ty?));
        }
    };
    Some(Foreign { path: path.clone(), what })
}
