//! `wforge tenants …`, `wforge audit …`, `wforge usage` and `wforge export`.

use std::io::Write as _;

use serde_json::{Map, Value, json};

use super::Session;
use super::admin::{moment_of, path_of, print_rows, tenant_id, text_of, with_control, with_query};
use super::args::{AuditCommand, ExportArgs, TenantsCommand, Whose};
use super::refusal::{EXIT_FAILED, Refusal};
use super::ui::{Paint, Ui, columns};
use crate::client::in_query;

/// One of the commands on tenants.
pub(crate) async fn run(session: &Session, command: TenantsCommand) -> anyhow::Result<u8> {
    match command {
        TenantsCommand::Create { tenant, quotas } => {
            let body = json!({ "id": tenant_id(&tenant)?, "quotas": quotas_of(&quotas)? });
            let ask = async |c: &crate::client::Control| c.post("/v1/tenants", Some(&body)).await;
            say(&session.ui, &with_control(session, ask).await?)?;
        }
        TenantsCommand::List => list(session).await?,
        TenantsCommand::Show { tenant } => show(session, &tenant).await?,
        TenantsCommand::Suspend { tenant } => change(session, &tenant, "suspend", None).await?,
        TenantsCommand::Resume { tenant } => change(session, &tenant, "resume", None).await?,
        TenantsCommand::Quotas { tenant, quotas } => {
            change(session, &tenant, "quotas", Some(quotas_of(&quotas)?)).await?;
        }
        TenantsCommand::Plugins { tenant, plugins } => {
            let body = json!({ "plugins": plugins });
            change(session, &tenant, "plugins", Some(body)).await?;
            session.ui.note(&match plugins.as_slice() {
                [] => "it is offered no plugin of the platform".to_owned(),
                offered => format!("it is offered {}", offered.join(", ")),
            });
        }
        TenantsCommand::Erase { tenant, confirm } => {
            if confirm != tenant {
                let message = format!("--confirm says \"{confirm}\", not \"{tenant}\"");
                return Err(Refusal::user("not_confirmed", message)
                    .help("write the tenant's name once more; there is no way back")
                    .into());
            }
            session.ui.note("erasing: rows, files, components and keys; this can take a while");
            change(session, &tenant, "erase", Some(json!({ "confirm": confirm }))).await?;
        }
    }
    Ok(0)
}

async fn change(
    session: &Session,
    tenant: &str,
    how: &str,
    body: Option<Value>,
) -> anyhow::Result<()> {
    let path = format!("/v1/tenants/{}/{how}", tenant_id(tenant)?);
    let done = with_control(session, async |c| c.post(&path, body.as_ref()).await).await?;
    say(&session.ui, &done)
}

fn say(ui: &Ui, tenant: &Value) -> anyhow::Result<()> {
    if ui.is_json() {
        return ui.out_json(tenant);
    }
    ui.note(&format!("{} is {}", text_of(tenant, "id"), text_of(tenant, "state")));
    Ok(())
}

async fn list(session: &Session) -> anyhow::Result<()> {
    let tenants = with_control(session, async |c| c.list("/v1/tenants").await).await?;
    let row = |tenant: &Value| {
        let (id, state) = (text_of(tenant, "id"), text_of(tenant, "state"));
        vec![id, state, format!("since {}", moment_of(tenant, "created_at"))]
    };
    print_rows(&session.ui, &tenants, row, "there are no tenants; wforge tenants create NAME")
}

async fn show(session: &Session, tenant: &str) -> anyhow::Result<()> {
    let path = format!("/v1/tenants/{}", tenant_id(tenant)?);
    let ask = async |c: &crate::client::Control| {
        Ok((c.get(&path).await?, c.get(&format!("{path}/usage")).await?))
    };
    let (found, used) = with_control(session, ask).await?;
    let ui = &session.ui;
    if ui.is_json() {
        return ui.out_json(&json!({ "tenant": found, "usage": used }));
    }
    ui.out(&format!("{} is {}", text_of(&found, "id"), text_of(&found, "state")));
    ui.out(&format!(
        "made {} by {}",
        moment_of(&found, "created_at"),
        text_of(&found, "created_by")
    ));
    let plugins = text_of(&found, "plugins");
    let plugins = if plugins.is_empty() { "none".to_owned() } else { plugins };
    ui.out(&format!("plugins of the platform: {plugins}"));
    print_usage(ui, &used);
    Ok(())
}

/// `NAME=NUMBER`, each once; and `mock=MODE`.
fn quotas_of(typed: &[String]) -> anyhow::Result<Value> {
    let mut quotas = Map::new();
    for text in typed {
        let parsed = text.split_once('=').and_then(|(name, value)| {
            let value: Value = match name {
                "mock" => value.into(),
                _ => value.replace('_', "").parse::<u64>().ok()?.into(),
            };
            Some((name.to_owned(), value))
        });
        let (name, value) = parsed.ok_or_else(|| {
            Refusal::user("bad_flags", format!("--quota: \"{text}\" is no NAME=NUMBER"))
                .help("write one of the keys of [limits.tenant], such as runs_live_max=10")
        })?;
        if quotas.insert(name.clone(), value).is_some() {
            let message = format!("--quota: {name} is given twice");
            return Err(Refusal::user("bad_flags", message).help("say it once").into());
        }
    }
    Ok(Value::Object(quotas))
}

