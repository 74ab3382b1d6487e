//! The bounds that every stored type keeps.

use std::collections::BTreeSet;

use super::{Path, Segment, Type};
use crate::limits::{NAME_BYTES_MAX, TYPE_DEPTH_MAX, TYPE_PARTS_MAX};

/// Why a type cannot be stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypeError {
    /// Nested deeper than [`TYPE_DEPTH_MAX`].
    #[error("{path}: nested deeper than {TYPE_DEPTH_MAX} levels")]
    TooDeep {
        /// Where.
        path: Path,
    },
    /// More than [`TYPE_PARTS_MAX`] parts.
    #[error("the type has more than {TYPE_PARTS_MAX} parts")]
    TooLarge,
    /// A record, tuple, variant, enum or flags without members; WIT has none such.
    #[error("{path}: `{what}` without members")]
    Empty {
        /// Where.
        path: Path,
        /// Which kind of type.
        what: &'static str,
    },
    /// A name that is empty or longer than [`NAME_BYTES_MAX`].
    #[error("{path}: a name must have 1 to {NAME_BYTES_MAX} bytes")]
    Name {
        /// Where.
        path: Path,
    },
    /// The same name twice in one type.
    #[error("{path}: named twice")]
    Twice {
        /// Where.
        path: Path,
    },
}

impl Type {
    /// Checks the bounds that every stored type keeps.
    pub fn check(&self) -> Result<(), TypeError> {
        let mut parts = 0;
        check(self, &mut Path::default(), 0, &mut parts)
    }
}

fn check(ty: &Type, path: &mut Path, depth: usize, parts: &mut usize) -> Result<(), TypeError> {
    if depth >= TYPE_DEPTH_MAX {
        return Err(TypeError::TooDeep { path: path.clone() });
    }
    let mut name = |path: &Path, name: &str| {
        *parts += 1;
        if *parts > TYPE_PARTS_MAX {
            return Err(TypeError::TooLarge);
        }
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return Err(TypeError::Name { path: path.clone() });
        }
        Ok(())
    };
    match ty {
        Type::Enum(names) | Type::Flags(names) => {
            let (what, segment): (_, fn(String) -> Segment) = match ty {
                Type::Enum(_) => ("enum", Segment::Case),
                _ => ("flags", Segment::Flag),
            };
            not_empty(names, what, path)?;
            names.iter().try_for_each(|n| name(path, n))?;
            unique(names.iter(), path, segment)?;
        }
        Type::Record(fields) => {
            not_empty(fields, "record", path)?;
            fields.iter().try_for_each(|f| name(path, &f.name))?;
            unique(fields.iter().map(|f| &f.name), path, Segment::Field)?;
        }
        Type::Variant(cases) => {
            not_empty(cases, "variant", path)?;
            cases.iter().try_for_each(|c| name(path, &c.name))?;
            unique(cases.iter().map(|c| &c.name), path, Segment::Case)?;
        }
        Type::Tuple(items) => not_empty(items, "tuple", path)?,
        _ => {}
    }
    *parts += 1;
    if *parts > TYPE_PARTS_MAX {
        return Err(TypeError::TooLarge);
    }
    for (segment, part) in ty.parts() {
        path.within(segment, |path| check(part, path, depth + 1, parts))?;
    }
    Ok(())
}

fn not_empty<T>(members: &[T], what: &'static str, path: &Path) -> Result<(), TypeError> {
    match members {
        [] => Err(TypeError::Empty { path: path.clone(), what }),
        _ => Ok(()),
    }
}

fn unique<'a>(
    names: impl Iterator<Item = &'a String>,
    path: &Path,
    segment: fn(String) -> Segment,
) -> Result<(), TypeError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(TypeError::Twice { path: path.then(segment(name.clone())) });
        }
    }
    Ok(())
}
