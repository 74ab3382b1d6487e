//! Golden bytes: these formats are on people's disks.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::format::{Batch, HeaderError, Link, SEGMENT_HEADER_BYTES, SegmentHeader, encode_batch, genesis, resembles};
use super::record::{EncodedCommit, Frame, Kind, Ops, Own, Record, What, encode, encode_close};
use crate::limits::BLOCK_BYTES;
use crate::pack::PackId;
use crate::store::{CommitNumber, StateId, WriterEpoch, Writes};
use crate::tree::{NodeHash, Tree};

const HEADER: SegmentHeader =
    SegmentHeader { version: 2, store_id: [1; 16], number: 2, salt: 3, first_batch: 4, chain: [5; 32] };
const LINK: Link = Link { salt: 3, number: 4, chain: [5; 32] };

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_segment_header_is_byte_for_byte() {
    let bytes = HEADER.encode();
    assert_eq!(bytes.len(), SEGMENT_HEADER_BYTES);
    assert_eq!(&bytes[..8], b"STEADJNL");
    assert_eq!(
        hex(&bytes[8..56]),
        "020000000000000001010101010101010101010101010101020000000000000003000000000000000400000000000000"
    );
    assert_eq!(&bytes[56..88], &[5; 32]);
    assert!(bytes[88..4064].iter().all(|byte| *byte == 0));
    assert_eq!(hex(&bytes[4064..]), "91cd57b37b788f78bde16123c6299ec0e96a33b681ac0c33a09efe922f777ec5");
    assert_eq!(SegmentHeader::decode(&bytes), Ok(HEADER));
}

/// A block that starts and ends with these bytes.
fn block(head: &str, tail: &str) -> Vec<u8> {
    let unhex = |text: &str| -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
    };
    let mut bytes = unhex(head);
    bytes.resize(BLOCK_BYTES - 32, 0);
    bytes.extend(unhex(tail));
    bytes
}

#[test]
fn version_1_is_read_as_it_was_written() {
    let fives = "05".repeat(32);
    let header = block(
        &format!(
            "53544541444a4e4c010000000000000001010101010101010101010101010101020000000000000003000000000000000400000000000000{fives}"
        ),
        "dbbef140999e14922f93720e3ea0d6e66ec4476628eed02b21b4ca642f189f19",
    );
    assert_eq!(SegmentHeader::decode(&header), Ok(SegmentHeader { version: 1, ..HEADER }));
    let batch = block(
        &format!(
            "534241540010000003000000000000000400000000000000{fives}010000001000000000000000060100000700000000000000"
        ),
        "c44386cc69cff40755c7c37caf9f0b4dce547ef06bfe940f888f99fcd45d3720",
    );
    let read = Batch::decode(&batch, 1).expect("valid");
    assert!(read.continues(&LINK));
    // Each batch was durable before the next one was written.
    assert_eq!((read.synced, read.count, read.records), (3, 1, &encode_close(CommitNumber(7))[..]));
    assert!(Batch::decode(&batch, 2).is_err(), "a batch belongs to the version of its segment");
}

#[test]
fn a_damaged_header_is_none_and_a_newer_one_is_named() {
    let mut bytes = HEADER.encode();
    bytes[2000] = 1;
    assert_eq!(SegmentHeader::decode(&bytes), Err(HeaderError::Hash));
    bytes[2000] = 0;
    bytes[8] = 9;
    let hash = blake3::hash(&bytes[..4064]);
    bytes[4064..].copy_from_slice(hash.as_bytes());
    assert_eq!(SegmentHeader::decode(&bytes), Err(HeaderError::Newer(9)));
    assert_eq!(SegmentHeader::decode(&bytes[..100]), Err(HeaderError::Magic));
}

#[test]
fn a_batch_is_byte_for_byte() {
    let mut bytes = Vec::new();
    let hash = encode_batch(&mut bytes, &LINK, 2, 1, &encode_close(CommitNumber(7)));
    assert_eq!(bytes.len(), BLOCK_BYTES);
    assert_eq!(hex(&bytes[..24]), "534241540010000003000000000000000400000000000000");
    assert_eq!(&bytes[24..56], &[5; 32]);
    assert_eq!(hex(&bytes[56..88]), "0100000010000000020000000000000000000000060100000700000000000000");
    assert_eq!(hex(&bytes[4064..]), "cceb521f0e7acab8a0801a1815224cf89a5f76e24261af85acc05f2698e626fd");
    let batch = Batch::decode(&bytes, 2).expect("valid");
    assert_eq!((batch.hash, batch.count, batch.synced), (hash, 1, 2));
    assert!(batch.continues(&LINK));
    assert!(!batch.continues(&LINK.next(hash)));
}

