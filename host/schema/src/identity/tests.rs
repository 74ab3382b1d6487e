use super::*;

fn check(text: &str, shown: &str) {
    let identity = Identity::parse(text).expect(text);
    assert_eq!(identity.to_string(), shown);
    assert_eq!(Identity::parse(shown), Ok(identity));
}

#[test]
fn a_version_belongs_to_its_track() {
    check("acme:tally/ballots@1.0.0", "acme:tally/ballots@1");
    check("acme:tally/ballots@12.3.4", "acme:tally/ballots@12");
    check("acme:tally/ballots@0.3.4", "acme:tally/ballots@0.3");
    check("acme:tally/ballots@0.0.1", "acme:tally/ballots@0.0");
    check("acme:tally/ballots@2.0.0-rc.1", "acme:tally/ballots@2");
    check("acme:tally/ballots", "acme:tally/ballots");
    check("ballots", "ballots");
}

#[test]
fn what_is_no_identity_is_refused() {
    for text in ["", "@1", "a:b/c@", "a:b/c@x", "a:b/c@0", "a:b/c@01", "a:b/c@1@2", "a:b/c@-1"] {
        assert!(Identity::parse(text).is_err(), "{text}");
    }
}

#[test]
fn tracks_are_ordered_and_compared_within_a_package() {
    let parse = |text| Identity::parse(text).unwrap();
    assert!(parse("a:b/c").is_older_than(&parse("a:b/d@0.1.0")));
    assert!(parse("a:b/c@0.9.0").is_older_than(&parse("a:b/c@1.0.0")));
    assert!(parse("a:b/c@2.0.0").is_older_than(&parse("a:b/d@10.0.0")));
    assert!(!parse("a:b/c@1.0.0").is_older_than(&parse("a:b/c@1.9.0")));
    assert!(!parse("a:b/c@1.0.0").is_older_than(&parse("a:x/c@2.0.0")));
    assert!(!parse("c").is_older_than(&parse("c@2.0.0")));
}
