//! How much larger than its text a value may become: an empty record stands for all its options.

use crate::limits::FIELDS_LEFT_OUT_MAX;
use crate::types::Type;

/// Whether a text may leave out more than [`FIELDS_LEFT_OUT_MAX`] fields of a type: each brace may open a record with as many
/// options as any has, less one for each colon that gives a field.
pub(super) fn leaves_out_too_much(ty: &Type, text: &str) -> bool {
    let options = most_options(ty);
    let (mut braces, mut colons) = (0_usize, 0_usize);
    if options > 1 {
        for_each_mark(text, |mark| match mark {
            b'{' => braces += 1,
            b':' => colons += 1,
            _ => {}
        });
    }
    braces.saturating_mul(options) > FIELDS_LEFT_OUT_MAX.saturating_add(colons)
}

/// The most options that a record of the type has.
fn most_options(ty: &Type) -> usize {
    let here = match ty {
        Type::Record(fields) => fields.iter().filter(|field| matches!(field.ty, Type::Option(_))).count(),
        _ => 0,
    };
    ty.parts().into_iter().map(|(_, part)| most_options(part)).max().unwrap_or(0).max(here)
}

/// The bytes of a WAVE text outside of strings, characters and comments.
fn for_each_mark(text: &str, mut mark: impl FnMut(u8)) {
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = match byte {
            b'"' if rest.starts_with(b"\"\"\"") => behind(&rest[3..], b"\"\"\""),
            b'"' => behind(after, b"\""),
            b'\'' => behind(after, b"'"),
            b'/' if rest.starts_with(b"//") => {
                let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                &rest[end..]
            }
            _ => {
                mark(byte);
                after
            }
        };
    }
}

/// What follows the next end of a literal; a backslash takes the byte after it along.
fn behind<'a>(mut rest: &'a [u8], end: &[u8]) -> &'a [u8] {
    while !rest.is_empty() && !rest.starts_with(end) {
        let taken = if rest[0] == b'\\' { 2 } else { 1 };
        rest = rest.get(taken..).unwrap_or_default();
    }
    rest.get(end.len()..).unwrap_or_default()
}
