//! `wforge members …`.

use serde_json::{Value, json};
use wforge_model::Role;

use super::Session;
use super::admin::{moment_of, path_of, print_rows, text_of, with_control};
use super::args::MembersCommand;
use super::refusal::Refusal;
use crate::client::in_query;

/// One of the commands.
pub(crate) async fn run(session: &Session, command: MembersCommand) -> anyhow::Result<u8> {
    let ui = &session.ui;
    match command {
        MembersCommand::Add { subject, role, whose } => {
            let wrong = |error| Refusal::user("bad_flags", format!("--role: {error}"));
            let role: Role = role.parse().map_err(wrong)?;
            let path = path_of(&whose, "members")?;
            let body = json!({ "subject": subject, "role": role });
            let made = with_control(session, async |c| c.post(&path, Some(&body)).await).await?;
            ui.note(&format!("{} is {}", text_of(&made, "subject"), text_of(&made, "role")));
            if ui.is_json() {
                ui.out_json(&made)?;
            }
        }
        MembersCommand::List { whose } => {
            let path = path_of(&whose, "members")?;
            let members = with_control(session, async |c| c.list(&path).await).await?;
            let row = |member: &Value| {
                let (subject, role) = (text_of(member, "subject"), text_of(member, "role"));
                vec![subject, role, format!("since {}", moment_of(member, "since"))]
            };
            print_rows(ui, &members, row, "there are no members; wforge members add SUBJECT")?;
        }
        MembersCommand::Remove { subject, whose } => {
            let path = format!("{}/{}/remove", path_of(&whose, "members")?, in_query(&subject));
            let gone = with_control(session, async |c| c.post(&path, None).await).await?;
            ui.note(&format!("removed {}", text_of(&gone, "subject")));
            if ui.is_json() {
                ui.out_json(&gone)?;
            }
        }
    }
    Ok(0)
}
