//! Arguments, results and what ends a call.

use super::*;

const BASIC: &str = r#"(component
  (core module $M
    (memory (export "memory") 1)
    (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
    (func (export "try") (param i32) (result i32)
      (i32.store8 (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (i32.const 7)) i32.const 16)
    (func (export "nothing"))
    (func (export "panic") unreachable)
    (func (export "loop") (loop $again br $again))
    (func $recurse (export "recurse") (param i32) (result i32) (i32.add (i32.const 1) (call $recurse (local.get 0)))))
  (core instance $m (instantiate $M))
  (func (export "add") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $m "add")))
  (func (export "try") (param "fail" bool) (result (result u32 (error u32)))
    (canon lift (core func $m "try") (memory (core memory $m "memory"))))
  (func (export "nothing") (canon lift (core func $m "nothing")))
  (func (export "panic") (canon lift (core func $m "panic")))
  (func (export "loop") (canon lift (core func $m "loop")))
  (func (export "recurse") (param "n" u32) (result u32) (canon lift (core func $m "recurse"))))"#;

#[tokio::test]
async fn values_go_in_and_out() {
    let mut plugin = Plugin::new(BASIC);
    assert_eq!(plugin.ok("add", &[2u32.into(), 40u32.into()]).await, Some(42u32.into()));
    assert_eq!(plugin.ok("nothing", &[]).await, None);
}

#[tokio::test]
async fn arguments_that_do_not_fit_never_enter_the_guest() {
    let mut plugin = Plugin::new(BASIC);
    let refused = |end| match end {
        CallEnd::Refused(error) => error.to_string(),
        end => panic!("not refused: {end:?}"),
    };
    let message = refused(plugin.call("add", &[1u32.into()]).await);
    assert_eq!(message, "add takes 2 arguments, not 1");
    let message = refused(plugin.call("add", &[1u32.into(), "x".into()]).await);
    assert!(message.contains('b') && message.contains("u32"), "{message}");
    assert_eq!(plugin.ok("add", &[1u32.into(), 1u32.into()]).await, Some(2u32.into()));
}

#[tokio::test]
async fn g03_an_error_result_is_a_failure() {
    let mut plugin = Plugin::new(BASIC);
    assert_eq!(plugin.ok("try", &[false.into()]).await, Some(7u32.into()));
    match plugin.call("try", &[true.into()]).await {
        CallEnd::Failed(Some(value)) => assert_eq!(value, 7u32.into()),
        end => panic!("not a failure: {end:?}"),
    }
}

#[tokio::test]
async fn g03_a_trap_says_what_happened_and_where() {
    let mut plugin = Plugin::new(BASIC);
    let trap = plugin.trap("panic", &[]).await;
    assert_eq!(trap.kind, TrapKind::Guest);
    assert!(!trap.backtrace.is_empty());
    assert_eq!(plugin.ok("add", &[1u32.into(), 1u32.into()]).await, Some(2u32.into()));
}

#[tokio::test]
async fn g14_a_loop_ends_at_its_deadline() {
    let mut plugin = Plugin::new(BASIC);
    plugin.deadline = Duration::from_millis(50);
    let started = Instant::now();
    let trap = plugin.trap("loop", &[]).await;
    assert_eq!(trap.kind, TrapKind::Deadline);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

/// A loop on the only thread of the runtime must not keep another call from running.
#[tokio::test(flavor = "current_thread")]
async fn a_loop_yields_to_other_calls() {
    let mut looping = Plugin::new(BASIC);
    let mut other = Plugin::new(BASIC);
    looping.deadline = Duration::from_secs(5);
    let started = Instant::now();
    tokio::select! {
        biased;
        end = looping.call("loop", &[]) => panic!("the loop ended: {end:?}"),
        sum = async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            other.ok("add", &[1u32.into(), 1u32.into()]).await
        } => assert_eq!(sum, Some(2u32.into())),
    }
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn g14_recursion_ends_with_the_stack() {
    let mut plugin = Plugin::new(BASIC);
    assert_eq!(plugin.trap("recurse", &[1u32.into()]).await.kind, TrapKind::Stack);
}

#[tokio::test]
async fn a_spent_instance_serves_no_more_calls() {
    let plugin = Plugin::new(BASIC);
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut instance = plugin.linked.instantiate(deadline).await.expect("an instance");
    let find = |name| plugin.linked.program().find(name).expect("a function");
    let (end, _) = instance.call(find("panic"), &[], plugin.transaction(), deadline, Mode::ReadWrite).await;
    assert!(!end.keeps_instance());
    let (end, _) = instance.call(find("nothing"), &[], plugin.transaction(), deadline, Mode::ReadWrite).await;
    assert_eq!(trap(end).kind, TrapKind::Host);
}
