//! `wforge blobs …`.

use serde_json::Value;

use super::Session;
use super::admin::{path_of, text_of, with_control};
use super::args::BlobsCommand;

/// One of the commands.
pub(crate) async fn run(session: &Session, command: BlobsCommand) -> anyhow::Result<u8> {
    let BlobsCommand::Gc { dry_run, whose } = command;
    let path = format!("{}?dry_run={dry_run}", path_of(&whose, "blobs/gc")?);
    let swept = with_control(session, async |c| c.post(&path, None).await).await?;
    let ui = &session.ui;
    if ui.is_json() {
        ui.out_json(&swept)?;
        return Ok(0);
    }
    let blobs = swept.get("blobs").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for blob in blobs {
        ui.out(&format!("{}  {} bytes", text_of(blob, "digest"), text_of(blob, "bytes")));
    }
    let count = |field| swept.get(field).and_then(Value::as_u64).unwrap_or_default();
    let done = if dry_run { "would go" } else { "are gone" };
    ui.note(&format!(
        "{} blobs with {} bytes {done}; {} that nothing names wait for their time, {} are in use",
        count("removed"),
        count("removed_bytes"),
        count("waiting"),
        count("kept"),
    ));
    Ok(0)
}
