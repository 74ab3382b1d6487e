//! What a round goes over: every entry of the old collections, or what differs between two forks of the live state.

use std::ops::Bound;

use bytes::Bytes;
use stead_schema::layout;
use stead_store::{Order, View};

use super::job::Job;
use crate::error::HostError;
use crate::handoff::later::for_each_later;
use crate::limits::UPGRADE_PAGE_BYTES;

/// A key and what is stored under it from now on; none if it is gone.
pub(super) struct Item {
    pub(super) key: Bytes,
    pub(super) stored: Option<Bytes>,
}

/// Some of what a round goes over, in the order of the keys.
#[derive(Default)]
pub(super) struct Page {
    pub(super) items: Vec<Item>,
    bytes: usize,
    /// More follows.
    pub(super) is_cut: bool,
}

impl Page {
    /// Adds an item, unless the page is full.
    fn add(&mut self, key: Bytes, stored: Option<Bytes>) {
        if self.bytes > UPGRADE_PAGE_BYTES {
            self.is_cut = true;
            return;
        }
        self.bytes += key.len() + stored.as_ref().map_or(0, Bytes::len);
        // Copied: a piece of a node would keep all of it.
        let stored = stored.map(|stored| Bytes::copy_from_slice(&stored));
        self.items.push(Item { key: Bytes::copy_from_slice(&key), stored });
    }
}

/// Entries of the old collections after a key.
pub(super) fn entries(job: &Job, base: &View, after: Option<&[u8]>) -> Result<Page, HostError> {
    let mut numbers: Vec<u32> = job.steps.iter().map(|step| step.from.number).collect();
    numbers.sort_unstable();
    let mut page = Page::default();
    for number in numbers {
        let (from, to) = layout::range(number);
        let lower = match after {
            Some(after) if after >= &*to => continue,
            Some(after) if after >= &*from => Bound::Excluded(Bytes::copy_from_slice(after)),
            _ => Bound::Included(from.into()),
        };
        for entry in base.scan(lower, Bound::Excluded(to.into()), Order::Ascending) {
            let (key, stored) = entry?;
            page.add(key, Some(stored));
            if page.is_cut {
                return Ok(page);
            }
        }
    }
    Ok(page)
}

/// How many entries the old collections have.
pub(super) fn count(job: &Job, base: &View) -> Result<u64, HostError> {
    let mut count = 0;
    for step in &job.steps {
        let (from, to) = layout::range(step.from.number);
        count += base.count(Bound::Included(from.into()), Bound::Excluded(to.into()))?;
    }
    Ok(count)
}

/// What differs between two forks after a key, and what of it there is in all.
pub(super) fn differences(before: &View, now: &View, after: Option<&[u8]>) -> Result<(Page, u64), HostError> {
    let (mut page, mut count) = (Page::default(), 0);
    for_each_later(before, now, |later| {
        if after.is_none_or(|after| *later.key > *after) {
            count += 1;
            page.add(later.key, later.after);
        }
        Ok(())
    })?;
    Ok((page, count))
}
