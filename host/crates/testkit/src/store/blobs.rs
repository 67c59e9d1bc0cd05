//! Blobs.

use wforge_model::Digest;

use super::Bench;
use super::make::{tenant, text};

/// SHA-256 of `abc`, from FIPS 180-4.
const ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// The digest is the SHA-256 of the bytes themselves.
pub async fn the_same_bytes_are_one_blob(bench: &mut Bench) {
    let (acme, store) = (tenant("acme"), bench.store());
    let digest = store.put_blob(&acme, b"abc".to_vec()).await.unwrap();
    assert_eq!(digest.to_string(), ABC);
    assert_eq!(store.put_blob(&acme, b"abc".to_vec()).await.unwrap(), digest);
    assert_eq!(store.blob(&acme, digest).await.unwrap(), Some(b"abc".to_vec()));
    let large = text(600_000).into_bytes();
    let twice = [large.clone(), large.clone()];
    let [one, two] = twice.map(|bytes| store.put_blob(&acme, bytes));
    let (one, two) = futures::join!(one, two);
    let digest = one.unwrap();
    assert_eq!(digest, two.unwrap());
    assert_eq!(store.blob(&acme, digest).await.unwrap(), Some(large));
}

/// From nothing to beyond every border at which a store keeps them otherwise.
pub async fn blobs_of_all_sizes_come_back(bench: &mut Bench) {
    let acme = tenant("acme");
    for bytes in super::values::SIZES {
        let blob = text(bytes).into_bytes();
        let digest = bench.store().put_blob(&acme, blob.clone()).await.unwrap();
        let found = bench.store().blob(&acme, digest).await.unwrap();
        assert!(found == Some(blob), "{bytes} bytes");
    }
}

/// Knowing a digest opens nothing.
pub async fn a_blob_belongs_to_its_tenant(bench: &mut Bench) {
    let (acme, other, store) = (tenant("acme"), tenant("other"), bench.store());
    for bytes in [3, 300_000] {
        let digest = store.put_blob(&acme, text(bytes).into_bytes()).await.unwrap();
        assert_eq!(store.blob(&other, digest).await.unwrap(), None);
        assert_eq!(store.put_blob(&other, text(bytes).into_bytes()).await.unwrap(), digest);
        assert!(store.blob(&other, digest).await.unwrap().is_some());
    }
    assert_eq!(store.blob(&acme, Digest::from_bytes([0; 32])).await.unwrap(), None);
}
