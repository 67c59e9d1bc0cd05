//! What the commands of the control plane share: whose, how long, and how rows are printed.

use serde_json::Value;
use wforge_model::{Labels, TenantId};

use super::Session;
use super::args::Whose;
use super::refusal::Refusal;
use super::ui::{Ui, columns, harmless};
use crate::client::{Control, in_query};
use crate::compose::Mode;

/// Opens whom to ask, asks, and ends what was opened.
pub(super) async fn with_control<T>(
    session: &Session,
    ask: impl AsyncFnOnce(&Control) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    with_control_to(session, Mode::Look, ask).await
}

/// The same, to look or to drive the runs that are asked for.
pub(super) async fn with_control_to<T>(
    session: &Session,
    mode: Mode,
    ask: impl AsyncFnOnce(&Control) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let control = Control::open(&session.config, mode).await?;
    let result = ask(&control).await;
    control.finish(result).await
}

/// The path of something of a tenant: of the own, or of the one that is named.
pub(super) fn path_of(whose: &Whose, what: &str) -> anyhow::Result<String> {
    match &whose.tenant {
        None => Ok(format!("/v1/{what}")),
        Some(tenant) => Ok(format!("/v1/tenants/{}/{what}", tenant_id(tenant)?)),
    }
}

/// Refuses what only a server can tell or do.
pub(super) fn only_served(control: &Control) -> Result<(), Refusal> {
    match control {
        Control::Remote(_) => Ok(()),
        Control::Here(_) => Err(Refusal::failed("no_server", "no server runs here")
            .help("start one with wforge serve, or name one with --server or --context")),
    }
}

/// The path with the fields of a query that are given.
pub(super) fn with_query(path: String, fields: &[(&str, Option<&str>)]) -> String {
    let given = fields.iter().filter_map(|(name, value)| Some((name, (*value)?)));
    given.fold(path, |path, (name, value)| {
        let joint = if path.contains('?') { '&' } else { '?' };
        format!("{path}{joint}{name}={}", in_query(value))
    })
}

/// The name of a tenant as typed.
pub(super) fn tenant_id(text: &str) -> Result<TenantId, Refusal> {
    text.parse().map_err(|error: wforge_model::name::ParseNameError| {
        Refusal::user("bad_flags", error.to_string())
    })
}

/// Labels as typed, each `key=value`.
pub(super) fn labels_of(pairs: &[String]) -> Result<Labels, Refusal> {
    Labels::of_pairs(pairs.iter().map(String::as_str))
        .map_err(|error| Refusal::user("bad_flags", format!("--label: {error}")))
}

/// A duration as typed, in milliseconds: `90s`, `15m`, `24h`, `30d`.
pub(super) fn duration_ms(flag: &str, text: &str) -> Result<u64, Refusal> {
    let wrong = || {
        Refusal::user("bad_flags", format!("{flag}: \"{text}\" is no duration"))
            .help("write a number and s, m, h or d, such as 90s, 15m, 24h or 30d")
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let factor = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(factor).ok_or_else(wrong)
}

/// A field as a person reads it.
pub(super) fn text_of(value: &Value, field: &str) -> String {
    match value.pointer(&format!("/{}", field.replace('.', "/"))) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => harmless(text),
        Some(Value::Array(items)) => {
            let texts = items.iter().map(|item| item.as_str().map(harmless).unwrap_or_default());
            texts.collect::<Vec<_>>().join(" ")
        }
        Some(other) => harmless(&other.to_string()),
    }
}

/// A moment of a field; empty where there is none.
pub(super) fn moment_of(value: &Value, field: &str) -> String {
    let at = value.pointer(&format!("/{}", field.replace('.', "/"))).and_then(Value::as_u64);
    at.map(|at| wforge_model::Timestamp(at).to_string()).unwrap_or_default()
}

/// Prints rows with their columns lined up, or all of them as JSON.
pub(super) fn print_rows(
    ui: &Ui,
    items: &[Value],
    row: impl Fn(&Value) -> Vec<String>,
    nothing: &str,
) -> anyhow::Result<()> {
    if ui.is_json() {
        return ui.out_json(&items);
    }
    let rows: Vec<Vec<String>> = items.iter().map(row).collect();
    columns(&rows).iter().for_each(|line| ui.out(line));
    if rows.is_empty() {
        ui.note(nothing);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_carry_a_unit() {
        let check = |text| duration_ms("--ttl", text).ok();
        assert_eq!(check("90s"), Some(90_000));
        assert_eq!(check("30d"), Some(2_592_000_000));
        for wrong in ["", "5", "m", "-1s", "1.5h", "1w", "99999999999999999999d"] {
            assert_eq!(check(wrong), None, "{wrong}");
        }
    }
}
