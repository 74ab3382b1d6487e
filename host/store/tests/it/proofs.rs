//! Proofs from a store, checked by one that has no store.

use std::sync::Arc;

use bytes::Bytes;
use stead_store::disk::sim::SimDisk;
use stead_store::{Change, Proof, ProofError, Proven, Root, Store, WriterEpoch, Writes};

use crate::model::options;

fn key(number: u64) -> Bytes {
    format!("key {number:05}").into()
}

/// What a stranger makes of a proof that came as bytes.
fn proven(proof: &[u8], root: &str, key: &[u8]) -> Result<Proven, ProofError> {
    let root: Root = root.parse().expect("a root");
    Proof::decode(proof)?.verify(&root, key)
}

#[test]
fn g04_a_stranger_with_the_root_alone_can_check_a_key() {
    let (store, _) = Store::open(Arc::new(SimDisk::new(1)), options()).expect("open");
    let state = store.new_state();
    let epoch = WriterEpoch::FIRST;
    let writes: Writes = (0..2000).map(|number| (key(number), Some(vec![number as u8; 90].into()))).collect();
    store
        .commit(vec![Change::Create { state }, Change::Write { state, epoch, writes }])
        .expect("commit")
        .wait()
        .expect("durable");
    let outside = Bytes::from(vec![7; 100_000]);
    let keys = [key(1), key(77), key(1500), key(3000), Bytes::new()];
    let mut before: Option<(String, Vec<u8>)> = None;
    for round in 0..3u8 {
        let writes =
            Writes::from([(key(1), None), (key(77), Some(outside.clone())), (key(1500), Some(vec![round].into()))]);
        store.commit(vec![Change::Write { state, epoch, writes }]).expect("commit").wait().expect("durable");
        let view = store.view(state).expect("state");
        let root = view.root().expect("root").to_string();
        let prove = || keys.each_ref().map(|key| store.view(state).expect("state").prove(key).expect("proof").encode());
        let proofs = prove();
        assert_eq!(proven(&proofs[0], &root, &keys[0]), Ok(Proven::Absent));
        match proven(&proofs[1], &root, &keys[1]) {
            Ok(Proven::PresentOutside(value)) => assert!(value.is(&outside) && !value.is(&outside[1..])),
            other => panic!("{other:?}"),
        }
        assert_eq!(proven(&proofs[2], &root, &keys[2]), Ok(Proven::Present(vec![round].into())));
        assert_eq!(proven(&proofs[3], &root, &keys[3]), Ok(Proven::Absent));
        assert_eq!(proven(&proofs[4], &root, &keys[4]), Ok(Proven::Absent));
        // A checkpoint moves nodes to disk; it changes no byte of a proof.
        store.checkpoint().expect("checkpoint");
        assert_eq!(prove(), proofs);
        if let Some((root_before, proof_before)) = before {
            assert_eq!(proven(&proof_before, &root, &keys[2]).expect_err("the past").kind(), "other-root");
            assert_eq!(proven(&proof_before, &root_before, &keys[2]), Ok(Proven::Present(vec![round - 1].into())));
        }
        before = Some((root, proofs[2].clone()));
    }
}
