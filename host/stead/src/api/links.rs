//! Links to other plugins, as an operator writes and reads them.

use stead_runtime::InspectedLink;
use stead_runtime::engine::LinkTo;

use super::ApiError;
use super::answers::NeededLink;
use super::convert::all;

/// Links as an operator writes them.
pub(super) fn links(texts: &[String]) -> Result<Vec<LinkTo>, ApiError> {
    let link = |text: &String| match text.split_once('=') {
        Some((interface, plugin)) if !interface.is_empty() && !plugin.is_empty() => {
            Ok(LinkTo { interface: interface.to_owned(), plugin: plugin.to_owned() })
        }
        _ => Err(ApiError::new("bad-argument", format!("`{text}` is no link"))
            .help("write INTERFACE=PLUGIN, for instance acme:ledger/api@1=ledger")),
    };
    let links: Vec<LinkTo> = texts.iter().map(link).collect::<Result<_, ApiError>>()?;
    for (place, link) in links.iter().enumerate() {
        if links[..place].iter().any(|other| other.interface == link.interface) {
            let what = format!("`{}` is linked twice", link.interface);
            return Err(ApiError::new("bad-argument", what).help("an import is linked to one plugin"));
        }
    }
    Ok(links)
}

/// Links that take the place of those that there are, if any are named.
pub(super) fn new_links(texts: &[String]) -> Result<Option<Vec<LinkTo>>, ApiError> {
    if texts.is_empty() { Ok(None) } else { links(texts).map(Some) }
}

impl From<InspectedLink> for NeededLink {
    fn from(link: InspectedLink) -> Self {
        Self { interface: link.interface, functions: all(link.functions), why: link.why }
    }
}
