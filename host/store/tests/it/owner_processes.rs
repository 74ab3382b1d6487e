//! One owner, with real processes: killed, forked and orphaned ones, and directories that change under an open store.
//!
//! A test starts this program again to play a role, in a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::{env, fs};

use bytes::Bytes;
use stead_store::disk::DirDisk;
use stead_store::{Change, Durability, OpenError, Options, Recovery, StateId, Store, WriterEpoch, Writes};

fn open(path: &Path) -> Result<(Store, Recovery), OpenError> {
    Store::open(Arc::new(DirDisk::create(path).expect("directory")), Options::default())
}

fn change(key: u8) -> Vec<Change> {
    let writes = Writes::from([(Bytes::from(vec![1, key]), Some(Bytes::from(vec![key])))]);
    vec![Change::Write { state: StateId::CATALOG, epoch: WriterEpoch::FIRST, writes }]
}

fn put(store: &Store, key: u8) {
    store.commit(change(key)).expect("accepted").wait().expect("durable");
}

fn keys(store: &Store) -> Vec<u8> {
    let view = store.view(StateId::CATALOG).expect("the catalog");
    (0..=255).filter(|key| view.get(&[1, *key]).expect("readable").is_some()).collect()
}

/// A process that plays a role and has said that it is ready.
struct Player {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Player {
    fn start(role: &str, dir: &Path) -> Player {
        let mut command = Command::new(env::current_exe().expect("this program"));
        command.args(["--exact", "owner_processes::plays_a_role", "--ignored", "--nocapture"]);
        command.env("STEAD_TEST_ROLE", role).env("STEAD_TEST_DIR", dir);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("started");
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        while line.trim_end() != READY {
            line.clear();
            assert!(stdout.read_line(&mut line).expect("readable") > 0, "{role} ended before it was ready");
        }
        Player { child, stdin, stdout }
    }

    fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }

    /// Lets the process go on, and returns whether it ended well.
    fn finish(mut self) -> bool {
        drop(self.stdin.take());
        self.child.wait().expect("ended").success()
    }
}

const READY: &str = "ready";
/// No copy takes so long, unless it waits for a thread that it does not have.
const COPY_SECONDS_MAX: u32 = 20;

#[test]
#[ignore = "played by the other tests, in processes of their own"]
fn plays_a_role() {
    let dir = PathBuf::from(env::var_os("STEAD_TEST_DIR").expect("a directory"));
    match env::var("STEAD_TEST_ROLE").expect("a role").as_str() {
        "owner" => {
            let (store, _) = open(&dir).expect("open");
            put(&store, 1);
            ready_until_told();
        }
        "forks" => forks(&dir),
        "leaves a child" => {
            let (store, _) = open(&dir).expect("open");
            put(&store, 1);
            let (child, _) = in_a_fork((), |()| ready_until_told());
            // The child lives on; this process ends at once, as after a kill.
            assert!(child > 0);
            std::process::exit(0);
        }
        "closes beside a child" => {
            let (store, _) = open(&dir).expect("open");
            put(&store, 1);
            let (_, store) = in_a_fork(store, |_store| drop(std::io::stdin().read_to_end(&mut Vec::new())));
            store.close().expect("close");
            let (store, _) = open(&dir).expect("the lock was given back, whoever has a copy of it");
            put(&store, 2);
            ready_until_told();
        }
        role => panic!("unknown role {role}"),
    }
}

#[expect(clippy::print_stdout, reason = "how a player says that it is ready")]
fn ready_until_told() {
    println!("\n{READY}");
    std::io::stdin().read_to_end(&mut Vec::new()).expect("the end of the input");
}

/// Hands all of `given` to `work` in a copy of this process, which then ends without any clean-up. Returns the copy's id, and
/// what this process still has of `given`.
#[expect(unsafe_code, reason = "what a fork does to a store can only be seen in a fork")]
fn in_a_fork<T>(given: T, work: impl FnOnce(T)) -> (i32, T) {
    // SAFETY: the copy allocates and uses locks of its own only, which glibc keeps usable after a fork.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: ends the copy should it wait for what is not there.
        unsafe { libc::alarm(COPY_SECONDS_MAX) };
        let outcome = catch_unwind(AssertUnwindSafe(|| work(given)));
        // SAFETY: ends the process at once.
        unsafe { libc::_exit(i32::from(outcome.is_err())) };
    }
    (child, given)
}

