//! Our types and values as wasm-wave sees them.

use std::borrow::Cow;

use wasm_wave::wasm::{WasmType, WasmTypeKind, WasmValue, WasmValueError};

use crate::types::Type;
use crate::value::{Parts, Value};

impl WasmType for Type {
    fn kind(&self) -> WasmTypeKind {
        match self {
            Type::Bool => WasmTypeKind::Bool,
            Type::U8 => WasmTypeKind::U8,
            Type::U16 => WasmTypeKind::U16,
            Type::U32 => WasmTypeKind::U32,
            Type::U64 => WasmTypeKind::U64,
            Type::S8 => WasmTypeKind::S8,
            Type::S16 => WasmTypeKind::S16,
            Type::S32 => WasmTypeKind::S32,
            Type::S64 => WasmTypeKind::S64,
            Type::F32 => WasmTypeKind::F32,
            Type::F64 => WasmTypeKind::F64,
            Type::Char => WasmTypeKind::Char,
            Type::String => WasmTypeKind::String,
            Type::List(_) => WasmTypeKind::List,
            Type::Option(_) => WasmTypeKind::Option,
            Type::Result { .. } => WasmTypeKind::Result,
            Type::Tuple(_) => WasmTypeKind::Tuple,
            Type::Record(_) => WasmTypeKind::Record,
            Type::Variant(_) => WasmTypeKind::Variant,
            Type::Enum(_) => WasmTypeKind::Enum,
            Type::Flags(_) => WasmTypeKind::Flags,
        }
    }

    fn list_element_type(&self) -> Option<Type> {
        match self {
            Type::List(element) => Some((**element).clone()),
            _ => None,
        }
    }

    fn option_some_type(&self) -> Option<Type> {
        match self {
            Type::Option(some) => Some((**some).clone()),
            _ => None,
        }
    }

    fn result_types(&self) -> Option<(Option<Type>, Option<Type>)> {
        match self {
            Type::Result { ok, err } => Some((ok.as_deref().cloned(), err.as_deref().cloned())),
            _ => None,
        }
    }

