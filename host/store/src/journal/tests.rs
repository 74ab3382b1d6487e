//! Golden bytes: these formats are on people's disks.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::format::{Batch, HeaderError, Link, SEGMENT_HEADER_BYTES, SegmentHeader, encode_batch, genesis, resembles};
use super::record::{EncodedCommit, Frame, Kind, Ops, Own, Record, What, encode, encode_close};
use crate::limits::BLOCK_BYTES;
use crate::store::{CommitNumber, StateId, WriterEpoch, Writes};

const HEADER: SegmentHeader = SegmentHeader { store_id: [1; 16], number: 2, salt: 3, first_batch: 4, chain: [5; 32] };
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
        "010000000000000001010101010101010101010101010101020000000000000003000000000000000400000000000000"
    );
    assert_eq!(&bytes[56..88], &[5; 32]);
    assert!(bytes[88..4064].iter().all(|byte| *byte == 0));
    assert_eq!(hex(&bytes[4064..]), "dbbef140999e14922f93720e3ea0d6e66ec4476628eed02b21b4ca642f189f19");
    assert_eq!(SegmentHeader::decode(&bytes), Ok(HEADER));
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
    let hash = encode_batch(&mut bytes, &LINK, 1, &encode_close(CommitNumber(7)));
    assert_eq!(bytes.len(), BLOCK_BYTES);
    assert_eq!(hex(&bytes[..24]), "534241540010000003000000000000000400000000000000");
    assert_eq!(&bytes[24..56], &[5; 32]);
    assert_eq!(hex(&bytes[56..80]), "010000001000000000000000060100000700000000000000");
    assert_eq!(hex(&bytes[4064..]), "c44386cc69cff40755c7c37caf9f0b4dce547ef06bfe940f888f99fcd45d3720");
    let batch = Batch::decode(&bytes).expect("valid");
    assert_eq!((batch.hash, batch.count), (hash, 1));
    assert!(batch.continues(&LINK));
    assert!(!batch.continues(&LINK.next(hash)));
}

#[test]
fn no_single_bit_of_a_batch_can_flip_unnoticed() {
    let mut bytes = Vec::new();
    encode_batch(&mut bytes, &LINK, 1, &encode_close(CommitNumber(7)));
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(Batch::decode(&bytes).is_err(), "bit {bit}");
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
