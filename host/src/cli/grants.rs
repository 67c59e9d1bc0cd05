//! `wforge grants …`.

use serde_json::{Value, json};

use super::Session;
use super::admin::{duration_ms, moment_of, print_rows, text_of, with_control};
use super::args::{GrantsCommand, Site, What, Which};
use super::refusal::Refusal;
use super::ui::{Paint, Ui};
use crate::client::{Control, in_query};

/// What an id of a grant begins with.
const ID: &str = "grant_";

/// One of the commands.
pub(crate) async fn run(session: &Session, command: GrantsCommand) -> anyhow::Result<u8> {
    let ui = &session.ui;
    match command {
        GrantsCommand::List { standing, plugin } => {
            let ask =
                async |c: &Control| of_tenant(c, standing.as_deref(), plugin.as_deref()).await;
            let grants = with_control(session, ask).await?;
            print_rows(
                ui,
                &grants,
                row,
                "no plugin was granted anything by name; wforge grants request",
            )?;
        }
        GrantsCommand::Request { what, reason } => {
            let ask = async |c: &Control| {
                request(c, &what.plugin, &what.capability, &what.site, &reason).await
            };
            let grant = with_control(session, ask).await?;
            ui.note(&format!("{} is {}", text_of(&grant, "id"), text_of(&grant, "standing")));
            if ui.is_json() {
                ui.out_json(&grant)?;
            }
        }
        GrantsCommand::Approve { which, all, ttl, reason } => {
            let ttl_ms = ttl.map(|ttl| duration_ms("--for", &ttl)).transpose()?;
            let body = json!({ "reason": reason, "ttl_ms": ttl_ms });
            let ask = async |c: &Control| decide(c, &which, all, "approve", &body).await;
            told(ui, &with_control(session, ask).await?)?;
        }
        GrantsCommand::Deny { which, reason } => {
            let ask = async |c: &Control| {
                decide(c, &which, false, "deny", &json!({ "reason": reason })).await
            };
            told(ui, &with_control(session, ask).await?)?;
        }
        GrantsCommand::Revoke { which, reason } => {
            let ask = async |c: &Control| {
                decide(c, &which, false, "revoke", &json!({ "reason": reason })).await
            };
            told(ui, &with_control(session, ask).await?)?;
        }
        GrantsCommand::Explain { what } => return explain(session, &what).await,
    }
    Ok(0)
}

/// The tenant's grants, as the query narrows them.
pub(super) async fn of_tenant(
    control: &Control,
    standing: Option<&str>,
    plugin: Option<&str>,
) -> anyhow::Result<Vec<Value>> {
    let mut grants = control.list("/v1/grants").await?;
    let wanted = |grant: &Value, field: &str, wanted: Option<&str>| {
        wanted.is_none_or(|wanted| text_of(grant, field) == wanted)
    };
    grants.retain(|g| wanted(g, "standing", standing) && wanted(g, "plugin", plugin));
    Ok(grants)
}

async fn request(
    control: &Control,
    plugin: &str,
    capability: &str,
    site: &Site,
    reason: &str,
) -> anyhow::Result<Value> {
    let body = json!({
        "plugin": plugin,
        "capability": capability,
        "workflow": site.workflow,
        "node": site.node,
        "reason": reason,
    });
    control.post("/v1/grants", Some(&body)).await
}

/// Decides of a grant by its id, or of each capability of a plugin, which is asked for first.
async fn decide(
    control: &Control,
    which: &Which,
    all: bool,
    verb: &str,
    body: &Value,
) -> anyhow::Result<Vec<Value>> {
    let mut decided = Vec::new();
    for id in ids(control, which, all).await? {
        let path = format!("/v1/grants/{}/{verb}", in_query(&id));
        decided.push(control.post(&path, Some(body)).await?);
    }
    Ok(decided)
}

