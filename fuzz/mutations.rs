//! Seeds, and deterministic damage to them: what the fuzzer does by the million, a test does by the thousand. The tests
//! of the store, the schema and receipts include this file.

use std::fs;
use std::path::PathBuf;

/// Numbers that lengths, counts and versions break at.
const NUMBERS: [u64; 10] = [0, 1, 2, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX];

/// An interpreter is a thousand times slower; it looks for other things than the changes do.
const TIMES_INTERPRETED: u64 = 2;

/// Calls a target with every seed of its folder, with every `fresh` one, and with `times` changed forms of each.
pub(crate) fn check(target: &'static str, fresh: Vec<(String, Vec<u8>)>, times: u64, run: fn(&[u8])) {
    let seeds: Vec<(String, Vec<u8>)> = committed(target).into_iter().chain(fresh).collect();
    assert!(!seeds.is_empty(), "{target} has no seeds");
    let times = if cfg!(miri) { TIMES_INTERPRETED } else { times };
    for (index, (name, seed)) in seeds.iter().enumerate() {
        for round in 0..=times {
            let input = match round {
                0 => seed.clone(),
                _ => Mutator::new(index as u64, round).mutated(seed, &seeds),
            };
            let _failing = Failing { target, name, round, input: &input };
            run(&input);
        }
    }
}

/// Writes seeds to a target's folder, for the fuzzer to start from and for later releases to read. Their names tell their
/// contents apart, so those of earlier formats stay.
pub(crate) fn commit(target: &str, seeds: Vec<(String, Vec<u8>)>) {
    let folder = folder(target);
    fs::create_dir_all(&folder).expect("the folder of the seeds");
    for (name, seed) in seeds {
        let hash = blake3::hash(&seed).to_hex();
        fs::write(folder.join(format!("{name}-{}", &hash[..8])), seed).expect("a seed is written");
    }
}

fn folder(target: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "..", "fuzz", "seeds", target].iter().collect()
}

fn committed(target: &str) -> Vec<(String, Vec<u8>)> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder(target))
        .map(|entries| entries.map(|entry| entry.expect("an entry of the folder").path()).collect())
        .unwrap_or_default();
    paths.sort();
    let named = |path: PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (name, fs::read(&path).expect("a seed is readable"))
    };
    paths.into_iter().map(named).collect()
}

/// Keeps the input that made a target panic.
struct Failing<'a> {
    target: &'static str,
    name: &'a str,
    round: u64,
    input: &'a [u8],
}

impl Drop for Failing<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let path = std::env::temp_dir().join(format!("{}-{}-{}", self.target, self.name, self.round));
            let kept =
                fs::write(&path, self.input).map_or_else(|error| error.to_string(), |()| path.display().to_string());
            eprintln!("{} failed on change {} of the seed {}: {kept}", self.target, self.round, self.name);
        }
    }
}

/// A generator that two numbers decide (SplitMix64).
struct Mutator(u64);

impl Mutator {
    fn new(seed: u64, round: u64) -> Mutator {
        Mutator(seed << 32 | round)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number below `end`; 0 if there is none.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % (end.max(1) as u64)) as usize
    }

    /// One to four changes.
    fn mutated(&mut self, seed: &[u8], seeds: &[(String, Vec<u8>)]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..1 + self.below(4) {
            self.change(&mut bytes, seeds);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, seeds: &[(String, Vec<u8>)]) {
        let near = if self.below(3) > 0 { bytes.len() } else { bytes.len().min(256) };
        let mut at = self.below(near);
        if self.below(4) > 0 {
            // Most zeros are padding.
            at += bytes[at..].iter().position(|byte| *byte != 0).unwrap_or(0);
        }
        let rest = bytes.len() - at;
        match self.below(8) {
            0 | 1 if rest > 0 => bytes[at] ^= 1 << self.below(8),
            2 if rest > 0 => bytes[at] = self.next() as u8,
            3 | 4 => {
                // A number of one to eight bytes, the ends of its range or close to what is there.
                let width = [1, 2, 4, 8][self.below(4)].min(rest);
                let mut word = [0; 8];
                word[..width].copy_from_slice(&bytes[at..at + width]);
                let found = u64::from_le_bytes(word);
                let number = match self.below(3) {
                    0 => found.wrapping_add(self.below(5) as u64).wrapping_sub(2),
                    _ => NUMBERS[self.below(NUMBERS.len())],
                };
                bytes[at..at + width].copy_from_slice(&number.to_le_bytes()[..width]);
            }
            5 => {
                let end = at + self.below(rest.min(64) + 1);
                bytes.drain(at..end);
            }
            6 => {
                let start = self.below(bytes.len());
                let copied = bytes[start..bytes.len().min(start + self.below(64))].to_vec();
                bytes.splice(at..at, copied);
            }
            _ => {
                let other = &seeds[self.below(seeds.len())].1;
                bytes.truncate(at);
                bytes.extend_from_slice(&other[self.below(other.len() + 1)..]);
            }
        }
    }
}
