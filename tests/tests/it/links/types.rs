//! What may be linked to what.

use stead_runtime::{CheckOptions, DeployOptions};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{LINK_LEAF, LINK_LEAF_CHANGED, LINK_LEFT, LINK_RIGHT, LINK_TOP, PLAIN};

use super::{deploy_linked, links, numbers, one, run, try_link};
use crate::harness::open;

#[tokio::test]
async fn g07_a_link_is_refused_by_name_where_it_does_not_fit() {
    let (host, _) = open(&SimDisk::new(1)).await;
    deploy_linked(&host, "leaf", LINK_LEAF, &[]).await;
    deploy_linked(&host, "changed", LINK_LEAF_CHANGED, &[]).await;
    deploy_linked(&host, "plain", PLAIN, &[]).await;
    for (to, kind, says) in [
        (&[][..], "component", &["test:links/leaf@1.0.0", "no collection", "--link"][..]),
        (&[("leaf", "nobody")], "links", &["nobody", "not there"]),
        (&[("leaf", "left")], "links", &["in a ring: left → left"]),
        (&[("leaf", "plain")], "links", &["plain", "test:links/leaf@1.0.0#run", "is not exported"]),
        (
            &[("leaf", "changed")],
            "links",
            &["changed", "test:links/leaf@1.0.0#run", "loudly: bool", "not `func(script: string)"],
        ),
        (&[("leaf", "leaf"), ("top", "leaf")], "links", &["test:links/top@1", "calls no function"]),
    ] {
        let error = try_link(&host, "left", LINK_LEFT, to).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{to:?}: {error}");
        for part in says {
            assert!(error.to_string().contains(part), "{to:?}: `{part}` is not in {error}");
        }
        assert!(host.show("left").is_err(), "{to:?} left a plugin behind");
    }
    deploy_linked(&host, "left", LINK_LEFT, &[("leaf", "leaf")]).await;
    run(&host, "left", "(leaf (set k 1))").await;
    assert_eq!(numbers(&host, "leaf"), one("k", 1));
}

#[tokio::test]
async fn g07_a_link_wins_over_a_collection_and_is_none_without_a_name() {
    let (host, _) = open(&SimDisk::new(1)).await;
    deploy_linked(&host, "leaf", LINK_LEAF, &[]).await;
    // `numbers` has the shape of a map; named as a link, it is none.
    let named = DeployOptions { links: links(&[("numbers", "leaf")]), ..DeployOptions::default() };
    let error = host.deploy("other", LINK_LEAF, named).await.unwrap_err();
    assert_eq!(error.kind(), "links");
    assert!(error.to_string().contains("test:links/numbers@1.0.0#get` is not exported"), "{error}");
}

#[tokio::test]
async fn g07_show_list_and_inspect_tell_of_links() {
    let (host, _) = open(&SimDisk::new(1)).await;
    super::diamond(&host).await;
    let leaf = host.show("leaf").unwrap();
    assert_eq!(leaf.callers, ["left", "right", "top"]);
    assert_eq!(leaf.summary.links, []);
    let listed = host.list().unwrap();
    let left = listed.iter().find(|plugin| plugin.name == "left").unwrap();
    assert_eq!((&*left.links[0].interface, &*left.links[0].plugin), ("test:links/leaf@1.0.0", "leaf"));
    let inspected = host.inspect(LINK_TOP).unwrap();
    let interfaces: Vec<&str> = inspected.links.iter().map(|link| link.interface.as_str()).collect();
    assert_eq!(interfaces.len(), 3, "{interfaces:?}");
    assert!(inspected.links.iter().all(|link| !link.why.is_empty() && !link.functions.is_empty()));
    let refused = host.check("left", LINK_RIGHT, CheckOptions::default()).await.unwrap();
    let said = format!("{:?}", refused.refusals);
    assert!(said.contains("top") && said.contains("test:links/left@1.0.0#run"), "{said}");
    assert!(host.check("left", LINK_LEFT, CheckOptions::default()).await.unwrap().is_admitted());
}
