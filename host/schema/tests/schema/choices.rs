//! Generated types and values: each is read off a list of numbers, so that proptest shrinks the list and with it the case.

use proptest::prelude::*;
use stead_schema::{Case, Field, Parts, Type, Value};

/// A list of choices; when it ends, the simplest one is taken.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    numbers: Vec<u64>,
    next: usize,
}

/// Choices for cases of moderate size.
pub(crate) fn choices() -> impl Strategy<Value = Choices> {
    prop::collection::vec(any::<u64>(), 0..200).prop_map(|numbers| Choices { numbers, next: 0 })
}

const NAMES: [&str; 8] = ["a", "b", "c", "d", "two-words", "none", "true", "e9"];

impl Choices {
    pub(crate) fn number(&mut self) -> u64 {
        let number = self.numbers.get(self.next).copied().unwrap_or(0);
        self.next += 1;
        number
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.number() % end as u64) as usize
    }

    pub(crate) fn one_in(&mut self, odds: usize) -> bool {
        self.below(odds) == odds - 1
    }

    /// Some distinct names, at least one.
    fn names(&mut self) -> Vec<String> {
        let mut names: Vec<String> = NAMES.map(str::to_owned).into();
        let count = 1 + self.below(4);
        for index in 0..count {
            let other = index + self.below(names.len() - index);
            names.swap(index, other);
        }
        names.truncate(count);
        names
    }

    pub(crate) fn ty(&mut self) -> Type {
        self.ty_to_depth(3)
    }

    fn ty_to_depth(&mut self, depth: usize) -> Type {
        let inner = |choices: &mut Choices| choices.ty_to_depth(depth - 1);
        let compound = depth > 0 && self.below(3) > 0;
        match if compound { 15 + self.below(7) } else { self.below(15) } {
            0 => Type::Bool,
            1 => Type::U8,
            2 => Type::U16,
            3 => Type::U32,
            4 => Type::U64,
            5 => Type::S8,
            6 => Type::S16,
            7 => Type::S32,
            8 => Type::S64,
            9 => Type::F32,
            10 => Type::F64,
            11 => Type::Char,
            12 => Type::String,
            13 => Type::Enum(self.names()),
            14 => Type::Flags(self.names()),
            15 => inner(self).list(),
            16 => inner(self).option(),
            17 => Type::Result { ok: self.payload(depth), err: self.payload(depth) },
            18 => Type::Tuple((0..=self.below(3)).map(|_| inner(self)).collect()),
            19 | 20 => Type::Record(self.names().into_iter().map(|name| Field { name, ty: inner(self) }).collect()),
            _ => {
                let names = self.names();
                let case = |name| Case { name, ty: self.payload(depth).map(|ty| *ty) };
                Type::Variant(names.into_iter().map(case).collect())
            }
        }
    }

    fn payload(&mut self, depth: usize) -> Option<Box<Type>> {
        (self.below(3) > 0).then(|| Box::new(self.ty_to_depth(depth - 1)))
    }

    /// A type that can be a key.
    pub(crate) fn key_ty(&mut self, depth: usize) -> Type {
        match self.below(if depth == 0 { 13 } else { 16 }) {
            0 => Type::Bool,
            1 => Type::U8,
            2 => Type::U16,
            3 => Type::U32,
            4 => Type::U64,
            5 => Type::S8,
            6 => Type::S16,
            7 => Type::S32,
            8 => Type::S64,
            9 => Type::Char,
            10 => Type::String,
            11 => Type::Enum(self.names()),
            12 => Type::bytes(),
            13 | 14 => Type::Tuple((0..=self.below(3)).map(|_| self.key_ty(depth - 1)).collect()),
            _ => {
                let names = self.names();
                Type::Record(names.into_iter().map(|name| Field { name, ty: self.key_ty(depth - 1) }).collect())
            }
        }
    }

    /// A type that came of this one by zero or more edits of the kind that people make.
    pub(crate) fn edited(&mut self, ty: &Type) -> Type {
        if self.one_in(3) {
            return self.replaced(ty);
        }
        match ty {
            Type::List(element) => self.edited(element).list(),
            Type::Option(some) => self.edited(some).option(),
            Type::Result { ok, err } => {
                let mut arm = |arm: &Option<Box<Type>>| arm.as_ref().map(|ty| Box::new(self.edited(ty)));
                Type::Result { ok: arm(ok), err: arm(err) }
            }
            Type::Tuple(items) => Type::Tuple(items.iter().map(|item| self.edited(item)).collect()),
            Type::Record(fields) => {
                let edited = |field: &Field| Field { name: field.name.clone(), ty: self.edited(&field.ty) };
                Type::Record(fields.iter().map(edited).collect())
            }
            Type::Variant(cases) => {
                let edited =
                    |case: &Case| Case { name: case.name.clone(), ty: case.ty.as_ref().map(|ty| self.edited(ty)) };
                Type::Variant(cases.iter().map(edited).collect())
            }
            other => other.clone(),
        }
    }

    /// A type that is wider than this one, or the same.
    pub(crate) fn widened(&mut self, ty: &Type) -> Type {
        let wider = match ty {
            Type::U8 => [Type::U8, Type::U16, Type::S16, Type::U64][self.below(4)].clone(),
            Type::U16 => [Type::U16, Type::U32, Type::S32, Type::S64][self.below(4)].clone(),
            Type::U32 => [Type::U32, Type::U64, Type::S64][self.below(3)].clone(),
            Type::S8 => [Type::S8, Type::S16, Type::S32, Type::S64][self.below(4)].clone(),
            Type::S16 => [Type::S16, Type::S32, Type::S64][self.below(3)].clone(),
            Type::S32 => [Type::S32, Type::S64][self.below(2)].clone(),
            Type::F32 => [Type::F32, Type::F64][self.below(2)].clone(),
            Type::List(element) => self.widened(element).list(),
            Type::Option(some) => self.widened(some).option(),
            Type::Result { ok, err } => {
                let mut arm = |arm: &Option<Box<Type>>| arm.as_ref().map(|ty| Box::new(self.widened(ty)));
                Type::Result { ok: arm(ok), err: arm(err) }
            }
            Type::Tuple(items) => Type::Tuple(items.iter().map(|item| self.widened(item)).collect()),
            Type::Record(fields) => {
                let widened = |field: &Field| Field { name: field.name.clone(), ty: self.widened(&field.ty) };
                let fields: Vec<Field> = fields.iter().map(widened).collect();
                let fresh = |choices: &mut Choices, name| Field { name, ty: choices.ty_to_depth(1).option() };
                Type::Record(self.more_members(fields, |field| &field.name, fresh))
            }
            Type::Variant(cases) => {
                let widened =
                    |case: &Case| Case { name: case.name.clone(), ty: case.ty.as_ref().map(|ty| self.widened(ty)) };
                let cases: Vec<Case> = cases.iter().map(widened).collect();
                let fresh = |choices: &mut Choices, name| Case { name, ty: choices.payload(1).map(|ty| *ty) };
                Type::Variant(self.more_members(cases, |case| &case.name, fresh))
            }
            Type::Enum(names) if self.one_in(2) => {
                Type::Variant(names.iter().map(|name| Case { name: name.clone(), ty: None }).collect())
            }
            Type::Enum(names) => Type::Enum(self.more_members(names.clone(), |name| name, |_, name| name)),
            Type::Flags(names) => Type::Flags(self.more_members(names.clone(), |name| name, |_, name| name)),
            other => other.clone(),
        };
        match wider {
            option @ Type::Option(_) => option,
            other if !matches!(ty, Type::Option(_)) && self.one_in(4) => other.option(),
            other => other,
        }
    }

    /// Members with some exchanged or one added.
    fn more_members<T: Clone>(
        &mut self,
        mut members: Vec<T>,
        name: impl Fn(&T) -> &String,
        fresh: impl Fn(&mut Choices, String) -> T,
    ) -> Vec<T> {
        let place = self.below(members.len());
        match self.below(3) {
            0 => {}
            1 => members.swap(0, place),
            _ => {
                let unused = NAMES.iter().find(|unused| members.iter().all(|member| name(member) != **unused));
                let added = unused.map(|unused| fresh(self, unused.to_string()));
                added.into_iter().for_each(|added| members.insert(place, added));
            }
        }
        members
    }

    fn replaced(&mut self, ty: &Type) -> Type {
        let wider = [Type::U16, Type::U32, Type::U64, Type::S16, Type::S32, Type::S64, Type::F64];
        match (ty, self.below(8)) {
            (_, 0) => self.ty_to_depth(1),
            (_, 1) => ty.clone().option(),
            (Type::Result { ok, err }, 2) => Type::Result { ok: err.clone(), err: ok.clone() },
            (Type::Record(fields), _) => {
                let fresh = |choices: &mut Choices, name| Field { name, ty: choices.ty_to_depth(1).option() };
                Type::Record(self.members(fields, |field| &field.name, fresh))
            }
            (Type::Variant(cases), _) => {
                let fresh = |choices: &mut Choices, name| Case { name, ty: choices.payload(1).map(|ty| *ty) };
                Type::Variant(self.members(cases, |case| &case.name, fresh))
            }
            (Type::Enum(names), 2) => {
                Type::Variant(names.iter().map(|name| Case { name: name.clone(), ty: None }).collect())
            }
            (Type::Enum(names), _) => Type::Enum(self.members(names, |name| name, |_, name| name)),
            (Type::Flags(names), _) => Type::Flags(self.members(names, |name| name, |_, name| name)),
            (_, choice) => wider[choice % wider.len()].clone(),
        }
    }

    /// Members with one added, one dropped, or two exchanged.
    fn members<T: Clone>(
        &mut self,
        members: &[T],
        name: impl Fn(&T) -> &String,
        fresh: impl Fn(&mut Choices, String) -> T,
    ) -> Vec<T> {
        let mut members = members.to_vec();
        let place = self.below(members.len());
        match self.below(3) {
            0 => members.swap(0, place),
            1 if members.len() > 1 => drop(members.remove(place)),
            _ => {
                let unused = NAMES.iter().find(|unused| members.iter().all(|member| name(member) != **unused));
                let added = unused.map(|unused| fresh(self, unused.to_string()));
                added.into_iter().for_each(|added| members.insert(place, added));
            }
        }
        members
    }

    pub(crate) fn value(&mut self, ty: &Type) -> Value {
        Value(match ty {
            Type::Bool => Parts::Bool(self.below(2) == 1),
            Type::U8 => Parts::U8(self.integer() as u8),
            Type::U16 => Parts::U16(self.integer() as u16),
            Type::U32 => Parts::U32(self.integer() as u32),
            Type::U64 => Parts::U64(self.integer()),
            Type::S8 => Parts::S8(self.integer() as i8),
            Type::S16 => Parts::S16(self.integer() as i16),
            Type::S32 => Parts::S32(self.integer() as i32),
            Type::S64 => Parts::S64(self.integer() as i64),
            Type::F32 => Parts::F32(f32::from_bits(self.float_bits(9) as u32)),
            Type::F64 => Parts::F64(f64::from_bits(self.float_bits(12))),
            Type::Char => Parts::Char(self.char()),
            Type::String => Parts::String((0..self.below(6)).map(|_| self.char()).collect()),
            Type::List(element) => Parts::List((0..self.below(4)).map(|_| self.value(element)).collect()),
            Type::Option(some) => Parts::Option((self.below(3) > 0).then(|| Box::new(self.value(some)))),
            Type::Result { ok, err } => Parts::Result(match self.below(2) {
                0 => Ok(ok.as_ref().map(|ty| Box::new(self.value(ty)))),
                _ => Err(err.as_ref().map(|ty| Box::new(self.value(ty)))),
            }),
            Type::Tuple(items) => Parts::Tuple(items.iter().map(|item| self.value(item)).collect()),
            Type::Record(fields) => {
                Parts::Record(fields.iter().map(|field| (field.name.clone(), self.value(&field.ty))).collect())
            }
            Type::Variant(cases) => {
                let case = &cases[self.below(cases.len())];
                Parts::Variant(case.name.clone(), case.ty.as_ref().map(|ty| Box::new(self.value(ty))))
            }
            Type::Enum(names) => Parts::Enum(names[self.below(names.len())].clone()),
            Type::Flags(names) => Parts::Flags(names.iter().filter(|_| self.below(2) == 1).cloned().collect()),
        })
    }

    fn integer(&mut self) -> u64 {
        match self.below(6) {
            0 => self.below(3) as u64,
            1 => u64::MAX - self.below(3) as u64,
            2 => 1 << self.below(64),
            3 => (1 << self.below(64)) - 1,
            _ => self.number(),
        }
    }

    /// Bits of a float, often with all or none of the exponent's set.
    fn float_bits(&mut self, sign_and_exponent: u32) -> u64 {
        let width = if sign_and_exponent == 9 { 32 } else { 64 };
        let exponent = ((1u64 << (sign_and_exponent - 1)) - 1) << (width - sign_and_exponent);
        match self.below(4) {
            0 => 1 << (width - 1),
            1 => exponent | self.below(2) as u64,
            2 => (0.1f64).to_bits() >> (64 - width),
            _ => self.number() >> (64 - width),
        }
    }

    fn char(&mut self) -> char {
        match self.below(4) {
            0 => ['\0', '"', '\'', '\\', '\n', '\u{7f}', '\u{301}', '\u{ffff}'][self.below(8)],
            1 => char::from_u32(self.number() as u32 % 0x11_0000).unwrap_or('\u{10ffff}'),
            _ => char::from(b'a' + self.below(26) as u8),
        }
    }
}
