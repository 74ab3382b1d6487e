//! The rules: how two types relate, place by place, and the conversion that follows from it.

use std::collections::{BTreeMap, HashMap};

use super::{Difference, Differences, Reversible, Verdict};
use crate::conversion::step::{Cases, Step};
use crate::types::{Field, Path, Segment, Type, brief_name};

/// How a new type relates to an old one.
pub(crate) struct Relation {
    /// Every difference; none if the types are equal.
    pub(crate) differences: Vec<Difference>,
    /// Differences beyond those that are listed; none of them is worse.
    pub(crate) unlisted: usize,
    /// Whether old code could read what is written under the new type.
    pub(crate) reversible: Reversible,
    /// How old values become new ones; meaningless if a difference is incompatible.
    pub(crate) step: Step,
}

/// Relates two types at a place.
pub(crate) fn relate(old: &Type, new: &Type, path: &Path) -> Relation {
    let mut walk = Walk { path: path.clone(), differences: Differences::default() };
    let Way { reversible, step } = walk.relate(old, new);
    let Differences { listed, unlisted, .. } = walk.differences;
    Relation { differences: listed, unlisted, reversible, step }
}

/// How values go there and whether they come back.
struct Way {
    reversible: Reversible,
    step: Step,
}

/// A walk through two types at once.
struct Walk {
    path: Path,
    differences: Differences,
}

impl Walk {
    fn relate(&mut self, old: &Type, new: &Type) -> Way {
        if old == new {
            return Way { reversible: Reversible::Always, step: Step::Same };
        }
        match (old, new) {
            (Type::List(old), Type::List(new)) => self.within(Segment::Element, old, new).or_empty(Step::List),
            (Type::Option(old), Type::Option(new)) => self.within(Segment::Some, old, new).or_empty(Step::Option),
            (Type::Result { ok, err }, Type::Result { ok: new_ok, err: new_err }) => {
                if ok.is_some() != new_ok.is_some() || err.is_some() != new_err.is_some() {
                    return self.incompatible(old, new);
                }
                let (ok, err) = (self.arm(Segment::Ok, ok, new_ok), self.arm(Segment::Err, err, new_err));
                let reversible = sum([ok.reversible, err.reversible]);
                Way { reversible, step: Step::Result(Box::new(ok.step), Box::new(err.step)) }
            }
            (Type::Tuple(old_items), Type::Tuple(new_items)) if old_items.len() == new_items.len() => {
                let items = old_items.iter().zip(new_items).enumerate();
                let ways: Vec<Way> = items.map(|(i, (old, new))| self.within(Segment::Item(i), old, new)).collect();
                let reversible = ways.iter().map(|way| way.reversible).max().unwrap_or(Reversible::Always);
                Way { reversible, step: Step::Tuple(ways.into_iter().map(|way| way.step).collect()) }
            }
            (Type::Record(old_fields), Type::Record(new_fields)) => self.records(old_fields, new_fields, (old, new)),
            (Type::Enum(_), Type::Enum(_)) => self.cases(Cases::Enum, old, new),
            (Type::Enum(_), Type::Variant(_)) => self.cases(Cases::EnumToVariant, old, new),
            (Type::Variant(_), Type::Variant(_)) => self.cases(Cases::Variant, old, new),
            (Type::Flags(old_names), Type::Flags(new_names)) => self.flags(old_names, new_names, (old, new)),
            (Type::F32, Type::F64) => self.widened(old, new, Step::Float),
            (old, Type::Option(some)) if !matches!(old, Type::Option(_)) => self.wrapped(old, some, new),
            _ if is_wider_integer(old, new) => self.widened(old, new, Step::Integer(old.clone(), new.clone())),
            _ => self.incompatible(old, new),
        }
    }

    fn within(&mut self, segment: Segment, old: &Type, new: &Type) -> Way {
        self.path.0.push(segment);
        let way = self.relate(old, new);
        self.path.0.pop();
        way
    }

    fn arm(&mut self, segment: Segment, old: &Option<Box<Type>>, new: &Option<Box<Type>>) -> Way {
        match (old, new) {
            (Some(old), Some(new)) => self.within(segment, old, new),
            _ => Way { reversible: Reversible::Always, step: Step::Same },
        }
    }