#[test]
fn no_single_bit_of_a_batch_can_flip_unnoticed() {
    let mut bytes = Vec::new();
    encode_batch(&mut bytes, &LINK, 2, 1, &encode_close(CommitNumber(7)));
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(Batch::decode(&bytes, 2).is_err(), "bit {bit}");
        assert!(resembles(&bytes, &LINK), "bit {bit} makes the batch look as if it had never been begun");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn a_commit_record_is_byte_for_byte() {
    let writes: Writes = BTreeMap::from([
        (Bytes::from_static(b"gone"), None),
        (Bytes::from_static(b"key"), Some(Bytes::from_static(b"value"))),
    ]);
    let whats = [
        What::Create { state: StateId(3) },
        What::Write { state: StateId(3), epoch: WriterEpoch(1), ops: Ops::of(&writes) },
        What::Fence { state: StateId(300), epoch: WriterEpoch(2) },
    ];
    let mut record = EncodedCommit::new(&whats);
    record.set_number(CommitNumber(7));
    for (part, version) in [1, 1, 9].into_iter().enumerate() {
        record.set_version(part, version);
    }
    assert_eq!(
        hex(record.bytes()),
        "34000000030100000700000000000000030100000000000000000301000000000000000103010204676f6e6500036b6579010576616c7565090000000000000003ac0202"
    );
    let mut rest = record.bytes();
    let frame = Frame::take(&mut rest).expect("a frame");
    assert!(rest.is_empty());
    assert_eq!((frame.kind, frame.number), (Kind::Commit, CommitNumber(7)));
    let Record::Commit(parts) = frame.record().expect("a record") else { panic!("another kind") };
    let decoded: Vec<_> = parts.iter().map(|part| (part.version, part.what.clone())).collect();
    assert_eq!(decoded, [1, 1, 9].into_iter().zip(whats).collect::<Vec<_>>());
}

#[test]
fn a_snapshot_is_byte_for_byte() {
    let record = EncodedCommit::new(&[What::Snapshot { state: StateId(3), to: StateId(300), name: "noon" }]);
    assert_eq!(hex(record.bytes()), "120000000301000000000000000000000100000000000000000603ac02046e6f6f6e");
}

#[test]
fn an_adoption_is_byte_for_byte() {
    let tree = Tree { node: Some(NodeHash([7; 32])), height: 2, entries: 300, bytes: 70_000 };
    let packs = vec![PackId(1), PackId(u64::MAX)];
    let record = EncodedCommit::new(&[What::Adopt { state: StateId(3), tree, packs: packs.clone() }]);
    assert_eq!(
        hex(record.bytes()),
        "3e000000030100000000000000000000010000000000000000070301070707070707070707070707070707070707070707070707070707070707070702ac02f0a2040201ffffffffffffffffff01"
    );
    let frame = Frame::take(&mut record.bytes()).expect("a frame");
    assert_eq!(frame.packs().expect("a record"), packs, "they are opened before it is replayed");
}

#[test]
fn a_clear_is_byte_for_byte() {
    let clears = [
        What::Clear { state: StateId(3), epoch: WriterEpoch(1), from: b"a", to: Some(b"bc") },
        What::Clear { state: StateId(300), epoch: WriterEpoch(2), from: b"", to: None },
    ];
    let record = EncodedCommit::new(&clears);
    assert_eq!(
        hex(&record.bytes()[16..]),
        concat!("02", "0000000000000000", "080301", "0161", "01026263", "0000000000000000", "08ac0202", "00", "00")
    );
    let Record::Commit(parts) = Frame::take(&mut record.bytes()).expect("a frame").record().expect("a record") else {
        panic!("another kind")
    };
    assert_eq!(parts.into_iter().map(|part| part.what).collect::<Vec<_>>(), clears);
}

#[test]
fn a_record_with_bytes_after_its_end_or_of_another_version_is_refused() {
    let own = encode(Kind::Own, CommitNumber(1), &Own { owner_epoch: 5 });
    assert_eq!(hex(&own), "0100000002010000010000000000000005");
    let longer = encode(Kind::Own, CommitNumber(1), &(Own { owner_epoch: 5 }, 0_u8));
    assert!(Frame::take(&mut &longer[..]).expect("a frame").record().is_err());
    let mut newer = own.clone();
    newer[5] = 2;
    assert!(Frame::take(&mut &newer[..]).is_err());
    assert!(Frame::take(&mut &own[..own.len() - 1]).is_err());
}

#[test]
fn the_first_chain_is_bound_to_the_store() {
    assert_eq!(hex(&genesis(&[1; 16])), "bd1c0bb46e8cdea36345ff7e2f2e966ad2fe62459b488fc2514076d9324ee736");
    assert_ne!(genesis(&[1; 16]), genesis(&[2; 16]));
}
