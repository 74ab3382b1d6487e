//! What must hold whatever went on.

use std::collections::BTreeMap;

use stead_runtime::{Call, Host};

use super::{Answer, CLIENTS, Seen, call, key};
use crate::harness::{number, returned, text};

/// Asks for every answer again, and once for the call that each client was in. Every answer is there as it was, or was
/// undone where that may be; those that are left count each client's key up from one without a gap, and that is what the
/// state says. Returns with which sequence number each client goes on.
pub(crate) async fn check(
    host: &Host,
    plugin: &str,
    seen: &Seen,
    may_be_undone: bool,
    about: &str,
) -> BTreeMap<u64, u64> {
    let (mut next, mut sum) = (BTreeMap::new(), 0);
    for client in 0..CLIENTS {
        let own = seen.of(client);
        let under_way = own.keys().next_back().map_or(1, |last| last + 1);
        let (mut count, mut undone) = (0, 0);
        for sequence in 1..=under_way {
            let about = format!("call {client}/{sequence} of {plugin}, {about}");
            let reply = match host.call(call(plugin, client, sequence)).await {
                Ok(reply) => reply,
                Err(error) if may_be_undone && error.kind() == "undone" => {
                    undone += 1;
                    continue;
                }
                Err(error) => panic!("{about}: {error}"),
            };
            let answer = Answer::of(&reply);
            match own.get(&sequence) {
                Some(seen) => {
                    assert!(reply.replayed, "was acknowledged and ran again: {about}");
                    assert_eq!(answer, *seen, "{about}");
                }
                // The clients go on behind it.
                None => seen.add(client, sequence, &Ok(reply)),
            }
            if let Answer::Count(counted) = answer {
                count += 1;
                assert_eq!(counted, count, "a call was lost or doubled ({undone} were undone): {about}");
            }
        }
        let call = Call::new(plugin, "count-of", vec![text(&key(client))]);
        assert_eq!(number(returned(host.call(call).await)), count, "of client {client} of {plugin}, {about}");
        sum += count;
        next.insert(client, under_way + 1);
    }
    let total = number(returned(host.call(Call::new(plugin, "total", vec![])).await));
    assert_eq!(total, sum, "{plugin}, {about}");
    next
}