    /// `T → option<U>` is whatever `T → U` is, but for what is incompatible: that is said of the whole.
    fn wrapped(&mut self, old: &Type, some: &Type, new: &Type) -> Way {
        let mut inner = Walk { path: std::mem::take(&mut self.path), differences: Differences::default() };
        let way = inner.relate(old, some);
        self.path = inner.path;
        if inner.differences.worst == Verdict::Incompatible {
            return self.incompatible(old, new);
        }
        self.differ(old, new, Verdict::Widening);
        self.differences.extend(inner.differences);
        Way { reversible: way.reversible.max(Reversible::ByValue), step: Step::Wrap(Box::new(way.step)) }
    }

    fn records(&mut self, old: &[Field], new: &[Field], whole: (&Type, &Type)) -> Way {
        let mut reversible = Reversible::Always;
        let mut fields = Vec::with_capacity(new.len());
        let mut members = Members::of(old.iter().map(|field| field.name.as_str()));
        for field in new {
            let source = match members.take(&field.name) {
                Some(index) => {
                    let way = self.within(Segment::Field(field.name.clone()), &old[index].ty, &field.ty);
                    reversible = reversible.max(way.reversible);
                    Some((index, way.step))
                }
                None => {
                    let optional = matches!(field.ty, Type::Option(_));
                    let verdict = if optional { Verdict::Widening } else { Verdict::Incompatible };
                    self.member(Segment::Field(field.name.clone()), None, Some(field.ty.brief()), verdict);
                    reversible = reversible.max(Reversible::ByValue);
                    None
                }
            };
            fields.push((field.name.clone(), source));
        }
        for field in old.iter().filter(|field| !members.is_taken(&field.name)) {
            self.member(Segment::Field(field.name.clone()), Some(field.ty.brief()), None, Verdict::Lossy);
            let optional = matches!(field.ty, Type::Option(_));
            reversible = reversible.max(if optional { Reversible::Always } else { Reversible::Never });
        }
        if members.reordered {
            self.differ(whole.0, whole.1, Verdict::Widening);
        }
        let before = old.iter().map(|field| (field.name.clone(), matches!(field.ty, Type::Option(_)))).collect();
        Way { reversible, step: Step::Record { fields, before } }
    }

    fn cases(&mut self, kind: Cases, old: &Type, new: &Type) -> Way {
        let (old_cases, new_cases) = (old.cases(), new.cases());
        let mut members = Members::of(old_cases.iter().map(|(name, _)| *name));
        let mut ways_back = Vec::with_capacity(new_cases.len());
        let mut steps = BTreeMap::new();
        for (name, payload) in new_cases {
            let was = members.take(name).map(|index| old_cases[index].1);
            let way_back = match (was, payload) {
                (Some(Some(was)), Some(is)) => {
                    let way = self.within(Segment::Case(name.into()), was, is);
                    steps.insert(name.into(), way.step);
                    way.reversible
                }
                (Some(None), None) => {
                    steps.insert(name.into(), Step::Same);
                    Reversible::Always
                }
                (was, is) => {
                    let verdict = if was.is_some() { Verdict::Incompatible } else { Verdict::Widening };
                    let was = was.map(|was| case_text(name, was));
                    self.member(Segment::Case(name.into()), was, Some(case_text(name, is)), verdict);
                    Reversible::Never
                }
            };
            ways_back.push(way_back);
        }
        for (name, payload) in old_cases.iter().filter(|(name, _)| !members.is_taken(name)) {
            self.member(Segment::Case((*name).into()), Some(case_text(name, *payload)), None, Verdict::Lossy);
        }
        if members.reordered || matches!(kind, Cases::EnumToVariant) {
            self.differ(old, new, Verdict::Widening);
        }
        Way { reversible: sum(ways_back), step: Step::Cases(kind, steps) }
    }

    fn flags(&mut self, old: &[String], new: &[String], whole: (&Type, &Type)) -> Way {
        let mut reversible = Reversible::Always;
        let mut members = Members::of(old.iter().map(String::as_str));
        for name in new {
            if members.take(name).is_none() {
                self.member(Segment::Flag(name.clone()), None, Some(brief_name(name)), Verdict::Widening);
                reversible = Reversible::ByValue;
            }
        }
        for name in old.iter().filter(|name| !members.is_taken(name)) {
            self.member(Segment::Flag(name.clone()), Some(brief_name(name)), None, Verdict::Lossy);
        }
        if members.reordered {
            self.differ(whole.0, whole.1, Verdict::Widening);
        }
        Way { reversible, step: Step::Flags { before: old.to_vec(), now: new.to_vec() } }
    }

