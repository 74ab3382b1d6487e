//! The rules: how two types relate, place by place, and the conversion that follows from it.

use std::collections::BTreeMap;

use super::{Difference, Reversible, Verdict};
use crate::conversion::step::{Cases, Step};
use crate::types::{Field, Path, Segment, Type};

/// How a new type relates to an old one.
pub(crate) struct Relation {
    /// Every difference; none if the types are equal.
    pub(crate) differences: Vec<Difference>,
    /// Whether old code could read what is written under the new type.
    pub(crate) reversible: Reversible,
    /// How old values become new ones; meaningless if a difference is incompatible.
    pub(crate) step: Step,
}

/// Relates two types at a place.
pub(crate) fn relate(old: &Type, new: &Type, path: &Path) -> Relation {
    if old == new {
        return Relation { differences: Vec::new(), reversible: Reversible::Always, step: Step::Same };
    }
    match (old, new) {
        (Type::List(old), Type::List(new)) => relate(old, new, &path.then(Segment::Element)).or_empty(Step::List),
        (Type::Option(old), Type::Option(new)) => relate(old, new, &path.then(Segment::Some)).or_empty(Step::Option),
        (Type::Result { ok, err }, Type::Result { ok: new_ok, err: new_err }) => {
            relate_results((ok, err), (new_ok, new_err), (old, new), path)
        }
        (Type::Tuple(old_items), Type::Tuple(new_items)) if old_items.len() == new_items.len() => {
            let items = old_items.iter().zip(new_items).enumerate();
            let inner = items.map(|(i, (old, new))| relate(old, new, &path.then(Segment::Item(i))));
            let (differences, reversible, steps) = product(inner);
            Relation { differences, reversible, step: Step::Tuple(steps) }
        }
        (Type::Record(old_fields), Type::Record(new_fields)) => {
            relate_records(old_fields, new_fields, (old, new), path)
        }
        (Type::Enum(_), Type::Enum(_)) => relate_cases(Cases::Enum, old, new, path),
        (Type::Enum(_), Type::Variant(_)) => relate_cases(Cases::EnumToVariant, old, new, path),
        (Type::Variant(_), Type::Variant(_)) => relate_cases(Cases::Variant, old, new, path),
        (Type::Flags(old_names), Type::Flags(new_names)) => relate_flags(old_names, new_names, (old, new), path),
        (Type::F32, Type::F64) => widened(old, new, path, Step::Float),
        (old, Type::Option(some)) if !matches!(old, Type::Option(_)) => relate_wrapped(old, some, new, path),
        _ if is_wider_integer(old, new) => widened(old, new, path, Step::Integer(old.clone(), new.clone())),
        _ => incompatible(old, new, path),
    }
}