    fn tuple_element_types(&self) -> Box<dyn Iterator<Item = Type> + '_> {
        match self {
            Type::Tuple(items) => Box::new(items.iter().cloned()),
            _ => Box::new(std::iter::empty()),
        }
    }

    fn record_fields(&self) -> Box<dyn Iterator<Item = (Cow<'_, str>, Type)> + '_> {
        match self {
            Type::Record(fields) => {
                Box::new(fields.iter().map(|field| (Cow::Borrowed(field.name.as_str()), field.ty.clone())))
            }
            _ => Box::new(std::iter::empty()),
        }
    }

    fn variant_cases(&self) -> Box<dyn Iterator<Item = (Cow<'_, str>, Option<Type>)> + '_> {
        match self {
            Type::Variant(cases) => {
                Box::new(cases.iter().map(|case| (Cow::Borrowed(case.name.as_str()), case.ty.clone())))
            }
            _ => Box::new(std::iter::empty()),
        }
    }

    fn enum_cases(&self) -> Box<dyn Iterator<Item = Cow<'_, str>> + '_> {
        match self {
            Type::Enum(names) => Box::new(names.iter().map(|name| Cow::Borrowed(name.as_str()))),
            _ => Box::new(std::iter::empty()),
        }
    }

    fn flags_names(&self) -> Box<dyn Iterator<Item = Cow<'_, str>> + '_> {
        match self {
            Type::Flags(names) => Box::new(names.iter().map(|name| Cow::Borrowed(name.as_str()))),
            _ => Box::new(std::iter::empty()),
        }
    }
}

macro_rules! primitives {
    ($($make:ident $unwrap:ident $part:ident $native:ty;)*) => {$(
        fn $make(value: $native) -> Value {
            Value(Parts::$part(value))
        }

        fn $unwrap(&self) -> $native {
            match &self.0 {
                Parts::$part(value) => *value,
                _ => wrong_kind(self),
            }
        }
    )*};
}

impl WasmValue for Value {
    type Type = Type;

    fn kind(&self) -> WasmTypeKind {
        match &self.0 {
            Parts::Bool(_) => WasmTypeKind::Bool,
            Parts::U8(_) => WasmTypeKind::U8,
            Parts::U16(_) => WasmTypeKind::U16,
            Parts::U32(_) => WasmTypeKind::U32,
            Parts::U64(_) => WasmTypeKind::U64,
            Parts::S8(_) => WasmTypeKind::S8,
            Parts::S16(_) => WasmTypeKind::S16,
            Parts::S32(_) => WasmTypeKind::S32,
            Parts::S64(_) => WasmTypeKind::S64,
            Parts::F32(_) => WasmTypeKind::F32,
            Parts::F64(_) => WasmTypeKind::F64,
            Parts::Char(_) => WasmTypeKind::Char,
            Parts::String(_) => WasmTypeKind::String,
            Parts::List(_) => WasmTypeKind::List,
            Parts::Record(_) => WasmTypeKind::Record,
            Parts::Tuple(_) => WasmTypeKind::Tuple,
            Parts::Variant(..) => WasmTypeKind::Variant,
            Parts::Enum(_) => WasmTypeKind::Enum,
            Parts::Option(_) => WasmTypeKind::Option,
            Parts::Result(_) => WasmTypeKind::Result,
            Parts::Flags(_) => WasmTypeKind::Flags,
        }
    }

    primitives! {
        make_bool unwrap_bool Bool bool;
        make_u8 unwrap_u8 U8 u8;
        make_u16 unwrap_u16 U16 u16;
        make_u32 unwrap_u32 U32 u32;
        make_u64 unwrap_u64 U64 u64;
        make_s8 unwrap_s8 S8 i8;
        make_s16 unwrap_s16 S16 i16;
        make_s32 unwrap_s32 S32 i32;
        make_s64 unwrap_s64 S64 i64;
        make_f32 unwrap_f32 F32 f32;
        make_f64 unwrap_f64 F64 f64;
        make_char unwrap_char Char char;
    }

    fn make_string(text: Cow<'_, str>) -> Value {
        Value::string(text)
    }

    fn make_list(_: &Type, values: impl IntoIterator<Item = Value>) -> Result<Value, WasmValueError> {
        Ok(Value(Parts::List(values.into_iter().collect())))
    }

    fn make_tuple(_: &Type, values: impl IntoIterator<Item = Value>) -> Result<Value, WasmValueError> {
        Ok(Value(Parts::Tuple(values.into_iter().collect())))
    }

    fn make_record<'a>(ty: &Type, fields: impl IntoIterator<Item = (&'a str, Value)>) -> Result<Value, WasmValueError> {
        let mut given: Vec<(&str, Value)> = fields.into_iter().collect();
        let mut record = Vec::with_capacity(given.len());
        for (name, _) in ty.record_fields() {
            let found = given.iter().position(|(given, _)| *given == name);
            let index = found.ok_or_else(|| WasmValueError::MissingField(name.to_string()))?;
            record.push((name.into_owned(), given.swap_remove(index).1));
        }
        match given.first() {
            Some((name, _)) => Err(WasmValueError::UnknownField(name.to_string())),
            None => Ok(Value(Parts::Record(record))),
        }
    }

    fn make_variant(ty: &Type, case: &str, payload: Option<Value>) -> Result<Value, WasmValueError> {
        match ty.variant_cases().any(|(name, _)| name == case) {
            true => Ok(Value(Parts::Variant(case.into(), payload.map(Box::new)))),
            false => Err(WasmValueError::UnknownCase(case.into())),
        }
    }

    fn make_enum(ty: &Type, case: &str) -> Result<Value, WasmValueError> {
        match ty.enum_cases().any(|name| name == case) {
            true => Ok(Value(Parts::Enum(case.into()))),
            false => Err(WasmValueError::UnknownCase(case.into())),
        }
    }

    fn make_option(_: &Type, value: Option<Value>) -> Result<Value, WasmValueError> {
        Ok(Value(Parts::Option(value.map(Box::new))))
    }

    fn make_result(_: &Type, value: Result<Option<Value>, Option<Value>>) -> Result<Value, WasmValueError> {
        let value = value.map(|ok| ok.map(Box::new)).map_err(|err| err.map(Box::new));
        Ok(Value(Parts::Result(value)))
    }

    fn make_flags<'a>(ty: &Type, names: impl IntoIterator<Item = &'a str>) -> Result<Value, WasmValueError> {
        let set: Vec<&str> = names.into_iter().collect();
        if let Some(unknown) = set.iter().find(|flag| !ty.flags_names().any(|name| name == **flag)) {
            return Err(WasmValueError::Other(format!("unknown flag {unknown:?}")));
        }
        let in_order = ty.flags_names().filter(|name| set.contains(&&**name)).map(Cow::into_owned);
        Ok(Value(Parts::Flags(in_order.collect())))
    }

    fn unwrap_string(&self) -> Cow<'_, str> {
        match &self.0 {
            Parts::String(text) => text.into(),
            _ => wrong_kind(self),
        }
    }

    fn unwrap_list(&self) -> Box<dyn Iterator<Item = Cow<'_, Value>> + '_> {
        match &self.0 {
            Parts::List(values) => Box::new(values.iter().map(Cow::Borrowed)),
            _ => wrong_kind(self),
        }
    }

    fn unwrap_tuple(&self) -> Box<dyn Iterator<Item = Cow<'_, Value>> + '_> {
        match &self.0 {
            Parts::Tuple(values) => Box::new(values.iter().map(Cow::Borrowed)),
            _ => wrong_kind(self),
        }
    }

    fn unwrap_record(&self) -> Box<dyn Iterator<Item = (Cow<'_, str>, Cow<'_, Value>)> + '_> {
        match &self.0 {
            Parts::Record(fields) => {
                Box::new(fields.iter().map(|(name, value)| (name.as_str().into(), Cow::Borrowed(value))))
            }
            _ => wrong_kind(self),
        }
    }

    fn unwrap_variant(&self) -> (Cow<'_, str>, Option<Cow<'_, Value>>) {
        match &self.0 {
            Parts::Variant(case, payload) => (case.into(), payload.as_deref().map(Cow::Borrowed)),
            _ => wrong_kind(self),
        }
    }

    fn unwrap_enum(&self) -> Cow<'_, str> {
        match &self.0 {
            Parts::Enum(case) => case.into(),
            _ => wrong_kind(self),
        }
    }

    fn unwrap_option(&self) -> Option<Cow<'_, Value>> {
        match &self.0 {
            Parts::Option(value) => value.as_deref().map(Cow::Borrowed),
            _ => wrong_kind(self),
        }
    }

    fn unwrap_result(&self) -> Result<Option<Cow<'_, Value>>, Option<Cow<'_, Value>>> {
        match &self.0 {
            Parts::Result(Ok(value)) => Ok(value.as_deref().map(Cow::Borrowed)),
            Parts::Result(Err(value)) => Err(value.as_deref().map(Cow::Borrowed)),
            _ => wrong_kind(self),
        }
    }

    fn unwrap_flags(&self) -> Box<dyn Iterator<Item = Cow<'_, str>> + '_> {
        match &self.0 {
            Parts::Flags(set) => Box::new(set.iter().map(Cow::from)),
            _ => wrong_kind(self),
        }
    }
}

/// wasm-wave asks for the kind first.
fn wrong_kind(value: &Value) -> ! {
    unreachable!("a {} was taken for another kind of value", value.kind())
}
