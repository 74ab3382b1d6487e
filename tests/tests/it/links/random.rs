//! Random scripts over the diamond from many callers at once, against a model of plain maps. Each caller has keys of its own,
//! so that what its calls give does not depend on the others; that they do not hold each other for ever is part of the test.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use stead_runtime::{Call, SwapOptions};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{LINK_LEAF, LINK_LEFT, LINK_RIGHT, LINK_TOP};

use super::{DIAMOND, Ran, diamond, numbers, ran, script};
use crate::harness::open;

const CALLERS: u64 = 4;
const CALLS: usize = 40;

/// One command of a script.
#[derive(Clone, Debug)]
enum Command {
    Set(String, u64),
    Get(String),
    Call(&'static str, Vec<Command>),
    Try(&'static str, Vec<Command>),
    Err,
    Trap,
}

/// The numbers of each plugin.
type Model = BTreeMap<&'static str, BTreeMap<String, u64>>;

/// How a run ends that does not return.
#[derive(Debug, PartialEq, Eq)]
enum Stop {
    Err(u64),
    Trap,
}

fn run(model: &mut Model, plugin: &'static str, commands: &[Command]) -> Result<u64, Stop> {
    let mut sum = 0;
    for command in commands {
        match command {
            Command::Set(key, value) => {
                model.entry(plugin).or_default().insert(key.clone(), *value);
            }
            Command::Get(key) => sum += model.entry(plugin).or_default().get(key).copied().unwrap_or(0),
            Command::Call(callee, commands) | Command::Try(callee, commands) => {
                let before = model.clone();
                match (run(model, callee, commands), command) {
                    (Ok(there), _) => sum += there,
                    (Err(Stop::Err(_)), Command::Try(..)) => *model = before,
                    (Err(stop), _) => return Err(stop),
                }
            }
            Command::Err => return Err(Stop::Err(sum)),
            Command::Trap => return Err(Stop::Trap),
        }
    }
    Ok(sum)
}

fn text(commands: &[Command]) -> String {
    let mut script = String::new();
    for command in commands {
        let _ = match command {
            Command::Set(key, value) => write!(script, "(set {key} {value})"),
            Command::Get(key) => write!(script, "(get {key})"),
            Command::Call(callee, commands) => write!(script, "({callee} {})", text(commands)),
            Command::Try(callee, commands) => write!(script, "(try {callee} {})", text(commands)),
            Command::Err => write!(script, "(err)"),
            Command::Trap => write!(script, "(trap)"),
        };
    }
    script
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn commands(&mut self, plugin: &str, caller: u64, depth: u32) -> Vec<Command> {
        let callees: &[&str] = match plugin {
            "top" => &["left", "right", "leaf"],
            "left" | "right" => &["leaf"],
            _ => &[],
        };
        let key = |random: &mut Random| format!("{caller}-{}", random.below(3));
        let count = 1 + self.below(4);
        let command = |_| match self.below(if depth < 3 && !callees.is_empty() { 13 } else { 7 }) {
            0..=2 => Command::Set(key(self), self.below(1_000)),
            3..=5 => Command::Get(key(self)),
            6 if self.below(4) == 0 => Command::Err,
            6 if self.below(8) == 0 => Command::Trap,
            6 => Command::Get(key(self)),
            pick => {
                let callee = ["left", "right", "leaf"][self.below(3) as usize];
                let callee = if callees.contains(&callee) { callee } else { "leaf" };
                let commands = self.commands(callee, caller, depth + 1);
                if pick < 10 { Command::Call(callee, commands) } else { Command::Try(callee, commands) }
            }
        };
        (0..count).map(command).collect()
    }
}

/// What one caller's calls leave behind.
async fn caller(host: stead_runtime::Host, seed: u64, caller: u64) -> Model {
    let (mut random, mut model) = (Random((seed << 8 | caller).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1), Model::new());
    for place in 0..CALLS {
        let plugin = DIAMOND[random.below(4) as usize];
        let commands = random.commands(plugin, caller, 0);
        let before = model.clone();
        let expected = run(&mut model, plugin, &commands);
        let text = text(&commands);
        let call = Call { deadline: Some(Duration::from_secs(120)), ..script(plugin, &text) };
        let reply = ran(&host, call).await;
        let fits = match (&expected, &reply) {
            (Ok(sum), Ok(Ran::Ok(there, _))) => sum == there,
            (Err(Stop::Err(sum)), Ok(Ran::Err(reason))) => *reason == format!("err after {sum}"),
            (Err(Stop::Trap), Err(error)) => error.kind() == "trapped",
            _ => false,
        };
        assert!(fits, "seed {seed}, caller {caller}, call {place} at {plugin}: {text}\n{expected:?}, but {reply:?}");
        if expected.is_err() {
            model = before;
        }
        if place % 7 == 0 {
            // What is read, in every plugin at once, is what the model says.
            let commands = reads(caller);
            let expected = run(&mut model.clone(), "top", &commands);
            let reply = ran(&host, script("top", &self::text(&commands)).read_only()).await;
            assert!(
                matches!((&expected, &reply), (Ok(sum), Ok(Ran::Ok(there, _))) if sum == there),
                "{expected:?}, {reply:?}"
            );
        }
    }
    model
}

/// Reads all of a caller's keys, in the top and in everybody that it calls.
fn reads(caller: u64) -> Vec<Command> {
    let gets = || (0..3).map(|n| Command::Get(format!("{caller}-{n}"))).collect::<Vec<_>>();
    let calls = ["left", "right", "leaf"].map(|callee| Command::Call(callee, gets()));
    gets().into_iter().chain(calls).collect()
}

async fn round(seed: u64) {
    let (host, _) = open(&SimDisk::new(seed)).await;
    diamond(&host).await;
    let callers: Vec<_> = (0..CALLERS).map(|number| tokio::spawn(caller(host.clone(), seed, number))).collect();
    // Versions change hands meanwhile, alone and together.
    for (plugin, wasm) in [("leaf", LINK_LEAF), ("top", LINK_TOP), ("left", LINK_LEFT), ("right", LINK_RIGHT)] {
        host.swap(plugin, wasm, SwapOptions::default()).await.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
    let mut expected = Model::new();
    for caller in callers {
        for (plugin, numbers) in caller.await.expect("a caller") {
            expected.entry(plugin).or_default().extend(numbers);
        }
    }
    for plugin in DIAMOND {
        assert_eq!(numbers(&host, plugin), expected.remove(plugin).unwrap_or_default(), "seed {seed}, {plugin}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g01_g03_random_calls_over_a_diamond_are_what_a_model_says() {
    let seeds = std::env::var("STEAD_LINK_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(3);
    for seed in 1..=seeds {
        round(seed).await;
    }
}
