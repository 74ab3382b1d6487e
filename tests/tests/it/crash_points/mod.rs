//! Real processes that are killed at each named point while eight clients call, on a real directory: afterwards no answer
//! that a client saw is lost or doubled, one version serves, and it can be replaced, again under load.
//!
//! One round goes through all points on one data directory. `STEAD_ROUNDS=20` makes twenty, each at other moments of the
//! load.

mod stories;

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use stories::{Part, Story};

/// A kill: at which point, the how manieth time that the victim passes it, and what the victim does.
struct Kill {
    point: &'static str,
    pass: u64,
    story: Story,
}

const fn kill(point: &'static str, pass: u64, story: Story) -> Kill {
    Kill { point, pass, story }
}

/// Victims for one kill: some points are passed only if a call comes at the right moment, such as before the gate is closed.
const ATTEMPTS: usize = 10;

/// Every point, in the order in which a plugin comes to it, and some once more on the way back.
const KILLS: &[Kill] = &[
    kill("deploy.kept", 1, Story::Deploy),
    kill("deploy.durable", 1, Story::Deploy),
    kill("call.begun", 30, Story::Calls),
    kill("call.executed", 31, Story::Calls),
    kill("call.committed", 32, Story::Calls),
    kill("call.durable", 33, Story::Calls),
    kill("handoff.negotiating", 1, Story::Swap),
    kill("handoff.migrated", 1, Story::Swap),
    kill("handoff.negotiated", 1, Story::Swap),
    kill("handoff.draining", 1, Story::Swap),
    kill("handoff.drained", 1, Story::Swap),
    kill("handoff.sealing", 1, Story::Swap),
    kill("handoff.sealed", 1, Story::Swap),
    kill("handoff.attempt", 1, Story::Swap),
    kill("handoff.migrated", 2, Story::Swap),
    kill("handoff.carried", 1, Story::Swap),
    kill("handoff.ready", 1, Story::Swap),
    kill("handoff.committing", 1, Story::Swap),
    kill("handoff.committed", 1, Story::Swap),
    kill("receipt.rooted", 1, Story::Swap),
    kill("receipt.stated", 1, Story::Swap),
    kill("handoff.aborting", 1, Story::Abort),
    kill("handoff.aborted", 1, Story::Abort),
    kill("handoff.draining", 2, Story::Discard),
    kill("handoff.sealed", 2, Story::Discard),
    kill("handoff.exported", 1, Story::Discard),
    kill("handoff.committing", 2, Story::Discard),
    kill("handoff.committed", 2, Story::Discard),
    kill("import.begun", 1, Story::Import),
    kill("import.filled", 1, Story::Import),
    kill("import.committing", 1, Story::Import),
    kill("import.committed", 1, Story::Import),
];

/// Run by the test below in processes of its own.
#[test]
#[ignore = "is killed at the point that it is told"]
fn victim() {
    let Some(part) = Part::given() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(part.live());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_at_each_point_under_load_nothing_is_lost_or_doubled_and_swapping_goes_on() {
    for round in 0..rounds() {
        let directory = tempfile::tempdir().unwrap();
        for (number, kill) in KILLS.iter().enumerate() {
            let about = format!("killed at {}, pass {}, round {round}", kill.point, kill.pass);
            let pass = if kill.story == Story::Calls { kill.pass + 37 * round } else { kill.pass };
            let point = format!("{}:{pass}", kill.point);
            let mut killed = None;
            for attempt in 0..ATTEMPTS {
                let (directory, number) = (directory.path().join("data"), number + attempt * KILLS.len());
                let part = Part { story: kill.story, directory, number };
                part.prepare().await;
                if is_killed(&part, &point) {
                    killed = Some(part);
                    break;
                }
            }
            let part = killed.unwrap_or_else(|| panic!("no victim came there: {about}"));
            part.check(&about).await;
        }
    }
}

/// Runs a victim; says whether it came to the point.
fn is_killed(part: &Part, point: &str) -> bool {
    let status = Command::new(env::current_exe().unwrap())
        .args(["--exact", "crash_points::victim", "--ignored", "--quiet"])
        .env("STEAD_CRASH_AT", point)
        .envs(part.give())
        .output()
        .unwrap()
        .status;
    status.signal() == Some(9)
}

/// Whoever adds a point adds a kill.
#[test]
fn every_point_of_the_runtime_is_killed_at() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/runtime/src");
    let mut points = BTreeSet::new();
    let mut left = vec![sources];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = fs::read_to_string(path).unwrap();
        let names = text.split("crash::point(\"").skip(1).filter_map(|rest| rest.split('"').next());
        points.extend(names.map(str::to_owned));
    }
    let upgraded = crate::upgrade::killed::POINTS.iter().copied();
    let killed: BTreeSet<String> = KILLS.iter().map(|kill| kill.point).chain(upgraded).map(str::to_owned).collect();
    assert_eq!(points, killed);
    assert!(points.len() >= 20, "{}", points.len());
}

fn rounds() -> u64 {
    env::var("STEAD_ROUNDS").map_or(1, |text| text.parse().expect("STEAD_ROUNDS is a number"))
}
