//! Component types as the schema knows them.

use stead_schema::limits::{TYPE_DEPTH_MAX, TYPE_PARTS_MAX};
use stead_schema::{Case, Field, Function, Path, Segment, Type};
use wasmtime::component::types::{self, ComponentFunc};

use super::program::Signature;

/// A type that the host cannot carry, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {what}")]
pub(super) struct Foreign {
    pub(super) path: Path,
    pub(super) what: &'static str,
}

/// A function of an imported interface.
pub(super) fn function(name: &str, function: &ComponentFunc) -> Result<Function, (String, Foreign)> {
    let signature = signature(function)?;
    Ok(Function {
        name: name.to_owned(),
        params: signature.params.into_iter().map(|(_, ty)| ty).collect(),
        result: signature.result,
    })
}

/// The types of a function; the error names the parameter, or `result`.
pub(super) fn signature(function: &ComponentFunc) -> Result<Signature, (String, Foreign)> {
    let mut parts = 0;
    let mut read = |name: &str, ty: &types::Type| {
        value_type(ty, &mut Path::default(), &mut parts).map_err(|foreign| (name.to_owned(), foreign))
    };
    let params = function
        .params()
        .map(|(name, ty)| Ok((name.to_owned(), read(name, &ty)?)))
        .collect::<Result<_, (String, Foreign)>>()?;
    let result = function.results().next().map(|ty| read("result", &ty)).transpose()?;
    Ok(Signature { params, result })
}

/// A type is a tree here but a graph in the component, which a few lines can make exponentially large: hence `parts`.
fn value_type(ty: &types::Type, path: &mut Path, parts: &mut usize) -> Result<Type, Foreign> {
    *parts += 1;
    if *parts > TYPE_PARTS_MAX {
        return Err(Foreign { path: path.clone(), what: "the types of this function have too many parts" });
    }
    if path.0.len() >= TYPE_DEPTH_MAX {
        return Err(Foreign { path: path.clone(), what: "a type nested too deep" });
    }
    let mut inner =
        |path: &mut Path, segment: Segment, ty: &types::Type| path.within(segment, |path| value_type(ty, path, parts));
    let foreign = |path: &Path, what| Err(Foreign { path: path.clone(), what });
    Ok(match ty {
        types::Type::Bool => Type::Bool,
        types::Type::U8 => Type::U8,
        types::Type::U16 => Type::U16,
        types::Type::U32 => Type::U32,
        types::Type::U64 => Type::U64,
        types::Type::S8 => Type::S8,
        types::Type::S16 => Type::S16,
        types::Type::S32 => Type::S32,
        types::Type::S64 => Type::S64,
        types::Type::Float32 => Type::F32,
        types::Type::Float64 => Type::F64,
        types::Type::Char => Type::Char,
        types::Type::String => Type::String,
        types::Type::List(list) => inner(path, Segment::Element, &list.ty())?.list(),
        types::Type::Option(option) => inner(path, Segment::Some, &option.ty())?.option(),
        types::Type::Result(result) => {
            let mut arm =
                |segment, ty: Option<types::Type>| ty.map(|ty| inner(path, segment, &ty).map(Box::new)).transpose();
            Type::Result { ok: arm(Segment::Ok, result.ok())?, err: arm(Segment::Err, result.err())? }
        }
        types::Type::Tuple(tuple) => Type::Tuple(
            tuple.types().enumerate().map(|(i, ty)| inner(path, Segment::Item(i), &ty)).collect::<Result<_, _>>()?,
        ),
        types::Type::Record(record) => Type::Record(
            record
                .fields()
                .map(|field| {
                    let name = field.name.to_owned();
                    let ty = inner(path, Segment::Field(name.clone()), &field.ty)?;
                    Ok(Field { name, ty })
                })
                .collect::<Result<_, Foreign>>()?,
        ),
        types::Type::Variant(variant) => Type::Variant(
            variant
                .cases()
                .map(|case| {
                    let name = case.name.to_owned();
                    let ty = case.ty.map(|ty| inner(path, Segment::Case(name.clone()), &ty)).transpose()?;
                    Ok(Case { name, ty })
                })
                .collect::<Result<_, Foreign>>()?,
        ),
        types::Type::Enum(cases) => Type::Enum(cases.names().map(str::to_owned).collect()),
        types::Type::Flags(flags) => Type::Flags(flags.names().map(str::to_owned).collect()),
        types::Type::Own(_) | types::Type::Borrow(_) => return foreign(path, "a resource"),
        types::Type::Future(_) => return foreign(path, "a future"),
        types::Type::Stream(_) => return foreign(path, "a stream"),
        types::Type::ErrorContext => return foreign(path, "an error context"),
        types::Type::Map(_) => return foreign(path, "a `map`, which is reserved"),
        types::Type::FixedLengthList(_) => return foreign(path, "a list of fixed length, which is reserved"),
    })
}
