//! WIT as wit-parser reads it.

use stead_schema::{Case, Declared, Field, Function, Identity, Type, recognise};
use wit_parser::{InterfaceId, Resolve, TypeDefKind, TypeId};

/// A storable type of a package; aliases are seen through.
pub(crate) fn ty(resolve: &Resolve, ty: &wit_parser::Type) -> Type {
    use wit_parser::Type as Wit;
    match ty {
        Wit::Bool => Type::Bool,
        Wit::U8 => Type::U8,
        Wit::U16 => Type::U16,
        Wit::U32 => Type::U32,
        Wit::U64 => Type::U64,
        Wit::S8 => Type::S8,
        Wit::S16 => Type::S16,
        Wit::S32 => Type::S32,
        Wit::S64 => Type::S64,
        Wit::F32 => Type::F32,
        Wit::F64 => Type::F64,
        Wit::Char => Type::Char,
        Wit::String => Type::String,
        Wit::Id(id) => defined(resolve, *id),
        Wit::ErrorContext => panic!("an error context is no value"),
    }
}

/// A type that a package defines.
pub(crate) fn defined(resolve: &Resolve, id: TypeId) -> Type {
    let part = |part: &wit_parser::Type| ty(resolve, part);
    let payload = |payload: &Option<wit_parser::Type>| payload.as_ref().map(part);
    match &resolve.types[id].kind {
        TypeDefKind::Type(alias) => part(alias),
        TypeDefKind::List(element) => part(element).list(),
        TypeDefKind::Option(some) => part(some).option(),
        TypeDefKind::Result(result) => {
            Type::Result { ok: payload(&result.ok).map(Box::new), err: payload(&result.err).map(Box::new) }
        }
        TypeDefKind::Tuple(tuple) => Type::Tuple(tuple.types.iter().map(part).collect()),
        TypeDefKind::Record(record) => {
            let field = |field: &wit_parser::Field| Field { name: field.name.clone(), ty: part(&field.ty) };
            Type::Record(record.fields.iter().map(field).collect())
        }
        TypeDefKind::Variant(variant) => {
            let case = |case: &wit_parser::Case| Case { name: case.name.clone(), ty: payload(&case.ty) };
            Type::Variant(variant.cases.iter().map(case).collect())
        }
        TypeDefKind::Enum(cases) => Type::Enum(cases.cases.iter().map(|case| case.name.clone()).collect()),
        TypeDefKind::Flags(flags) => Type::Flags(flags.flags.iter().map(|flag| flag.name.clone()).collect()),
        other => panic!("{} is no value", other.as_str()),
    }
}

/// The functions of an interface, as a component that imports them shows them.
pub(crate) fn functions(resolve: &Resolve, interface: InterfaceId) -> Vec<Function> {
    let function = |function: &wit_parser::Function| Function {
        name: function.name.clone(),
        params: function.params.iter().map(|param| ty(resolve, &param.ty)).collect(),
        result: function.result.as_ref().map(|result| ty(resolve, result)),
    };
    resolve.interfaces[interface].functions.values().map(function).collect()
}

/// The collection that an interface declares.
pub(crate) fn declared(resolve: &Resolve, interface: InterfaceId, old: bool) -> Declared {
    let name = resolve.id_of(interface).expect("the interface of a package");
    let shape = recognise(&name, &functions(resolve, interface)).expect("a collection");
    Declared { identity: Identity::parse(&name).expect("an identity"), interface: name, shape, old }
}
