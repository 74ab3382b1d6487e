//! Types written as WIT, for tables of tests.

use stead_schema::{Case, Field, Type};

/// Reads a WIT type in which named types are written out: `record { a: u8, b: option<string> }`.
pub(crate) fn ty(text: &str) -> Type {
    let mut reader = Reader { rest: text };
    let ty = reader.ty();
    assert_eq!(reader.rest.trim(), "", "in {text}");
    ty.check().unwrap();
    ty
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn word(&mut self) -> &'a str {
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '-' && c != '_').unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.rest = rest;
        word
    }

    fn takes(&mut self, mark: char) -> bool {
        let rest = self.rest.trim_start().strip_prefix(mark);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, mark: char) {
        assert!(self.takes(mark), "expected {mark} before {}", self.rest);
    }

    fn members<T>(&mut self, open: char, close: char, mut member: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let mut members = Vec::new();
        self.expect(open);
        while !self.takes(close) {
            members.push(member(self));
            self.takes(',');
        }
        members
    }

    fn ty(&mut self) -> Type {
        match self.word() {
            "bool" => Type::Bool,
            "u8" => Type::U8,
            "u16" => Type::U16,
            "u32" => Type::U32,
            "u64" => Type::U64,
            "s8" => Type::S8,
            "s16" => Type::S16,
            "s32" => Type::S32,
            "s64" => Type::S64,
            "f32" => Type::F32,
            "f64" => Type::F64,
            "char" => Type::Char,
            "string" => Type::String,
            "list" => self.one().list(),
            "option" => self.one().option(),
            "tuple" => Type::Tuple(self.members('<', '>', Self::ty)),
            "result" => self.result(),
            "enum" => Type::Enum(self.members('{', '}', |reader| reader.word().into())),
            "flags" => Type::Flags(self.members('{', '}', |reader| reader.word().into())),
            "record" => Type::Record(self.members('{', '}', |reader| {
                let name = reader.word().into();
                reader.expect(':');
                Field { name, ty: reader.ty() }
            })),
            "variant" => Type::Variant(self.members('{', '}', |reader| {
                let name = reader.word().into();
                let ty = reader.rest.trim_start().starts_with('(').then(|| {
                    reader.expect('(');
                    let ty = reader.ty();
                    reader.expect(')');
                    ty
                });
                Case { name, ty }
            })),
            other => panic!("`{other}` is no type, before {}", self.rest),
        }
    }

    fn one(&mut self) -> Type {
        self.expect('<');
        let ty = self.ty();
        self.expect('>');
        ty
    }

    fn result(&mut self) -> Type {
        if !self.rest.trim_start().starts_with('<') {
            return Type::Result { ok: None, err: None };
        }
        let mut arms = self.members('<', '>', |reader| match reader.takes('_') {
            true => None,
            false => Some(Box::new(reader.ty())),
        });
        arms.resize(2, None);
        let err = arms.pop().flatten();
        Type::Result { ok: arms.pop().flatten(), err }
    }
}

#[test]
fn what_is_printed_reads_back() {
    for text in [
        "list<option<tuple<u8, s8, u16, s16, u32, s32, u64, s64>>>",
        "record { a: f32, b-c: f64 }",
        "variant { a, b(char), c(string) }",
        "enum { a, b }",
        "flags { a, b }",
        "result",
        "result<bool>",
        "result<_, bool>",
        "result<bool, list<u8>>",
    ] {
        assert_eq!(ty(text).to_string(), text);
    }
}