impl Relation {
    /// For types that have a value without anything inside, `none` or the empty list: it always has a way back.
    fn or_empty(self, around: fn(Box<Step>) -> Step) -> Relation {
        let Relation { differences, reversible, step } = self;
        Relation { differences, reversible: reversible.min(Reversible::ByValue), step: around(Box::new(step)) }
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

fn relate_wrapped(old: &Type, some: &Type, new: &Type, path: &Path) -> Relation {
    let inner = relate(old, some, path);
    if inner.differences.iter().any(|difference| difference.verdict == Verdict::Incompatible) {
        return incompatible(old, new, path);
    }
    let mut differences = vec![difference(old, new, path, Verdict::Widening)];
    differences.extend(inner.differences);
    let reversible = inner.reversible.max(Reversible::ByValue);
    Relation { differences, reversible, step: Step::Wrap(Box::new(inner.step)) }
}

type Arms<'a> = (&'a Option<Box<Type>>, &'a Option<Box<Type>>);

fn relate_results(old: Arms<'_>, new: Arms<'_>, whole: (&Type, &Type), path: &Path) -> Relation {
    let arm = |old: &Option<Box<Type>>, new: &Option<Box<Type>>, segment| match (old, new) {
        (Some(old), Some(new)) => Some(relate(old, new, &path.then(segment))),
        (None, None) => Some(relate(&Type::Bool, &Type::Bool, path)),
        _ => None,
    };
    let (Some(ok), Some(err)) = (arm(old.0, new.0, Segment::Ok), arm(old.1, new.1, Segment::Err)) else {
        return incompatible(whole.0, whole.1, path);
    };
    let reversible = sum([ok.reversible, err.reversible]);
    let step = Step::Result(Box::new(ok.step), Box::new(err.step));
    Relation { differences: [ok.differences, err.differences].concat(), reversible, step }
}

fn relate_records(old: &[Field], new: &[Field], whole: (&Type, &Type), path: &Path) -> Relation {
    let mut differences = Vec::new();
    let mut reversible = Reversible::Always;
    let mut fields = Vec::new();
    for field in new {
        let place = path.then(Segment::Field(field.name.clone()));
        let source = match old.iter().position(|old| old.name == field.name) {
            Some(index) => {
                let inner = relate(&old[index].ty, &field.ty, &place);
                differences.extend(inner.differences);
                reversible = reversible.max(inner.reversible);
                Some((index, inner.step))
            }
            None => {
                let optional = matches!(field.ty, Type::Option(_));
                let verdict = if optional { Verdict::Widening } else { Verdict::Incompatible };
                differences.push(Difference { path: place, was: None, is: Some(field.ty.to_string()), verdict });
                reversible = reversible.max(Reversible::ByValue);
                None
            }
        };
        fields.push((field.name.clone(), source));
    }
    let is_gone = |field: &&Field| new.iter().all(|new| new.name != field.name);
    for field in old.iter().filter(is_gone) {
        let place = path.then(Segment::Field(field.name.clone()));
        differences.push(gone(place, field.ty.to_string()));
        let optional = matches!(field.ty, Type::Option(_));
        reversible = reversible.max(if optional { Reversible::Always } else { Reversible::Never });
    }
    let names = |fields: &[Field]| fields.iter().map(|field| field.name.clone()).collect::<Vec<_>>();
    note_order(&names(old), &names(new), whole, path, &mut differences);
    let before = old.iter().map(|field| (field.name.clone(), matches!(field.ty, Type::Option(_)))).collect();
    Relation { differences, reversible, step: Step::Record { fields, before } }
}

fn relate_cases(kind: Cases, old: &Type, new: &Type, path: &Path) -> Relation {
    let (old_cases, new_cases) = (old.cases(), new.cases());
    let mut differences = Vec::new();
    let mut ways_back = Vec::new();
    let mut steps = BTreeMap::new();
    for (name, payload) in &new_cases {
        let place = path.then(Segment::Case(name.clone()));
        match (old_cases.iter().find(|(old, _)| old == name), payload) {
            (Some((_, Some(was))), Some(is)) => {
                let inner = relate(was, is, &place);
                differences.extend(inner.differences);
                ways_back.push(inner.reversible);
                steps.insert(name.clone(), inner.step);
            }
            (Some((_, None)), None) => {
                ways_back.push(Reversible::Always);
                steps.insert(name.clone(), Step::Same);
            }
            (Some((_, was)), is) => {
                let (was, is) = (Some(case_text(name, *was)), Some(case_text(name, *is)));
                differences.push(Difference { path: place, was, is, verdict: Verdict::Incompatible });
                ways_back.push(Reversible::Never);
            }
            (None, is) => {
                let is = Some(case_text(name, *is));
                differences.push(Difference { path: place, was: None, is, verdict: Verdict::Widening });
                ways_back.push(Reversible::Never);
            }
        }
    }
    let is_gone = |case: &&(String, Option<&Type>)| new_cases.iter().all(|(name, _)| *name != case.0);
    for (name, payload) in old_cases.iter().filter(is_gone) {
        differences.push(gone(path.then(Segment::Case(name.clone())), case_text(name, *payload)));
    }
    if matches!(kind, Cases::EnumToVariant) {
        differences.push(difference(old, new, path, Verdict::Widening));
    } else {
        let names = |cases: &[(String, Option<&Type>)]| cases.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        note_order(&names(&old_cases), &names(&new_cases), (old, new), path, &mut differences);
    }
    Relation { differences, reversible: sum(ways_back), step: Step::Cases(kind, steps) }
}

fn relate_flags(old: &[String], new: &[String], whole: (&Type, &Type), path: &Path) -> Relation {
    let mut differences = Vec::new();
    let mut reversible = Reversible::Always;
    for name in new.iter().filter(|name| !old.contains(name)) {
        let place = path.then(Segment::Flag(name.clone()));
        differences.push(Difference { path: place, was: None, is: Some(name.clone()), verdict: Verdict::Widening });
        reversible = Reversible::ByValue;
    }
    for name in old.iter().filter(|name| !new.contains(name)) {
        differences.push(gone(path.then(Segment::Flag(name.clone())), name.clone()));
    }
    note_order(old, new, whole, path, &mut differences);
    Relation { differences, reversible, step: Step::Flags { before: old.to_vec(), now: new.to_vec() } }
}

impl Type {
    /// The cases of a variant or enum.
    fn cases(&self) -> Vec<(String, Option<&Type>)> {
        match self {
            Type::Enum(names) => names.iter().map(|name| (name.clone(), None)).collect(),
            Type::Variant(cases) => cases.iter().map(|case| (case.name.clone(), case.ty.as_ref())).collect(),
            _ => Vec::new(),
        }
    }
}

/// Notes a difference if the members that both have stand in another order.
fn note_order(old: &[String], new: &[String], whole: (&Type, &Type), path: &Path, differences: &mut Vec<Difference>) {
    let kept = old.iter().filter(|name| new.contains(name));
    if !kept.eq(new.iter().filter(|name| old.contains(name))) {
        differences.push(difference(whole.0, whole.1, path, Verdict::Widening));
    }
}

fn product(relations: impl Iterator<Item = Relation>) -> (Vec<Difference>, Reversible, Vec<Step>) {
    let mut all = (Vec::new(), Reversible::Always, Vec::new());
    for relation in relations {
        all.0.extend(relation.differences);
        all.1 = all.1.max(relation.reversible);
        all.2.push(relation.step);
    }
    all
}

/// The way back from a choice between alternatives: always or never only if that holds for each.
fn sum(ways_back: impl IntoIterator<Item = Reversible>) -> Reversible {
    let unlike = |a, b| if a == b { a } else { Reversible::ByValue };
    ways_back.into_iter().reduce(unlike).unwrap_or(Reversible::Always)
}

fn widened(old: &Type, new: &Type, path: &Path, step: Step) -> Relation {
    let differences = vec![difference(old, new, path, Verdict::Widening)];
    Relation { differences, reversible: Reversible::ByValue, step }
}

fn incompatible(old: &Type, new: &Type, path: &Path) -> Relation {
    let differences = vec![difference(old, new, path, Verdict::Incompatible)];
    Relation { differences, reversible: Reversible::Never, step: Step::Same }
}

fn difference(old: &Type, new: &Type, path: &Path, verdict: Verdict) -> Difference {
    Difference { path: path.clone(), was: Some(old.to_string()), is: Some(new.to_string()), verdict }
}

fn gone(path: Path, was: String) -> Difference {
    Difference { path, was: Some(was), is: None, verdict: Verdict::Lossy }
}

fn case_text(name: &str, payload: Option<&Type>) -> String {
    match payload {
        Some(ty) => format!("{name}({ty})"),
        None => name.into(),
    }
}
