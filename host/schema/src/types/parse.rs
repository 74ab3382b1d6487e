//! Reads the WIT text of a type as `Display` writes it, with every named type written out.

use std::str::FromStr;

use super::{Case, Field, Type, TypeError};
use crate::limits::TYPE_DEPTH_MAX;

/// Why a text is no type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypeTextError {
    /// It is not written like one.
    #[error("at character {character}: expected {expected}")]
    Syntax {
        /// Where, counted from 1.
        character: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// It is written like a type that cannot be stored.
    #[error(transparent)]
    Type(#[from] TypeError),
}

impl FromStr for Type {
    type Err = TypeTextError;

    fn from_str(text: &str) -> Result<Type, TypeTextError> {
        let mut reader = Reader { text, rest: text };
        let ty = reader.ty(TYPE_DEPTH_MAX)?;
        reader.skip_space();
        if !reader.rest.is_empty() {
            return Err(reader.expected("nothing more"));
        }
        ty.check()?;
        Ok(ty)
    }
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn ty(&mut self, depth: usize) -> Result<Type, TypeTextError> {
        let Some(depth) = depth.checked_sub(1) else { return Err(self.expected("no deeper type")) };
        let at = self.rest;
        Ok(match self.word()? {
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
            "list" => self.inside('<', '>', |reader| reader.ty(depth))?.list(),
            "option" => self.inside('<', '>', |reader| reader.ty(depth))?.option(),
            "result" => self.result(depth)?,
            "tuple" => Type::Tuple(self.members('<', '>', |reader| reader.ty(depth))?),
            "record" => Type::Record(self.members('{', '}', |reader| {
                let name = reader.word()?.to_owned();
                reader.take(':', "`:`")?;
                Ok(Field { name, ty: reader.ty(depth)? })
            })?),
            "variant" => Type::Variant(self.members('{', '}', |reader| {
                let name = reader.word()?.to_owned();
                let ty = reader.at('(').then(|| reader.inside('(', ')', |reader| reader.ty(depth))).transpose()?;
                Ok(Case { name, ty })
            })?),
            "enum" => Type::Enum(self.members('{', '}', |reader| Ok(reader.word()?.to_owned()))?),
            "flags" => Type::Flags(self.members('{', '}', |reader| Ok(reader.word()?.to_owned()))?),
            _ => {
                self.rest = at;
                return Err(self.expected("a WIT value type"));
            }
        })
    }

    /// `result`, `result<T>`, `result<_, E>` or `result<T, E>`.
    fn result(&mut self, depth: usize) -> Result<Type, TypeTextError> {
        if !self.at('<') {
            return Ok(Type::Result { ok: None, err: None });
        }
        self.inside('<', '>', |reader| {
            let ok = if reader.at('_') { reader.take('_', "`_`").map(|()| None)? } else { Some(reader.ty(depth)?) };
            let err = reader.at(',').then(|| reader.take(',', "`,`").and_then(|()| reader.ty(depth))).transpose()?;
            Ok(Type::Result { ok: ok.map(Box::new), err: err.map(Box::new) })
        })
    }

    fn members<T>(
        &mut self,
        open: char,
        close: char,
        mut member: impl FnMut(&mut Self) -> Result<T, TypeTextError>,
    ) -> Result<Vec<T>, TypeTextError> {
        self.inside(open, close, |reader| {
            let mut members = Vec::new();
            while !reader.at(close) {
                if !members.is_empty() {
                    reader.take(',', "`,`")?;
                }
                members.push(member(reader)?);
            }
            Ok(members)
        })
    }

    fn inside<T>(
        &mut self,
        open: char,
        close: char,
        read: impl FnOnce(&mut Self) -> Result<T, TypeTextError>,
    ) -> Result<T, TypeTextError> {
        self.take(open, "an opening bracket")?;
        let inner = read(self)?;
        self.take(close, "a closing bracket")?;
        Ok(inner)
    }

    /// A keyword or a name: whatever stands before the next space or sign.
    fn word(&mut self) -> Result<&'a str, TypeTextError> {
        self.skip_space();
        let end = self.rest.find(|c: char| c.is_whitespace() || "<>{}(),:".contains(c)).unwrap_or(self.rest.len());
        if end == 0 {
            return Err(self.expected("a name"));
        }
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(word)
    }

    fn at(&mut self, sign: char) -> bool {
        self.skip_space();
        self.rest.starts_with(sign)
    }

    fn take(&mut self, sign: char, expected: &'static str) -> Result<(), TypeTextError> {
        self.skip_space();
        self.rest = self.rest.strip_prefix(sign).ok_or_else(|| self.expected(expected))?;
        Ok(())
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn expected(&self, expected: &'static str) -> TypeTextError {
        let read = &self.text[..self.text.len() - self.rest.len()];
        TypeTextError::Syntax { character: read.chars().count() + 1, expected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_display_writes_is_read() {
        for text in [
            "string",
            "list<u8>",
            "option<option<char>>",
            "result",
            "result<u8>",
            "result<_, string>",
            "result<list<s8>, f32>",
            "tuple<bool, u16, tuple<u32>>",
            "record { choice: string, at: u64, list: list<record { a-b: s64 }> }",
            "variant { none, some(option<u8>), bool(bool) }",
            "enum { red, green }",
            "flags { a, b, c }",
        ] {
            assert_eq!(text.parse::<Type>().unwrap_or_else(|error| panic!("{text}: {error}")).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_type_is_refused_where_it_goes_wrong() {
        let deep = format!("{}u8{}", "list<".repeat(10_000), ">".repeat(10_000));
        for (text, place) in [
            ("", "character 1"),
            ("strin", "character 1"),
            ("list<u8", "character 8"),
            ("u8 u8", "character 4"),
            ("record { a string }", "character 12"),
            ("result<_>x", "character 10"),
            ("tuple<u8 u8>", "character 10"),
            ("enum { a, a }", "named twice"),
            ("record { }", "without members"),
            (&deep, "no deeper type"),
        ] {
            let error = text.parse::<Type>().unwrap_err().to_string();
            assert!(error.contains(place), "{text:.40}: {error}");
        }
    }
}
