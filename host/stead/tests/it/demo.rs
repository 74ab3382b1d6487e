use crate::harness::Bench;

#[test]
fn g08_g09_g12_the_demo_passes() {
    let report = Bench::new().stead(&["demo", "--json"]).json();
    assert_eq!(report["passed"], true);
    assert_eq!(report["rounds"][0]["checked"]["log_entries"], 8759);
}
