//! What a victim does until it is killed, and what its parent does before and after.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::path::PathBuf;

use stead_runtime::{Call, Host, ImportMode, ImportOptions};
use stead_test_guests::{EVOLVE_MIGRATE_ERR, EVOLVE_V1, EVOLVE_V2, EVOLVE_V3};

use crate::harness::{deploy, discard, number, open_dir, returned, swap, text, version};
use crate::load::{Load, Seen, check, deploy_for_load};

const STORY: &str = "STEAD_TEST_STORY";
const DIRECTORY: &str = "STEAD_TEST_DIRECTORY";
const NUMBER: &str = "STEAD_TEST_NUMBER";

/// Calls that were answered before anything else happens.
const CALLS_BEFORE: u64 = 60;

/// Of them, answers that a client has seen whenever the kill comes.
const CALLS_SEEN_MIN: usize = 10;

/// What happens beside the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Story {
    /// Nothing.
    Calls,
    /// Another plugin is deployed.
    Deploy,
    /// A swap with a migration and a check.
    Swap,
    /// A swap whose migration gives up.
    Abort,
    /// A swap with a migration, and a rollback that gives up what was written since.
    Discard,
    /// Another plugin takes in an earlier state of its own.
    Import,
}

const STORIES: [Story; 6] = [Story::Calls, Story::Deploy, Story::Swap, Story::Abort, Story::Discard, Story::Import];

/// One kill: a plugin of its own in a directory that many share.
pub(super) struct Part {
    pub(super) story: Story,
    pub(super) directory: PathBuf,
    pub(super) number: usize,
}

impl Part {
    /// What the parent of this process wants of it.
    pub(super) fn given() -> Option<Part> {
        let story = env::var(STORY).ok()?;
        let story = STORIES.into_iter().find(|known| format!("{known:?}") == story).unwrap();
        let number = env::var(NUMBER).unwrap().parse().unwrap();
        Some(Part { story, directory: env::var(DIRECTORY).unwrap().into(), number })
    }

    /// The other way round.
    pub(super) fn give(&self) -> [(&'static str, String); 3] {
        let directory = self.directory.to_str().unwrap().to_owned();
        [(STORY, format!("{:?}", self.story)), (NUMBER, self.number.to_string()), (DIRECTORY, directory)]
    }

    fn plugin(&self) -> String {
        format!("box-{}", self.number)
    }

    fn aside(&self) -> String {
        format!("aside-{}", self.number)
    }

    fn file(&self, ending: &str) -> PathBuf {
        self.directory.with_file_name(format!("{}.{ending}", self.number))
    }

    /// Deploys what the victim calls.
    pub(super) async fn prepare(&self) {
        let host = open_dir(&self.directory).await;
        deploy_for_load(&host, &self.plugin(), EVOLVE_V1).await;
        if self.story == Story::Import {
            deploy(&host, &self.aside(), EVOLVE_V1).await;
            self.bump_aside(&host, &["a", "b", "c"]).await;
            let mut file = Vec::new();
            host.export(&self.aside(), &[]).await.unwrap().write_to(&mut file).unwrap();
            fs::write(self.file("jsonl"), file).unwrap();
            self.bump_aside(&host, &["d", "e"]).await;
        }
        host.close().await.unwrap();
    }

    async fn bump_aside(&self, host: &Host, keys: &[&str]) {
        for key in keys {
            returned(host.call(Call::new(self.aside(), "bump", vec![text(key)])).await);
        }
    }

    /// What the victim does. It is killed before it comes to the end.
    pub(super) async fn live(&self) {
        let (host, plugin) = (open_dir(&self.directory).await, self.plugin());
        let seen = Seen::at(&self.file("answers"));
        let load = Load::start(&host, &plugin, &seen, &BTreeMap::new());
        load.reach(CALLS_BEFORE).await;
        match self.story {
            Story::Calls => load.reach(100_000).await,
            Story::Deploy => deploy(&host, &self.aside(), EVOLVE_V1).await,
            Story::Swap => drop(host.swap(&plugin, EVOLVE_V2, swap()).await),
            Story::Abort => drop(host.swap(&plugin, EVOLVE_MIGRATE_ERR, swap()).await),
            Story::Discard => {
                host.swap(&plugin, EVOLVE_V2, swap()).await.unwrap();
                load.reach(CALLS_BEFORE).await;
                drop(host.rollback(&plugin, discard()).await);
            }
            Story::Import => {
                let file = File::open(self.file("jsonl")).unwrap();
                let options = ImportOptions { mode: ImportMode::Replace, reason: None };
                drop(host.import(&self.aside(), Box::new(file), options).await);
            }
        }
    }

    /// Opens what the kill left, and replaces whatever serves while the clients go on.
    pub(super) async fn check(&self, about: &str) {
        let (host, plugin) = (open_dir(&self.directory).await, self.plugin());
        for plugin in host.list().unwrap() {
            assert!(plugin.handoff.is_none(), "{} still hands over, {about}", plugin.name);
        }
        let (seen, may_be_undone) = (Seen::at(&self.file("answers")), self.story == Story::Discard);
        assert!(seen.failures().is_empty(), "{:?}, {about}", seen.failures());
        assert!(seen.len() >= CALLS_SEEN_MIN, "{} calls, {about}", seen.len());
        let first = check(&host, &plugin, &seen, may_be_undone, about).await;
        self.check_aside(&host, about).await;

        let load = Load::start(&host, &plugin, &seen, &first);
        load.reach(10).await;
        let next = match version(&host, &plugin).await.as_str() {
            "v1" => EVOLVE_V2,
            _ => EVOLVE_V3,
        };
        host.swap(&plugin, next, swap()).await.unwrap_or_else(|error| panic!("{about}: {error}"));
        load.reach(10).await;
        load.stop().await;
        assert!(seen.failures().is_empty(), "{:?}, {about}", seen.failures());
        check(&host, &plugin, &seen, may_be_undone, about).await;
        host.close().await.unwrap();
    }

    /// The other plugin is there whole, or not.
    async fn check_aside(&self, host: &Host, about: &str) {
        let there = host.list().unwrap().iter().any(|plugin| plugin.name == self.aside());
        if !there {
            assert_ne!(self.story, Story::Import, "{about}");
            return;
        }
        let total = number(returned(host.call(Call::new(self.aside(), "total", vec![])).await));
        match self.story {
            Story::Import => assert!([3, 5].contains(&total), "{total}, {about}"),
            _ => assert_eq!(total, 0, "{about}"),
        }
        let count = Call::new(self.aside(), "count-of", vec![text("e")]);
        assert_eq!(number(returned(host.call(count).await)), u64::from(total == 5), "{about}");
    }
}
