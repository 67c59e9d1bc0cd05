//! The nodes that nobody needs to serve, since the mock agent was told to do them wherever a run
//! reaches them.

use std::collections::{BTreeMap, BTreeSet};

use wforge_model::mock::MockAnswer;
use wforge_model::{Digest, NodeId, NodePath};

use crate::resolve::Resolved;

/// Nodes by their workflow; none: the run's own.
pub(crate) type Mocked = BTreeMap<Option<Digest>, BTreeSet<NodeId>>;

/// A workflow that several nodes run is reached on several ways, and each needs its mock.
pub(crate) fn mocked(resolved: &Resolved, mocks: &BTreeMap<NodePath, MockAnswer>) -> Mocked {
    let mut ways: BTreeMap<(Option<Digest>, &NodeId), usize> = BTreeMap::new();
    for path in mocks.keys() {
        if let Some(place) = place_of(resolved, path) {
            *ways.entry((place, path.node())).or_default() += 1;
        }
    }
    let mut mocked = Mocked::new();
    for ((place, node), mocked_ways) in ways {
        let everywhere = match place {
            None => true,
            Some(digest) => {
                ways_to(resolved, digest, mocked_ways, &mut Vec::new()) == Some(mocked_ways)
            }
        };
        if everywhere {
            mocked.entry(place).or_default().insert(node.clone());
        }
    }
    mocked
}

fn place_of(resolved: &Resolved, path: &NodePath) -> Option<Option<Digest>> {
    let mut uses = &resolved.root.uses;
    let mut place = None;
    for node in path.around() {
        let digest = *uses.get(node)?;
        uses = &resolved.parts.get(&digest)?.uses;
        place = Some(digest);
    }
    Some(place)
}

/// On how many ways a run reaches a workflow; none: on more than `most`, or on ever longer ones.
fn ways_to(
    resolved: &Resolved,
    digest: Digest,
    most: usize,
    below: &mut Vec<Digest>,
) -> Option<usize> {
    if below.contains(&digest) {
        return None;
    }
    let by =
        |uses: &BTreeMap<NodeId, Digest>| uses.values().filter(|used| **used == digest).count();
    // What handles a failure is a run of its own, for which nothing is mocked.
    let mut ways = by(&resolved.root.uses) + usize::from(resolved.on_failure == Some(digest));
    below.push(digest);
    for (around, part) in &resolved.parts {
        let uses = by(&part.uses);
        if uses > 0 {
            let outer = ways_to(resolved, *around, most, below)?;
            ways = ways.saturating_add(uses.saturating_mul(outer));
        }
        if ways > most {
            return None;
        }
    }
    below.pop();
    (ways <= most).then_some(ways)
}
