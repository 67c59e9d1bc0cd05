//! What `wforge system` shows: what the server is, and to whoever runs it, what it takes and holds.

use serde_json::Value;
use wforge_view::duration;

use super::super::Session;
use super::super::admin::{text_of, with_control};
use super::super::ui::{Ui, columns, harmless};

/// The command.
pub(super) async fn run(session: &Session) -> anyhow::Result<()> {
    let system = with_control(session, async |c| c.get("/v1/system").await).await?;
    if session.ui.is_json() {
        session.ui.out_json(&system)?;
    } else {
        show(&session.ui, &system);
    }
    Ok(())
}

fn show(ui: &Ui, system: &Value) {
    let text = |field: &str| harmless(&text_of(system, field));
    let commit = text_of(system, "build.commit");
    let commit = if commit.is_empty() { commit } else { format!(" of {}", harmless(&commit)) };
    let mut rows = vec![
        row("version", format!("{}{commit}", text("version"))),
        row("built with", format!("{}, wasmtime {}", text("build.rustc"), text("build.wasmtime"))),
        row("environment", text("environment")),
        row("up for", duration(number(system, "/uptime_ms").unwrap_or_default())),
        row(
            "you are",
            format!("{} of {}, {}", text("you.name"), text("you.tenant"), text("you.role")),
        ),
    ];
    if system.get("machine").is_some() {
        rows.extend(machine(system));
    }
    columns(&rows).iter().for_each(|line| ui.out(line));
}

/// What only whoever runs the server is told.
fn machine(system: &Value) -> Vec<Vec<String>> {
    let of = |path: &str| number(system, path);
    let count = |path: &str| of(path).unwrap_or_default();
    let size = |path: &str| of(path).map_or_else(|| "unknown".to_owned(), bytes);
    let most = |path: &str| of(path).map_or_else(|| "any number".to_owned(), |it| it.to_string());
    let memory = format!(
        "{} resident, {} at most so far, {}",
        size("/machine/memory/resident_bytes"),
        size("/machine/memory/resident_bytes_peak"),
        text_of(system, "machine.memory.allocator"),
    );
    let disk = format!(
        "{} used, {} free of {}",
        size("/machine/disk/used_bytes"),
        size("/machine/disk/free_bytes"),
        size("/machine/disk/total_bytes"),
    );
    let open = count("/machine/descriptors/open");
    let pool = format!(
        "{} of {} in use, {}",
        count("/pool/used"),
        count("/pool/total"),
        text_of(system, "pool.allocator"),
    );
    let queue = format!(
        "{} calls wait for a sandbox; {} runs in memory, {} asleep",
        count("/queue/calls_waiting"),
        count("/queue/runs_live"),
        count("/queue/runs_asleep"),
    );
    let lag = format!(
        "{}, {} operations behind its journal",
        text_of(system, "store.kind"),
        count("/store/view_lag"),
    );
    vec![
        row("memory", memory),
        row("disk", disk),
        row("descriptors", format!("{open} of {} open", most("/machine/descriptors/max"))),
        row("sandboxes", pool),
        row("queue", queue),
        row("store", lag),
    ]
}

fn row(name: &str, text: String) -> Vec<String> {
    vec![name.to_owned(), text]
}

fn number(system: &Value, path: &str) -> Option<u64> {
    system.pointer(path).and_then(Value::as_u64)
}

/// A size as people read it.
fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut unit = "bytes";
    let mut size = count;
    for larger in UNITS {
        if size < 10 * 1_024 {
            break;
        }
        (size, unit) = (size / 1_024, larger);
    }
    format!("{size} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        assert_eq!(bytes(900), "900 bytes");
        assert_eq!(bytes(64 << 20), "64 MiB");
        assert_eq!(bytes(9_000 << 20), "9000 MiB");
        assert_eq!(bytes(u64::MAX), "16777215 TiB");
    }
}