/// `wforge usage`.
pub(crate) async fn usage(
    session: &Session,
    tenant: Option<&str>,
    (since, until): (Option<&str>, Option<&str>),
) -> anyhow::Result<u8> {
    let whose = Whose { tenant: tenant.map(ToOwned::to_owned) };
    let path = with_query(path_of(&whose, "usage")?, &[("since", since), ("until", until)]);
    let used = with_control(session, async |c| c.get(&path).await).await?;
    if session.ui.is_json() {
        session.ui.out_json(&used)?;
    } else {
        print_usage(&session.ui, &used);
    }
    Ok(0)
}

fn print_usage(ui: &Ui, used: &Value) {
    let number = |field: &str| used.pointer(field).and_then(Value::as_u64).unwrap_or(0);
    let cpu = number("/today/cpu_ms") / 1_000;
    let lines = [
        ("runs live", number("/runs_live"), "/quotas/runs_live_max"),
        ("runs today", number("/today/runs"), "/quotas/runs_per_day_max"),
        ("bytes kept", number("/storage_bytes"), "/quotas/storage_bytes_max"),
        ("CPU seconds today", cpu, "/quotas/cpu_seconds_per_day_max"),
        ("tokens today", number("/today/tokens"), "/quotas/tokens_per_day_max"),
    ];
    let row = |(name, used, quota): (&str, u64, &str)| {
        let max = match number(quota) {
            0 => "no limit".to_owned(),
            max => format!("of {max}"),
        };
        vec![name.to_owned(), used.to_string(), max]
    };
    columns(&lines.map(row)).iter().for_each(|line| ui.out(line));
    let days = used.pointer("/days").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let row = |day: &Value| {
        let cpu = day.get("cpu_ms").and_then(Value::as_u64).unwrap_or(0) / 1_000;
        vec![
            text_of(day, "day"),
            format!("{} runs", text_of(day, "runs")),
            format!("{cpu} CPU seconds"),
            format!("{} tokens", text_of(day, "tokens")),
        ]
    };
    let rows: Vec<Vec<String>> = days.iter().map(row).collect();
    columns(&rows).iter().for_each(|line| ui.out(line));
}

/// One of the commands on the audit log.
pub(crate) async fn audit(session: &Session, command: AuditCommand) -> anyhow::Result<u8> {
    let ui = &session.ui;
    match command {
        AuditCommand::List { whose } => {
            let path = path_of(&whose, "audit")?;
            let entries = with_control(session, async |c| c.list(&path).await).await?;
            let row = |entry: &Value| {
                let texts = ["entry.actor", "entry.action", "entry.resource", "entry.outcome"];
                let texts = texts.iter().map(|field| text_of(entry, field));
                [text_of(entry, "place"), moment_of(entry, "entry.at")]
                    .into_iter()
                    .chain(texts)
                    .collect()
            };
            print_rows(ui, &entries, row, "nothing was changed yet")?;
            Ok(0)
        }
        AuditCommand::Verify { noted, whose } => {
            let query = noted.map(|noted| format!("?noted={}", in_query(&noted)));
            let path = format!("{}{}", path_of(&whose, "audit/verify")?, query.unwrap_or_default());
            let verdict = with_control(session, async |c| c.get(&path).await).await?;
            verdict_of(ui, &verdict)
        }
    }
}

fn verdict_of(ui: &Ui, verdict: &Value) -> anyhow::Result<u8> {
    let intact = verdict["intact"] == true;
    let noted = format!("{}:{}", text_of(verdict, "entries"), text_of(verdict, "tip"));
    if ui.is_json() {
        ui.out_json(verdict)?;
    } else if intact {
        let entries = text_of(verdict, "entries");
        ui.out(&format!("{} {entries} entries, intact", ui.paint(Paint::Green, "ok")));
        ui.out(&format!("note this elsewhere, for wforge audit verify --noted: {noted}"));
    } else {
        let number = |field: &str| verdict.get(field).and_then(Value::as_u64).unwrap_or(0);
        let (place, entries) = (number("broken_at"), number("entries"));
        let label = ui.paint(Paint::Red, "broken");
        // Entries are counted up to the one that is wrong.
        ui.out(&if place > entries + 1 {
            format!("{label}: entry {place} was noted, and the log ends at {entries}")
        } else {
            format!("{label} at entry {place}: it is gone, or not what was written")
        });
    }
    Ok(if intact { 0 } else { EXIT_FAILED })
}

/// `wforge export`.
pub(crate) async fn export(session: &Session, args: &ExportArgs) -> anyhow::Result<u8> {
    let path = path_of(&args.whose, "export")?;
    let mut out: Box<dyn std::io::Write> = match &args.to {
        Some(file) => Box::new(std::io::BufWriter::new(fs_err::File::create(file)?)),
        None => Box::new(std::io::stdout().lock()),
    };
    let (mut lines, mut tail) = (0_usize, Vec::new());
    with_control(session, async |control| {
        control
            .stream(&path, |bytes| {
                lines += bytes.iter().filter(|byte| **byte == b'\n').count();
                tail.extend_from_slice(bytes);
                let cut = tail.len().saturating_sub(64);
                tail.drain(..cut);
                Ok(out.write_all(bytes)?)
            })
            .await
    })
    .await?;
    out.flush()?;
    if !tail.ends_with(b"{\"kind\":\"end\"}\n") {
        let message = "the export broke off: its last line is missing";
        return Err(Refusal::failed("incomplete_export", message).help("try again").into());
    }
    session.ui.note(&format!("{lines} lines, complete"));
    Ok(0)
}
