//! Golden bytes of the records that say what is kept.

use super::record::{Anchor, Frame, Header, Kind, PackDrop, Record, encode};
use crate::pack::PackId;
use crate::store::{CommitNumber, WriterEpoch};
use crate::tree::Tree;

const COMMIT: CommitNumber = CommitNumber(700);

fn anchor(kept_from: CommitNumber) -> Anchor {
    let (last, held) = (CommitNumber(3), CommitNumber(4));
    let catalog = Header { tree: Tree::EMPTY, epoch: WriterEpoch(1), commits: 2, last, held };
    let packs = vec![PackId(5), PackId(6)];
    Anchor { commit: COMMIT, replay_segment: 8, catalog, owner_epoch: 9, next_state: 10, packs, kept_from }
}

fn pack_drop(kept_from: CommitNumber) -> PackDrop {
    PackDrop { added: Some(PackId(5)), dropped: vec![PackId(6)], kept_from }
}

fn check(bytes: &[u8], expected: &str) {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, expected);
}

/// The record as version 1 wrote it: without the last number, which takes two bytes here.
fn as_version_1(record: &[u8]) -> Vec<u8> {
    let mut older = record[..record.len() - 2].to_vec();
    (older[0], older[5]) = (older[0] - 2, 1);
    older
}

fn read(record: &[u8]) -> Record<'_> {
    Frame::take(&mut &record[..]).expect("a frame").record().expect("a record")
}

#[test]
fn an_anchor_is_byte_for_byte_and_version_1_kept_nothing_before_it() {
    let kept_from = CommitNumber(300);
    let record = encode(Kind::Checkpoint, COMMIT, &anchor(kept_from));
    check(&record, "1200000004020000bc02000000000000bc05080000000001020304090a020506ac02");
    assert_eq!(read(&record), Record::Checkpoint(anchor(kept_from)));
    assert_eq!(read(&as_version_1(&record)), Record::Checkpoint(anchor(COMMIT)));
}

#[test]
fn a_pack_drop_is_byte_for_byte_and_version_1_is_read() {
    let kept_from = CommitNumber(300);
    let record = encode(Kind::PackDrop, COMMIT, &pack_drop(kept_from));
    check(&record, "0600000005020000bc0200000000000001050106ac02");
    assert_eq!(read(&record), Record::PackDrop(pack_drop(kept_from)));
    assert_eq!(read(&as_version_1(&record)), Record::PackDrop(pack_drop(CommitNumber(0))));
}
