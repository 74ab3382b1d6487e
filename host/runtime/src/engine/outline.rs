//! What a component imports and exports by name, read without compiling it.

use wasmparser::{ComponentExternalKind, Parser, Payload};

/// Names of the outermost component.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outline {
    /// Everything that it imports.
    pub(crate) imports: Vec<String>,
    /// The interfaces that it exports.
    pub(crate) exported_interfaces: Vec<String>,
}

impl Outline {
    /// Reads as far as the bytes can be read.
    pub(crate) fn of(component: &[u8]) -> Outline {
        let mut outline = Outline::default();
        // Modules and components inside have sections of their own, which are passed over.
        let mut depth = 0_u32;
        for payload in Parser::new(0).parse_all(component) {
            match payload {
                Ok(Payload::ModuleSection { .. } | Payload::ComponentSection { .. }) => depth += 1,
                Ok(Payload::End(_)) if depth > 0 => depth -= 1,
                Ok(Payload::ComponentImportSection(section)) if depth == 0 => {
                    let imports = section.into_iter().filter_map(Result::ok);
                    outline.imports.extend(imports.map(|import| import.name.name.to_owned()));
                }
                Ok(Payload::ComponentExportSection(section)) if depth == 0 => {
                    let exports = section.into_iter().filter_map(Result::ok);
                    let instances = exports.filter(|export| export.kind == ComponentExternalKind::Instance);
                    outline.exported_interfaces.extend(instances.map(|export| export.name.name.to_owned()));
                }
                Ok(_) => {}
                Err(_) => return outline,
            }
        }
        outline
    }
}
