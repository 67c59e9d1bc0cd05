//! Random uploads, references, looks and reopenings against a model of three maps: what a look
//! found named stays, as does what was kept since, and nothing goes before its time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use futures::executor::block_on;
use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;
use wforge_model::{Digest, Timestamp};
use wforge_ports::store::{BlobPage, BlobSweep};
use wforge_store::{MemoryStore, SledOptions, SledStore, StoreParts};
use wforge_testkit::store::{Backend, make};

use crate::entropy;

const GRACE_MS: u64 = 100;

#[derive(Debug, Clone)]
enum Act {
    /// A blob is kept, maybe again.
    Keep { blob: u8 },
    /// A document names a blob, another than before or none.
    Name { document: u8, blob: Option<u8> },
    /// Time passes.
    Wait { ms: u64 },
    /// A look; what happens before its end happened after it looked.
    Look,
    /// What follows from the last look.
    Sweep,
    /// The process ends.
    End,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (0..4_u8).prop_map(|blob| Act::Keep { blob }),
        4 => (0..2_u8, prop::option::weighted(0.6, 0..4_u8))
            .prop_map(|(document, blob)| Act::Name { document, blob }),
        4 => (1..80_u64).prop_map(|ms| Act::Wait { ms }),
        5 => Just(Act::Look),
        5 => Just(Act::Sweep),
        1 => Just(Act::End),
    ];
    proptest::collection::vec(act, 1..60)
}

#[derive(Debug, Default)]
struct Model {
    now: u64,
    kept: BTreeSet<u8>,
    noted: BTreeMap<u8, u64>,
    named_by: BTreeMap<u8, u8>,
    look: Option<BlobPage>,
}

/// One in four is kept in a file.
fn bytes(blob: u8) -> Vec<u8> {
    let size = if blob == 0 { 300_000 } else { 50 };
    format!("{blob}{}", make::text(size)).into_bytes()
}

fn digest(blob: u8) -> Digest {
    use sha2::Digest as _;
    Digest::from_bytes(sha2::Sha256::digest(bytes(blob)).into())
}

impl Model {
    fn act(&mut self, store: &dyn Backend, act: &Act) {
        let acme = make::tenant("acme");
        match act {
            Act::Keep { blob } => {
                assert_eq!(block_on(store.put_blob(&acme, bytes(*blob))).unwrap(), digest(*blob));
                self.kept.insert(*blob);
                self.noted.remove(blob);
            }
            Act::Name { document, blob } => {
                let value = blob.map(|blob| json!([{ "$blob": digest(blob) }]));
                let put = make::put(&document.to_string(), value);
                block_on(store.change(make::change(&acme, None, vec![put]))).unwrap();
                // Whoever names it takes away the note that nobody does.
                self.noted.retain(|noted, _| Some(*noted) != *blob);
                match blob {
                    Some(blob) => self.named_by.insert(*document, *blob),
                    None => self.named_by.remove(document),
                };
            }
            Act::Wait { ms } => self.now += ms,
            Act::Look => {
                let page = block_on(store.blobs(&acme, None, 99, Timestamp(self.now))).unwrap();
                self.check(&page);
                self.look = Some(page);
            }
            Act::Sweep => self.sweep(store),
            Act::End => {}
        }
    }

    /// What a look must find.
    fn check(&self, page: &BlobPage) {
        let found: BTreeMap<Digest, (bool, Option<u64>)> = page
            .blobs
            .iter()
            .map(|blob| (blob.digest, (blob.is_named, blob.unnamed_since.map(|at| at.0))))
            .collect();
        let named: BTreeSet<u8> = self.named_by.values().copied().collect();
        let expected: BTreeMap<Digest, (bool, Option<u64>)> = self
            .kept
            .iter()
            .map(|blob| (digest(*blob), (named.contains(blob), self.noted.get(blob).copied())))
            .collect();
        assert_eq!(found, expected);
    }

    fn sweep(&mut self, store: &dyn Backend) {
        let Some(look) = self.look.take() else { return };
        let of = |is_named| {
            let blobs = look.blobs.iter().filter(move |blob| blob.is_named == is_named);
            blobs.map(|blob| blob.digest).collect::<Vec<_>>()
        };
        let (named, unnamed) = (of(true), of(false));
        let noted_by = self.now.saturating_sub(GRACE_MS);
        let mut expected = Vec::new();
        for blob in self.kept.clone() {
            if named.contains(&digest(blob)) {
                self.noted.remove(&blob);
            } else if unnamed.contains(&digest(blob)) {
                let noted = *self.noted.entry(blob).or_insert(self.now);
                if noted <= noted_by && noted < self.now {
                    expected.push(digest(blob));
                    self.kept.remove(&blob);
                    self.noted.remove(&blob);
                }
            }
        }
        expected.sort();
        let (tenant, now) = (make::tenant("acme"), Timestamp(self.now));
        let sweep = BlobSweep { tenant, named, unnamed, now, noted_by: Timestamp(noted_by) };
        assert_eq!(block_on(store.sweep_blobs(sweep)).unwrap(), expected);
    }

    fn check_blobs(&self, store: &dyn Backend) {
        for blob in 0..4 {
            let found = block_on(store.blob(&make::tenant("acme"), digest(blob))).unwrap();
            assert!(found == self.kept.contains(&blob).then(|| bytes(blob)), "blob {blob}");
        }
    }
}

fn check(acts: &[Act], persists: bool, open: &dyn Fn(&Path) -> Box<dyn Backend>) {
    let dir = TempDir::new().unwrap();
    let mut model = Model { now: 1_000, ..Model::default() };
    let mut store = Some(open(dir.path()));
    for act in acts {
        if matches!(act, Act::End) && persists {
            drop(store.take());
            store = Some(open(dir.path()));
        }
        model.act(store.as_deref().unwrap(), act);
    }
    model.check_blobs(store.as_deref().unwrap());
    model.act(store.as_deref().unwrap(), &Act::Look);
}

fn sled(dir: &Path) -> Box<dyn Backend> {
    let options = SledOptions { copy_bytes_max: 0, cache_bytes: 4 << 20, ..SledOptions::default() };
    Box::new(SledStore::open(dir, options, entropy()).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn memory_keeps_what_is_named_and_removes_what_is_not(acts in acts()) {
        check(&acts, false, &|_| Box::new(MemoryStore::new(StoreParts { entropy: entropy() })));
    }

    #[test]
    fn sled_keeps_what_is_named_and_removes_what_is_not_over_reopenings(acts in acts()) {
        check(&acts, true, &sled);
    }
}
