//! Several plugins in one hand-off.

use std::ffi::OsString;
use std::path::PathBuf;

use super::super::deploy::read_component;
use super::super::watched::watched;
use super::super::{Context, Missing};
use super::{print_answer, print_unused, unused_since};
use crate::api::{GrantsRequest, OneOfSeveral, SwapAllRequest, SwapRequest};
use crate::console::{BOLD, styled};
use crate::failure::Failure;

/// What a command line asks to swap.
pub(super) enum Targets {
    One(String, PathBuf),
    Several(Vec<(String, PathBuf)>),
}

/// Reads `PLUGIN FILE.wasm`, or `PLUGIN=FILE.wasm` several times: a plugin's name holds no `=`.
pub(super) fn parse(what: &[OsString]) -> Result<Targets, Failure> {
    if let [plugin, file] = what
        && !plugin.as_encoded_bytes().contains(&b'=')
    {
        return Ok(Targets::One(text(plugin)?.to_owned(), file.into()));
    }
    let pairs = what.iter().map(|word| match text(word)?.split_once('=') {
        Some((plugin, file)) if !plugin.is_empty() && !file.is_empty() => Ok((plugin.to_owned(), file.into())),
        _ => Err(usage(format!("`{}` is no PLUGIN=FILE.wasm", word.display()))),
    });
    match pairs.collect::<Result<Vec<(String, PathBuf)>, Failure>>() {
        Ok(pairs) => match pairs.iter().enumerate().find(|(at, pair)| pairs[..*at].iter().any(|one| one.0 == pair.0)) {
            Some((_, (plugin, _))) => Err(usage(format!("`{plugin}` is named twice"))),
            None => Ok(Targets::Several(pairs)),
        },
        Err(_) if what.len() == 1 => Err(usage(format!("`{}` stands alone", what[0].display()))),
        Err(error) => Err(error),
    }
}

fn text(word: &OsString) -> Result<&str, Failure> {
    word.to_str().ok_or_else(|| usage(format!("`{}` is no text", word.display())))
}

fn usage(message: String) -> Failure {
    Failure::usage(message).help("name a plugin and its new component, or PLUGIN=FILE.wasm for each of several")
}

/// Swaps all of them in one hand-off.
pub(super) async fn run(
    context: &Context,
    targets: &[(String, PathBuf)],
    request: &SwapRequest,
) -> Result<(), Failure> {
    let (mut swaps, mut components) = (Vec::new(), Vec::new());
    let requests = split(request, targets)?;
    for ((plugin, file), request) in targets.iter().zip(requests) {
        let wasm = read_component(file)?;
        swaps.push(OneOfSeveral { plugin: plugin.clone(), component_bytes: wasm.len(), request });
        components.extend(wasm);
    }
    let session = context.session(Missing::Refuse).await?;
    let plugins: Vec<&str> = targets.iter().map(|(plugin, _)| plugin.as_str()).collect();
    let request = SwapAllRequest { swaps };
    let mut before = Vec::new();
    for plugin in plugins.iter().filter(|_| !context.console.is_json()) {
        before.extend(session.show(plugin).await.ok());
    }
    let answers = watched(context, &session, &plugins, session.swap_all(&request, components)).await;
    let mut unused = Vec::new();
    for answer in answers.iter().flatten() {
        let was = before.iter().find(|was| was.summary.name == answer.receipt.plugin);
        unused.push(match was {
            Some(was) => unused_since(&session, was, answer).await,
            None => Vec::new(),
        });
    }
    let answers = session.close(answers).await?;
    context.console.answer(&answers, |answers| {
        for (answer, unused) in answers.iter().zip(&unused) {
            context.console.line(styled(BOLD, &answer.receipt.plugin))?;
            print_answer(&context.console, answer)?;
            print_unused(&context.console, answer, unused)?;
        }
        Ok(())
    })
}

/// The options of each plugin: those that name something are for the plugin before their `=`.
fn split(all: &SwapRequest, targets: &[(String, PathBuf)]) -> Result<Vec<SwapRequest>, Failure> {
    if all.grants != GrantsRequest::default() {
        let error = Failure::usage("grants are given in a swap of one plugin");
        return Err(error.help("without any, each plugin keeps those that it has"));
    }
    let mut requests: Vec<SwapRequest> = targets
        .iter()
        .map(|_| SwapRequest {
            label: all.label.clone(),
            deadline_ms: all.deadline_ms,
            migration_deadline_ms: all.migration_deadline_ms,
            accept_unread: all.accept_unread,
            asked_by: all.asked_by.clone(),
            probation: all.probation.clone(),
            ..SwapRequest::default()
        })
        .collect();
    let mut give = |option: &str, values: &[String], list: fn(&mut SwapRequest) -> &mut Vec<String>| {
        for value in values {
            let found = value.split_once('=').and_then(|(plugin, rest)| {
                let place = targets.iter().position(|(name, _)| name == plugin)?;
                Some((place, rest.to_owned()))
            });
            let Some((place, rest)) = found else {
                let message = format!("`{option} {value}` does not say which plugin it is for");
                return Err(Failure::usage(message).help(format!("write `{option} PLUGIN={value}`")));
            };
            list(&mut requests[place]).push(rest);
        }
        Ok(())
    };
    give("--drop", &all.drop, |request| &mut request.drop)?;
    give("--accept-lossy", &all.accept_lossy, |request| &mut request.accept_lossy)?;
    give("--state", &all.state, |request| &mut request.state)?;
    give("--link", &all.links, |request| &mut request.links)?;
    give("--config", &all.config, |request| &mut request.config)?;
    Ok(requests)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn one_or_several_are_told_apart() {
        let one = parse(&words(&["tally", "a=b.wasm"])).unwrap();
        assert!(matches!(one, Targets::One(plugin, file) if plugin == "tally" && file == Path::new("a=b.wasm")));
        let Targets::Several(several) = parse(&words(&["tally=a=b.wasm", "audit=c.wasm"])).unwrap() else { panic!() };
        assert_eq!(several, [("tally".to_owned(), "a=b.wasm".into()), ("audit".to_owned(), "c.wasm".into())]);
        for bad in [
            &["tally"][..],
            &["tally", "a.wasm", "b.wasm"],
            &["=a.wasm"],
            &["tally="],
            &["a=b.wasm", "c"],
            &["a=b", "a=c"],
        ] {
            assert!(parse(&words(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_option_is_for_the_plugin_that_it_names() {
        let targets = [("a".to_owned(), PathBuf::new()), ("b".to_owned(), PathBuf::new())];
        let all = SwapRequest {
            label: Some("2".into()),
            drop: vec!["b=x:y/z@1".into()],
            config: vec!["a=mode=fast=er".into()],
            links: vec!["b=x:y/api@1=a".into()],
            ..SwapRequest::default()
        };
        let [a, b] = &split(&all, &targets).unwrap()[..] else { panic!() };
        assert_eq!((&a.config[..], a.drop.len()), (&["mode=fast=er".to_owned()][..], 0));
        assert_eq!((&b.drop[..], b.config.len()), (&["x:y/z@1".to_owned()][..], 0));
        assert_eq!((a.links.len(), &b.links[..]), (0, &["x:y/api@1=a".to_owned()][..]));
        assert!(a.label.is_some() && b.label.is_some());
        let unscoped = SwapRequest { drop: vec!["x:y/z@1".into()], ..SwapRequest::default() };
        assert!(split(&unscoped, &targets).is_err());
    }
}
