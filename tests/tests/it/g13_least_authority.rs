//! G13: nothing is granted by default.

use stead_schema::{Parts, Value};
use stead_test_guests::HOSTILE;

use crate::harness::{call, text, with_plugin};

#[tokio::test]
async fn files_environment_and_network_are_not_there() {
    let (_, host) = with_plugin(HOSTILE).await;
    for function in ["read-file", "reach"] {
        let argument = if function == "reach" { "127.0.0.1:1" } else { "/etc/passwd" };
        let reply = host.call(stead_runtime::Call::new("box", function, vec![text(argument)])).await.unwrap();
        assert!(matches!(reply.outcome, stead_runtime::Outcome::Err(_)), "{function}: {reply:?}");
    }
    let path = call(&host, "environment", vec![text("PATH")]).await;
    assert_eq!(path, Some(Value(Parts::Option(None))));
}
