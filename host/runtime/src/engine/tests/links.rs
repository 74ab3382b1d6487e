//! G13: a link is there within calls of the plugin, and nowhere else.

use stead_test_guests::{LINK_LEFT, LINK_TOP};

use super::*;
use crate::engine::LinkTo;

fn to(interface: &str) -> LinkTo {
    LinkTo { interface: interface.into(), plugin: "leaf".into() }
}

fn linked(wasm: &[u8], links: &[LinkTo]) -> Plugin {
    let program = Program::load_linked(&engine(), wasm, links).expect("a plugin");
    let (grants, settings) = (Grants::default(), Settings::default());
    Plugin::of(program.link("left", &bindings(&program), &grants, &settings, &Limits::default()).expect("linked"))
}

#[tokio::test]
async fn g13_outside_of_a_call_with_a_scope_a_link_traps() {
    let mut left = linked(LINK_LEFT, &[to("test:links/leaf@1")]);
    let script = Value(Parts::String("(set k 1)(try leaf (get k))".into()));
    // A migration and a readiness check run like this, too.
    for mode in [Mode::ReadWrite, Mode::Migrate] {
        match left.call_as(mode, "run", std::slice::from_ref(&script)).await {
            CallEnd::Trapped(Trap { kind: TrapKind::Forbidden, message, .. }) => {
                assert!(message.contains("`leaf`") && message.contains("test:links/leaf@1.0.0"), "{message}");
            }
            end => panic!("{mode:?}: {end:?}"),
        }
    }
}

#[test]
fn g13_an_import_is_a_link_only_by_name_or_track() {
    let links = |named: &[LinkTo]| {
        let program = Program::load_linked(&engine(), LINK_LEFT, named);
        program.map(|program| program.links().len()).map_err(|error| error.kind())
    };
    assert_eq!(links(&[]), Err("unshaped"));
    assert_eq!(links(&[to("test:links/leaf@2")]), Err("unshaped"));
    assert_eq!(links(&[to("test:links/leaves@1")]), Err("unshaped"));
    assert_eq!(links(&[to("test:links/leaf")]), Err("unshaped"), "a package without a version is a track of its own");
    assert_eq!(links(&[to("test:links/leaf@1.0.0")]), Ok(1));
    assert_eq!(links(&[to("test:links/leaf@1")]), Ok(1));
    assert_eq!(links(&[to("test:links/leaf@1.7.0")]), Ok(1), "of the same track");
    let all = ["leaf", "left", "right"].map(|name| to(&format!("test:links/{name}@1")));
    let program = Program::load_linked(&engine(), LINK_TOP, &all).expect("a plugin");
    assert_eq!((program.links().len(), program.declared().len()), (3, 1), "numbers stay a collection");
}

#[test]
fn g13_what_no_link_carries_is_refused_by_name() {
    let refused = |function: &str| {
        let wat = format!(r#"(component (import "acme:t/api@1.0.0" (instance {function})))"#);
        let named = [to("acme:t/api@1")];
        let error = Program::load_linked(&engine(), &wat::parse_str(&wat).expect("wat"), &named).unwrap_err();
        assert_eq!(error.kind(), "linked-function");
        error.to_string()
    };
    let resource =
        refused(r#"(export "thing" (type $t (sub resource))) (export "use" (func (param "t" (borrow $t))))"#);
    assert!(resource.contains("acme:t/api@1.0.0") && resource.contains("thing"), "{resource}");
}
