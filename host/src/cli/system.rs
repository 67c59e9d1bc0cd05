//! `wforge system …`: what a server is, and what may be changed of it while it runs.

mod show;

use serde_json::json;

use super::Session;
use super::admin::{duration_ms, moment_of, only_served, text_of, with_control};
use super::args::{LogLevelArgs, SystemCommand};

const LOG_LEVEL: &str = "/v1/system/log-level";

/// One of the commands.
pub(crate) async fn run(session: &Session, command: Option<SystemCommand>) -> anyhow::Result<u8> {
    match command {
        None => show::run(session).await?,
        Some(SystemCommand::LogLevel(args)) => log_level(session, &args).await?,
    }
    Ok(0)
}

/// Shows what a server logs, or changes it.
async fn log_level(session: &Session, args: &LogLevelArgs) -> anyhow::Result<()> {
    let for_s = args.r#for.as_deref().map(|text| duration_ms("--for", text)).transpose()?;
    let for_s = for_s.map(|ms| ms.div_ceil(1_000));
    let body = match (&args.level, args.reset) {
        (Some(level), _) => Some(json!({ "level": level, "for_s": for_s })),
        (None, true) => Some(json!({})),
        (None, false) => None,
    };
    let level = with_control(session, async |control| {
        // The log of a command ends with it, so there is nothing to be changed.
        only_served(control)?;
        match &body {
            Some(body) => control.put(LOG_LEVEL, body).await,
            None => control.get(LOG_LEVEL).await,
        }
    })
    .await?;
    let ui = &session.ui;
    if ui.is_json() {
        return ui.out_json(&level);
    }
    ui.out(&text_of(&level, "level"));
    let until = moment_of(&level, "until");
    if !until.is_empty() {
        ui.note(&format!("until {until}, then {} again", text_of(&level, "configured")));
    }
    Ok(())
}