/// Whether a copy of this process ended well.
#[expect(unsafe_code, reason = "there is no other way to wait for a fork")]
fn ended_well(child: i32) -> bool {
    let mut status = -1;
    // SAFETY: `status` outlives the call.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    waited == child && status == 0
}

fn forks(dir: &Path) {
    let (store, _) = open(dir).expect("open");
    put(&store, 1);
    let lock = fs::read(dir.join("LOCK")).expect("LOCK");
    let held = [Durability::Synced, Durability::Buffered].map(|durability| {
        let ticket = store.commit_with(change(2), durability).expect("accepted");
        let dropped = store.commit_with(change(3), durability).expect("accepted");
        (ticket, dropped)
    });
    let (child, (store, held)) = in_a_fork((store, held), |(store, held)| {
        for (ticket, dropped) in held {
            ticket.wait().expect_err("a copy acknowledges nothing");
            drop(dropped);
        }
        let refused = store.commit(change(9)).expect_err("a copy commits nothing");
        assert_eq!(refused.kind(), "forked", "{refused}");
        assert_eq!(store.checkpoint().expect_err("refused").kind(), "forked");
        assert_eq!(store.collect().expect_err("refused").kind(), "forked");
        assert_eq!(store.clone().close().expect_err("refused").kind(), "forked");
        drop(store);
    });
    drop(held);
    assert!(ended_well(child), "the copy saw something else");
    assert_eq!(fs::read(dir.join("LOCK")).expect("LOCK"), lock, "the copy wrote LOCK");
    assert!(matches!(open(dir), Err(OpenError::Locked { .. })), "the copy freed the lock");
    put(&store, 4);
    store.checkpoint().expect("checkpoint");
    ready_until_told();
    store.close().expect("close");
}

#[test]
fn g06_a_killed_owner_leaves_no_lock_and_a_living_one_is_named() {
    let dir = tempfile::tempdir().expect("directory");
    let owner = Player::start("owner", dir.path());
    let Err(OpenError::Locked { owner: named }) = open(dir.path()) else { panic!("two owners") };
    assert!(named.contains(&format!("process {} ", owner.child.id())), "{named}");
    owner.kill();
    let (store, recovery) = open(dir.path()).expect("the lock went with its process");
    assert_eq!((recovery.owner_epoch, recovery.clean), (2, false));
    assert_eq!(keys(&store), [1]);
}

#[test]
fn g06_a_forked_child_neither_commits_nor_acknowledges_nor_ends_the_store() {
    let dir = tempfile::tempdir().expect("directory");
    let player = Player::start("forks", dir.path());
    assert!(player.finish());
    let (store, recovery) = open(dir.path()).expect("open");
    assert!(recovery.clean);
    assert_eq!(keys(&store), [1, 2, 3, 4]);
}

#[test]
fn g06_an_owner_that_closes_frees_the_lock_of_a_child_too() {
    let dir = tempfile::tempdir().expect("directory");
    let player = Player::start("closes beside a child", dir.path());
    assert!(player.finish());
    assert_eq!(keys(&open(dir.path()).expect("open").0), [1, 2]);
}

#[test]
fn g06_a_child_that_outlives_the_owner_keeps_the_lock_and_the_refusal_says_so() {
    let dir = tempfile::tempdir().expect("directory");
    let mut player = Player::start("leaves a child", dir.path());
    player.child.wait().expect("the owner ended");
    let Err(OpenError::Locked { owner }) = open(dir.path()) else { panic!("the child's lock was not seen") };
    assert!(owner.contains("or by one that it started"), "{owner}");
    drop(player.stdin.take());
    // The output ends with the last process that has it open.
    player.stdout.read_to_end(&mut Vec::new()).expect("the child ended");
    let (store, _) = open(dir.path()).expect("the lock went with the child");
    assert_eq!(keys(&store), [1]);
}

