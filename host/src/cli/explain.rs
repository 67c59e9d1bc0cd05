//! `wforge explain CODE`.

use serde_json::json;
use wforge_api::codes;

use super::refusal::Refusal;
use super::ui::Ui;

/// Prints the page of a code.
pub(crate) fn run(ui: &Ui, code: &str) -> anyhow::Result<u8> {
    let wanted = code.to_ascii_uppercase();
    let Some(found) = codes::ALL.iter().find(|known| known.id == wanted) else {
        let known: Vec<&str> = codes::ALL.iter().map(|known| known.id).collect();
        let refusal = Refusal::user("not_found", format!("\"{code}\" is no error code"));
        let help = match wforge_graph::nearest(&wanted, known.iter().copied()) {
            Some(near) => format!("did you mean {near}? There are {}", known.join(", ")),
            None => format!("there are {}", known.join(", ")),
        };
        return Err(refusal.help(help).into());
    };
    if ui.is_json() {
        let status = found.status.as_u16();
        let it =
            json!({ "code": found.id, "status": status, "title": found.title, "page": found.page });
        ui.out_json(&it)?;
    } else {
        ui.out_text(found.page);
    }
    Ok(0)
}
