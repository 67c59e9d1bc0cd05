//! Refusals of the engine and of the API, as commands report them.

use serde::Deserialize;
use wforge_engine::EngineError;

use crate::cli::refusal::Refusal;

/// A refusal of the engine; its own failures stay failures, with their causes.
pub(crate) fn of_engine(error: EngineError) -> anyhow::Error {
    match error {
        EngineError::NotFound { kind, name } => {
            let refusal = Refusal::user("not_found", format!("no {kind} \"{name}\""));
            match list_of(kind) {
                Some(list) => refusal.help(list).into(),
                None => refusal.into(),
            }
        }
        EngineError::Invalid { code, message, details } => {
            let refusal = Refusal::user(code, message).details(details);
            match help_for(code) {
                Some(help) => refusal.help(help).into(),
                None => refusal.into(),
            }
        }
        EngineError::Conflict { code, message } => {
            let refusal = Refusal::user(code, message);
            match help_for(code) {
                Some(help) => refusal.help(help).into(),
                None => refusal.into(),
            }
        }
        EngineError::Busy { message, .. } => {
            Refusal::failed("busy", message).help("try again in a moment").into()
        }
        EngineError::Quota { quota, message, .. } => Refusal::failed(quota, message)
            .help(help_for(quota).unwrap_or("wforge usage shows what is used and allowed"))
            .into(),
        EngineError::Host(source) => anyhow::Error::from_boxed(source).context("the host failed"),
    }
}

/// The command that lists such things.
fn list_of(kind: &str) -> Option<&'static str> {
    match kind {
        "interrupt" => Some("wforge inbox lists what is open"),
        "key" => Some("wforge keys list shows them"),
        "trusted key" => Some("wforge trust list shows them"),
        "tenant" => Some("wforge tenants list shows them"),
        "member" => Some("wforge members list shows them"),
        "workflow" => Some("wforge workflow list shows them"),
        "plugin" => Some("wforge plugin list shows them"),
        "run" => Some("wforge runs list shows them"),
        "thread" => Some("wforge threads list shows them"),
        "webhook" => Some("wforge webhooks list shows them"),
        "delivery" => Some("wforge webhooks deliveries NAME shows them"),
        "hook" => Some("wforge hooks list shows them"),
        _ => None,
    }
}

/// What to do about some codes; from the command line it is the same for a server.
fn help_for(code: &str) -> Option<&'static str> {
    match code {
        "missing_agents" => Some(
            "install the plugins (wforge plugin install DIR), name a folder with --plugins, or \
             allow the mock agent to stand in with WFORGE_MOCK=fallback",
        ),
        "thread_busy" => Some(
            "wait for its end, or say what becomes of it: wforge run --multitask \
             enqueue|interrupt|rollback",
        ),
        "thread_version" => Some(
            "wforge workflow migrate THREAD --to NAME@VERSION|FILE --dry-run shows what a \
             migration would change",
        ),
        "ambiguous_update" => Some("name one of them with --as NODE"),
        "migration_misfit" => Some(
            "write values that fit first: wforge threads update THREAD --set KEY=VALUE; or drop \
             the keys from the new version",
        ),
        "run_not_paused" | "run_not_failed" | "not_retryable" => {
            Some("wforge runs show RUN says how it stands")
        }
        "WF1008" => Some("whoever runs the server can resume it: wforge tenants resume TENANT"),
        "WF0403" => Some("use a key with the role and scopes that the message names"),
        "two_keys_active" => Some("wforge keys list shows them; wforge keys revoke ID"),
        "runs_live_max" => Some(
            "wait until one of its runs ends, or cancel one: wforge runs cancel RUN; wforge usage \
             shows how many there are",
        ),
        "runs_per_day_max" | "cpu_seconds_per_day_max" | "tokens_per_day_max" => Some(
            "wforge usage shows what is used today; the day ends at midnight UTC; whoever runs the \
             server can allow more: wforge tenants quotas TENANT",
        ),
        "storage_bytes_max" => Some(
            "wforge threads prune frees what is old; whoever runs the server can allow more: \
             wforge tenants quotas TENANT",
        ),
        "missing_workflows" => Some(
            "name the file that has it with --with FILE, or register it: wforge workflow register \
             FILE",
        ),
        _ => None,
    }
}

/// The body of a refusal of the API, by RFC 9457.
#[derive(Debug, Deserialize)]
struct Problem {
    detail: String,
    code: String,
    reason: Option<String>,
    #[serde(default)]
    errors: Vec<Item>,
}

/// One place that is wrong.
#[derive(Debug, Deserialize)]
struct Item {
    line: Option<u32>,
    column: Option<u32>,
    message: String,
    help: Option<String>,
}

impl Item {
    fn text(self) -> String {
        let place = match (self.line, self.column) {
            (Some(line), Some(column)) => format!("{line}:{column}: "),
            _ => String::new(),
        };
        let help = self.help.map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{place}{}{help}", self.message)
    }
}

/// A refusal of the API with that status.
pub(crate) fn of_api(server: &str, status: u16, body: &[u8]) -> anyhow::Error {
    let Ok(problem) = serde_json::from_slice::<Problem>(body) else {
        let message = format!("{server} answered {status}, and not as a wforge server does");
        return Refusal::failed("no_wforge_server", message)
            .help("check WFORGE_SERVER or --server")
            .into();
    };
    let code = match problem.reason {
        Some(reason) => reason,
        None if status == 404 => "not_found".to_owned(),
        None => problem.code,
    };
    let wrong = matches!(status, 400..=428);
    let refusal = if wrong {
        Refusal::user(code.clone(), problem.detail)
    } else {
        Refusal::failed(code.clone(), problem.detail)
    };
    let refusal = refusal.details(problem.errors.into_iter().map(Item::text));
    match (status, help_for(&code)) {
        (401, _) => refusal
            .help("wforge login URL keeps a key of that server; or set WFORGE_API_KEY")
            .into(),
        (_, Some(help)) => refusal.help(help).into(),
        (429 | 503, None) => refusal.help("try again in a moment").into(),
        (_, None) => refusal.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::refusal::exit_code;

    #[test]
    fn the_same_refusal_reads_the_same_from_both_sides() {
        let here = of_engine(EngineError::Invalid {
            code: "missing_agents",
            message: "two agents are missing".into(),
            details: vec!["digest: wforge/digest".into()],
        });
        let body = br#"{"type":"x","title":"x","status":422,"detail":"two agents are missing",
            "code":"WF0422","reason":"missing_agents",
            "errors":[{"message":"digest: wforge/digest"}]}"#;
        let there = of_api("http://s", 422, body);
        let shown = |error: &anyhow::Error| {
            format!("{:?} {}", error.downcast_ref::<Refusal>().unwrap(), exit_code(error))
        };
        assert_eq!(shown(&here), shown(&there));
    }

    #[test]
    fn an_answer_of_something_else_is_no_riddle() {
        let error = of_api("http://s", 502, b"<html>");
        assert_eq!(error.to_string(), "http://s answered 502, and not as a wforge server does");
        assert_eq!(exit_code(&error), 1);
    }
}