async fn ids(control: &Control, which: &Which, all: bool) -> anyhow::Result<Vec<String>> {
    let Which { which, capabilities, site } = which;
    if which.starts_with(ID) {
        return Ok(vec![which.clone()]);
    }
    let needs = if all { needs_of(control, which).await? } else { capabilities.clone() };
    if needs.is_empty() {
        let message =
            format!("say which capabilities of {which} are meant, or --all where that is");
        return Err(Refusal::user("bad_flags", message)
            .help(format!("wforge plugin inspect {which} lists what it needs"))
            .into());
    }
    let mut ids = Vec::new();
    for capability in &needs {
        let grant = request(control, which, capability, site, "").await?;
        ids.push(text_of(&grant, "id"));
    }
    Ok(ids)
}

async fn needs_of(control: &Control, plugin: &str) -> anyhow::Result<Vec<String>> {
    let info = control.get(&format!("/v1/plugins/{plugin}")).await?;
    let needs = info.pointer("/manifest/needs").and_then(Value::as_array);
    let needs = needs.into_iter().flatten().map(|need| text_of(need, "capability"));
    Ok(needs.collect())
}

fn told(ui: &Ui, grants: &[Value]) -> anyhow::Result<()> {
    if ui.is_json() {
        return ui.out_json(&grants);
    }
    for grant in grants {
        let standing = text_of(grant, "standing");
        let paint = if standing == "granted" { Paint::Green } else { Paint::Yellow };
        let (plugin, capability) = (text_of(grant, "plugin"), text_of(grant, "capability"));
        ui.note(&format!(
            "{}  {plugin} {capability}{}",
            ui.paint(paint, &standing),
            site_of(grant)
        ));
    }
    Ok(())
}

async fn explain(session: &Session, what: &What) -> anyhow::Result<u8> {
    let ui = &session.ui;
    let mut path = format!(
        "/v1/grants/explain?plugin={}&capability={}",
        in_query(&what.plugin),
        in_query(&what.capability)
    );
    for (name, value) in [("workflow", &what.site.workflow), ("node", &what.site.node)] {
        if let Some(value) = value {
            path.push_str(&format!("&{name}={}", in_query(value)));
        }
    }
    let said = with_control(session, async |c| c.get(&path).await).await?;
    let may = said.get("may").and_then(Value::as_bool) == Some(true);
    if ui.is_json() {
        ui.out_json(&said)?;
        return Ok(u8::from(!may));
    }
    let (plugin, capability) = (text_of(&said, "plugin"), text_of(&said, "capability"));
    let verdict = if may { ui.paint(Paint::Green, "may") } else { ui.paint(Paint::Red, "may not") };
    ui.out(&format!("{plugin} {verdict} {capability}"));
    for sentence in said.get("because").and_then(Value::as_array).into_iter().flatten() {
        ui.out(&format!("  {}", super::ui::harmless(sentence.as_str().unwrap_or_default())));
    }
    match text_of(&said, "used_on") {
        day if day.is_empty() => ui.out("  it was never used"),
        day => ui.out(&format!("  last used on {day}")),
    }
    match text_of(&said, "command") {
        command if command.is_empty() => {}
        command => ui.out(&format!("  to change it: {command}")),
    }
    Ok(u8::from(!may))
}

fn row(grant: &Value) -> Vec<String> {
    let until = match moment_of(grant, "expires_at") {
        at if at.is_empty() => String::new(),
        at => format!("until {at}"),
    };
    let said = match text_of(grant, "decision") {
        said if said.is_empty() => text_of(grant, "reason"),
        said => said,
    };
    vec![
        text_of(grant, "id"),
        text_of(grant, "standing"),
        text_of(grant, "plugin"),
        format!("{}{}", text_of(grant, "capability"), site_of(grant)),
        until,
        said,
    ]
}

fn site_of(grant: &Value) -> String {
    match (text_of(grant, "workflow"), text_of(grant, "node")) {
        (workflow, _) if workflow.is_empty() => String::new(),
        (workflow, node) if node.is_empty() => format!(" in {workflow}"),
        (workflow, node) => format!(" at {workflow}/{node}"),
    }
}
