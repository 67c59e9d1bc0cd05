//! `wforge blobs …`.

use std::io::Write;
use std::path::Path;

use serde_json::Value;

use super::Session;
use super::admin::{moment_of, path_of, print_rows, text_of, with_control};
use super::args::{BlobsCommand, Whose};
use crate::client::{Control, in_query};

/// One of the commands.
pub(crate) async fn run(session: &Session, command: BlobsCommand) -> anyhow::Result<u8> {
    match command {
        BlobsCommand::List { limit } => {
            let first = async |c: &Control| c.first("/v1/blobs", limit.into()).await;
            let blobs = with_control(session, first).await?;
            print_rows(&session.ui, &blobs, row, "there are no blobs")?;
        }
        BlobsCommand::Get { digest, to } => get(session, &digest, &to).await?,
        BlobsCommand::Gc { dry_run, whose } => sweep(session, dry_run, &whose).await?,
    }
    Ok(0)
}

fn row(blob: &Value) -> Vec<String> {
    let is_used = blob.get("in_use").and_then(Value::as_bool).unwrap_or_default();
    let since = moment_of(blob, "unused_since");
    let used = match (is_used, since.as_str()) {
        (true, _) => "in use".to_owned(),
        (false, "") => "named by nothing".to_owned(),
        (false, since) => format!("named by nothing since {since}"),
    };
    vec![text_of(blob, "digest"), format!("{} bytes", text_of(blob, "bytes")), used]
}

/// Nothing is written before all of it has come.
async fn get(session: &Session, digest: &str, to: &Path) -> anyhow::Result<()> {
    let path = format!("/v1/blobs/{}", in_query(digest));
    let bytes = with_control(session, async |c| {
        let mut bytes = Vec::new();
        c.stream(&path, |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })
        .await?;
        Ok(bytes)
    });
    let bytes = bytes.await?;
    if to == Path::new("-") {
        return Ok(std::io::stdout().lock().write_all(&bytes)?);
    }
    fs_err::write(to, &bytes)?;
    session.ui.note(&format!("{} bytes are in {}", bytes.len(), to.display()));
    Ok(())
}

async fn sweep(session: &Session, dry_run: bool, whose: &Whose) -> anyhow::Result<()> {
    let path = format!("{}?dry_run={dry_run}", path_of(whose, "blobs/gc")?);
    let swept = with_control(session, async |c| c.post(&path, None).await).await?;
    let ui = &session.ui;
    if ui.is_json() {
        return ui.out_json(&swept);
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
    Ok(())
}
