//! Requests as queries and back.

use super::*;

#[test]
fn options_survive_the_query() {
    let swap = SwapRequest {
        label: Some("2.0.0".to_owned()),
        deadline_ms: Some(500),
        drop: vec!["a:b/c@1".to_owned(), "a:b/d@1".to_owned()],
        accept_unread: true,
        asked_by: Some("ann@laptop".to_owned()),
        links: vec!["a:b/f@1=ledger".to_owned()],
        grants: GrantsRequest { env: vec!["A=b=c".to_owned()], names: true, ..GrantsRequest::default() },
        ..SwapRequest::default()
    };
    assert_eq!(SwapRequest::parse(swap.pairs()).unwrap(), swap);
    let check = CheckRequest { drop: swap.drop.clone(), state: vec!["a:b/e@1".to_owned()], ..CheckRequest::default() };
    assert_eq!(CheckRequest::parse(check.pairs()).unwrap(), check);
    let state = StateQuery { from: Some("\"x\"".to_owned()), limit: Some(3), back: true };
    assert_eq!(StateQuery::parse(state.pairs()).unwrap(), state);
}

#[test]
fn unknown_options_are_refused() {
    let error = CallOptions::parse(Pairs(vec![("ide".to_owned(), "a:1".to_owned())])).unwrap_err();
    assert_eq!(error.kind, "bad-request");
    assert!(error.message.contains("`ide`"));
}
