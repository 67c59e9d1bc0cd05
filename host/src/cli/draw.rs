//! `wforge graph`: a workflow as Mermaid, DOT, SVG or JSON.

use wforge_view::{dot, drawing, mermaid, svg};

use super::args::{GraphArgs, GraphFormat};
use super::{Session, workflow_file};

/// The command.
pub(crate) fn run(session: &Session, args: &GraphArgs) -> anyhow::Result<u8> {
    let (_, draft) = workflow_file(session, &args.file)?;
    let drawing = drawing(&draft);
    match args.format {
        GraphFormat::Mermaid => session.ui.out_text(&mermaid(&drawing)),
        GraphFormat::Dot => session.ui.out_text(&dot(&drawing)),
        GraphFormat::Svg => session.ui.out_text(&svg(&drawing)),
        GraphFormat::Json => session.ui.out_json(&drawing)?,
    }
    Ok(0)
}