#[test]
fn g06_a_directory_that_is_renamed_stays_owned() {
    let dir = tempfile::tempdir().expect("directory");
    let (before, after) = (dir.path().join("before"), dir.path().join("after"));
    let (store, _) = open(&before).expect("open");
    put(&store, 1);
    fs::rename(&before, &after).expect("renamed");
    put(&store, 2);
    store.checkpoint().expect("checkpoint");
    assert!(matches!(open(&after), Err(OpenError::Locked { .. })));
    store.close().expect("close");
    assert!(!before.exists(), "nothing is written by the old name");
    assert_eq!(keys(&open(&after).expect("open").0), [1, 2]);
}

#[test]
fn g06_a_copy_of_an_open_directory_is_a_store_of_its_own_or_refused() {
    let dir = tempfile::tempdir().expect("directory");
    let (original, copy) = (dir.path().join("original"), dir.path().join("copy"));
    let (store, _) = open(&original).expect("open");
    put(&store, 0);
    for round in 1..9 {
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| (0..20).for_each(|step| put(&store, round * 20 + step)));
            copy_all(&original, &copy);
            writer.join().expect("no panic");
        });
        match open(&copy) {
            Ok((copied, _)) => {
                let keys = keys(&copied);
                assert!(keys.contains(&0), "what was durable before the copy began is in it");
                assert!(keys.windows(2).all(|pair| pair[0] == 0 || pair[1] == pair[0] + 1), "no prefix: {keys:?}");
                put(&copied, 255);
            }
            Err(error) => assert_eq!(error.kind(), "damaged", "{error}"),
        }
        fs::remove_dir_all(&copy).expect("removed");
    }
    put(&store, 1);
    assert!(!keys(&store).contains(&255));
    store.close().expect("the original is still owned");
    let expected: Vec<u8> = [0, 1].into_iter().chain(20..180).collect();
    assert_eq!(keys(&open(&original).expect("open").0), expected);
}

/// `cp -r`.
fn copy_all(from: &Path, to: &Path) {
    fs::create_dir(to).expect("created");
    for entry in fs::read_dir(from).expect("listed") {
        let entry = entry.expect("listed");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("known").is_dir() {
            copy_all(&entry.path(), &to);
        } else if let Err(error) = fs::copy(entry.path(), &to) {
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
        }
    }
}

#[test]
fn g06_an_owner_whose_lock_file_is_removed_never_acknowledges_again() {
    for durability in [Durability::Synced, Durability::Buffered] {
        let dir = tempfile::tempdir().expect("directory");
        let (first, _) = open(dir.path()).expect("open");
        put(&first, 1);
        fs::remove_file(dir.path().join("LOCK")).expect("removed");
        let (second, recovery) = open(dir.path()).expect("the directory looks free");
        assert_eq!(recovery.owner_epoch, 2);
        put(&second, 2);
        let outcome = first.commit_with(change(3), durability).expect("accepted").wait();
        let error = outcome.expect_err("the first owner acknowledged a commit");
        assert!(error.reason.contains("LOCK file was removed or replaced"), "{error}");
        assert_eq!(first.commit(change(3)).expect_err("refused").kind(), "poisoned");
        drop(first);
        put(&second, 4);
        assert!(matches!(open(dir.path()), Err(OpenError::Locked { .. })), "the first owner freed the second's lock");
        drop(second);
        assert_eq!(keys(&open(dir.path()).expect("open").0), [1, 2, 4]);
    }
}

#[test]
fn g06_an_owner_whose_lock_file_is_replaced_never_acknowledges_again() {
    let dir = tempfile::tempdir().expect("directory");
    let (store, _) = open(dir.path()).expect("open");
    put(&store, 1);
    // The same words in another file.
    fs::copy(dir.path().join("LOCK"), dir.path().join("other")).expect("copied");
    fs::rename(dir.path().join("other"), dir.path().join("LOCK")).expect("replaced");
    let error = store.commit(change(2)).expect("accepted").wait().expect_err("acknowledged");
    assert!(error.reason.contains("removed or replaced"), "{error}");
}
