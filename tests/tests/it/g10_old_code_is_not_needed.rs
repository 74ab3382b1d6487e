//! G10: no step of an upgrade runs the incumbent's code.

use stead_runtime::Call;
use stead_test_guests::{EVOLVE_BROKEN, EVOLVE_V1, EVOLVE_V2};

use crate::harness::{bump, count_of, keep, refused, swap, text, total, version, with_plugin};

#[tokio::test]
async fn a_version_that_traps_on_every_call_is_replaced_with_and_without_migration() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    host.swap("box", EVOLVE_BROKEN, swap()).await.unwrap();
    assert_eq!(refused(host.call(Call::new("box", "bump", vec![text("a")])).await), "trapped");
    host.rollback("box", keep()).await.unwrap();
    assert_eq!(bump(&host, "a").await, 2);
    host.swap("box", EVOLVE_BROKEN, swap()).await.unwrap();
    host.swap("box", EVOLVE_V2, swap()).await.unwrap();
    assert_eq!(version(&host, "box").await, "v2");
    assert_eq!((count_of(&host, "a").await, total(&host).await), (2, 2));
}
