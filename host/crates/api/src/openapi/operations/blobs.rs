//! Blobs: what inputs give by reference.

use serde_json::json;
use wforge_engine::BlobsSwept;

use super::Operation;
use crate::blobs::{Blob, ShownBlob, Sweep};
use crate::codes;
use crate::openapi::parts::BLOB;
use crate::openapi::shape::Shape;
use crate::resource::PageQuery;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/v1/blobs", "listBlobs", "Lists the blobs, by digest")
            .query::<PageQuery>(&[("limit", json!(20))])
            .pattern("cursor", "^sha256:[0-9a-f]{64}$")
            .pages(
                "Blobs, and whether anything names them.",
                Shape::resource::<ShownBlob>("BlobRow", "blob"),
            ),
        Operation::post("/v1/blobs", "keepBlob", "Keeps bytes for inputs that name them")
            .about("The same bytes twice are one blob of the tenant.")
            .bytes("Some words.")
            .gives(201, "The blob.", Shape::resource::<Blob>("Blob", "blob"))
            .refuses(&[&codes::QUOTA])
            .known_as("/id", BLOB),
        Operation::get("/v1/blobs/{blob}", "readBlob", "Gives the bytes of a blob")
            .gives_bytes("All of its bytes, whatever a stranger wrote."),
        Operation::post("/v1/blobs/gc", "sweepBlobs", "Removes the blobs that nothing names")
            .query::<Sweep>(&[("dry_run", json!(true))])
            .gives(200, "What went, or would have gone.", Shape::of::<BlobsSwept>()),
    ]
}