    fn widened(&mut self, old: &Type, new: &Type, step: Step) -> Way {
        self.differ(old, new, Verdict::Widening);
        Way { reversible: Reversible::ByValue, step }
    }

    fn incompatible(&mut self, old: &Type, new: &Type) -> Way {
        self.differ(old, new, Verdict::Incompatible);
        Way { reversible: Reversible::Never, step: Step::Same }
    }

    /// Notes that two types differ at this place.
    fn differ(&mut self, old: &Type, new: &Type, verdict: Verdict) {
        let path = || self.path.clone();
        self.differences.note(verdict, || (path(), Some(old.brief()), Some(new.brief())));
    }

    /// Notes that a member of the type at this place is new, gone or another.
    fn member(&mut self, segment: Segment, was: Option<String>, is: Option<String>, verdict: Verdict) {
        let path = || self.path.then(segment);
        self.differences.note(verdict, || (path(), was, is));
    }
}

impl Way {
    /// For types that have a value without anything inside, `none` or the empty list: it always has a way back.
    fn or_empty(self, around: fn(Box<Step>) -> Step) -> Way {
        Way { reversible: self.reversible.min(Reversible::ByValue), step: around(Box::new(self.step)) }
    }
}

/// The members of an old type by name, and which of them the new type has.
struct Members<'a> {
    by_name: HashMap<&'a str, (usize, bool)>,
    last: Option<usize>,
    /// Whether the new type has those that it took in another order.
    reordered: bool,
}

impl<'a> Members<'a> {
    fn of(names: impl Iterator<Item = &'a str>) -> Members<'a> {
        let by_name = names.enumerate().map(|(index, name)| (name, (index, false))).collect();
        Members { by_name, last: None, reordered: false }
    }

    /// The old index of the new type's next member, if the old type has it.
    fn take(&mut self, name: &str) -> Option<usize> {
        let (index, taken) = self.by_name.get_mut(name)?;
        *taken = true;
        self.reordered |= self.last.is_some_and(|last| last > *index);
        self.last = Some(*index);
        Some(*index)
    }

    fn is_taken(&self, name: &str) -> bool {
        self.by_name.get(name).is_some_and(|(_, taken)| *taken)
    }
}

/// uN → wider u or s, sN → wider s.
pub(crate) fn is_wider_integer(old: &Type, new: &Type) -> bool {
    let bits = |ty: &Type| {
        Some(match ty {
            Type::U8 => (8, false),
            Type::U16 => (16, false),
            Type::U32 => (32, false),
            Type::U64 => (64, false),
            Type::S8 => (8, true),
            Type::S16 => (16, true),
            Type::S32 => (32, true),
            Type::S64 => (64, true),
            _ => return None,
        })
    };
    match (bits(old), bits(new)) {
        (Some((old, old_signed)), Some((new, new_signed))) => old < new && (!old_signed || new_signed),
        _ => false,
    }
}

impl Type {
    /// The cases of a variant or enum.
    fn cases(&self) -> Vec<(&str, Option<&Type>)> {
        match self {
            Type::Enum(names) => names.iter().map(|name| (name.as_str(), None)).collect(),
            Type::Variant(cases) => cases.iter().map(|case| (case.name.as_str(), case.ty.as_ref())).collect(),
            _ => Vec::new(),
        }
    }
}

/// The way back from a choice between alternatives: always or never only if that holds for each.
fn sum(ways_back: impl IntoIterator<Item = Reversible>) -> Reversible {
    let unlike = |a, b| if a == b { a } else { Reversible::ByValue };
    ways_back.into_iter().reduce(unlike).unwrap_or(Reversible::Always)
}

fn case_text(name: &str, payload: Option<&Type>) -> String {
    let name = brief_name(name);
    match payload {
        Some(ty) => format!("{name}({})", ty.brief()),
        None => name,
    }
}
