//! Encoded nodes: every changed bit is noticed, and no bytes do harm.

use proptest::prelude::*;

use super::*;
use crate::tree::node::{self, Value};

/// Encodes a node again from what was decoded.
fn encoded_again(node: &Node) -> Vec<u8> {
    let mut out = vec![];
    node::start_node(node.level(), &mut out);
    for index in 0..node.len() {
        match node.level() {
            0 => node::encode_value(node.key(index), &node.value(index), &mut out),
            _ => node::encode_child(node.key(index), &node.child(index), &mut out),
        }
    }
    node::finish_node(node.len() as u32, &mut out);
    out
}

/// A leaf with values of both kinds, and an inner node.
fn samples() -> Vec<Vec<u8>> {
    let entries =
        (0..120u64).map(|number| (key(number, 300), Some(value(number, if number % 7 == 0 { 1500 } else { 20 }))));
    let mut recorded = Recorded::default();
    Tree::EMPTY.apply(&Shelf::default(), &Ranges::new(), entries, &mut recorded).unwrap();
    let nodes: Vec<Vec<u8>> = recorded.nodes.into_iter().map(|(_, bytes)| bytes).collect();
    vec![nodes[0].clone(), nodes.last().unwrap().clone()]
}

#[test]
fn golden_node() {
    let mut out = vec![];
    node::start_node(0, &mut out);
    node::encode_value(b"key", &Value::Inline(Bytes::from_static(b"value")), &mut out);
    node::encode_value(b"long", &Value::Outside { hash: ValueHash([7; 32]), len: 2000 }, &mut out);
    node::finish_node(2, &mut out);
    let mut expected = b"SN\x01\x00\x02\0\0\0\x03\0\x05\0keyvalue\x04\0\xff\xfflong\xd0\x07\0\0".to_vec();
    expected.extend([7; 32]);
    assert_eq!(out, expected);
    assert_eq!(NodeHash::of(0, &out).to_string(), "a6572dd8d691052659de65a1b6fbbc2827b5a3dc2603f6162d195e08b837c942");
}

#[test]
fn g04_every_flipped_bit_of_a_node_changes_its_hash() {
    for bytes in samples() {
        let level = Node::decode(bytes.clone().into()).unwrap().level();
        let hash = NodeHash::of(level, &bytes);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            // A reader picks the domain by what the index says, leaf or inner.
            assert!(NodeHash::of(0, &flipped) != hash && NodeHash::of(1, &flipped) != hash);
            if let Ok(node) = Node::decode(flipped.clone().into()) {
                assert_eq!(encoded_again(&node), flipped, "there is one encoding of one content");
            }
        }
    }
}

#[test]
fn a_node_cut_off_anywhere_is_refused() {
    for bytes in samples() {
        for end in 0..bytes.len() {
            assert!(Node::decode(Bytes::copy_from_slice(&bytes[..end])).is_err());
        }
    }
}

#[test]
fn refusals_name_what_is_wrong() {
    let check = |change: &dyn Fn(&mut Vec<u8>), offset: usize, what: &str| {
        let mut bytes = vec![];
        node::start_node(0, &mut bytes);
        node::encode_value(b"a", &Value::Inline(Bytes::from_static(b"1")), &mut bytes);
        node::encode_value(b"b", &Value::Outside { hash: ValueHash([1; 32]), len: 1025 }, &mut bytes);
        node::finish_node(2, &mut bytes);
        change(&mut bytes);
        let error = Node::decode(bytes.into()).unwrap_err();
        assert_eq!((error.offset, error.what), (offset, what));
    };
    check(&|bytes| bytes[0] = b'X', 0, "it does not start with a node's magic");
    check(&|bytes| bytes[2] = 2, 2, "its format version is unknown");
    check(&|bytes| bytes[3] = 200, 3, "its level is too high");
    check(&|bytes| bytes[4] = 0, 4, "it has no entries");
    check(&|bytes| bytes[7] = 0xFF, 4, "it names more entries than it has room for");
    check(&|bytes| bytes[18] = b'a', 14, "its keys do not ascend");
    check(&|bytes| bytes[19] = 0, 19, "a value that belongs into the leaf is stored outside");
    check(&|bytes| bytes[22] = 0xFF, 19, "a value is larger than any");
    check(&|bytes| bytes[9] = 0xFF, 8, "a key is too long");
    check(&|bytes| bytes.push(0), 55, "bytes follow its last entry");
    check(&|bytes| bytes.resize(20_000, 0), 0, "it is larger than any node");
    check(&|bytes| bytes.truncate(5), 0, "it is shorter than its header");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = Node::decode(bytes.clone().into());
        // Past the header, too.
        for level in [0, 1] {
            let mut framed = b"SN\x01".to_vec();
            framed.extend([level, 1 + bytes.len() as u8 % 4, 0, 0, 0]);
            framed.extend(&bytes);
            if let Ok(node) = Node::decode(framed.clone().into()) {
                prop_assert_eq!(encoded_again(&node), framed);
            }
        }
    }

    #[test]
    fn changed_bytes_are_refused_or_canonical(at in any::<prop::sample::Index>(), with in prop::collection::vec(any::<u8>(), 1..8), which in 0..2usize) {
        let mut bytes = samples().swap_remove(which);
        let at = at.index(bytes.len());
        let end = bytes.len().min(at + with.len());
        bytes.splice(at..end, with);
        if let Ok(node) = Node::decode(bytes.clone().into()) {
            prop_assert_eq!(encoded_again(&node), bytes);
        }
    }
}
