//! Whether what came of a case is what its file says.

use serde_json::json;
use wforge_model::{Capability, Failure, Value};
use wforge_ports::effects::GuestLine;
use wforge_spec::suite::{Expected, ExpectedEvent, ExpectedFailure, ExpectedLimits};

use super::difference::{between, short};
use crate::author::sandbox::{Cost, Effect, Outcome};

/// Everything that is not as expected.
pub(super) fn of(expected: &Expected, outcome: &Outcome) -> Vec<String> {
    let mut problems = result(expected, outcome);
    if let Some(events) = &expected.events {
        problems.extend(of_events(events, &outcome.events));
    }
    if let Some(logs) = &expected.logs {
        problems.extend(of_logs(logs, &outcome.logs));
    }
    if let Some(effects) = &expected.effects {
        let found: Vec<String> = outcome.effects.iter().map(Effect::line).collect();
        problems.extend(of_lines("effects", effects, &found));
    }
    if let Some(denied) = &expected.denied {
        problems.extend(of_denied(denied, &outcome.effects));
    }
    problems.extend(of_limits(expected.limits, &outcome.cost));
    problems
}

fn result(expected: &Expected, outcome: &Outcome) -> Vec<String> {
    match (&expected.failure, &outcome.result) {
        (Some(wanted), Err(found)) => of_failure(wanted, found),
        (Some(wanted), Ok(reply)) => {
            let kind = wanted.kind.as_str();
            let output = short(&reply.output);
            vec![format!("failure: expected {kind}, and the agent answered {output}")]
        }
        (None, Err(failure)) => vec![format!("the agent failed: {failure}")],
        (None, Ok(reply)) => {
            let output = expected.output.as_ref();
            let mut problems =
                output.map_or_else(Vec::new, |output| between("output", output, &reply.output));
            if let Some(exits) = &expected.exits {
                let found: Vec<&str> = reply.exits.iter().map(|exit| exit.name.as_str()).collect();
                problems.extend(between("exits", &json!(exits), &json!(found)));
            }
            problems
        }
    }
}

fn of_failure(wanted: &ExpectedFailure, found: &Failure) -> Vec<String> {
    let message = found.to_string();
    let is_kind = wanted.kind == found.kind();
    let is_code = wanted.code.as_deref().is_none_or(|code| code == found.code());
    let is_message = wanted.message.as_deref().is_none_or(|part| message.contains(part));
    if is_kind && is_code && is_message {
        return Vec::new();
    }
    let code = wanted.code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
    let part = wanted.message.as_deref().map(|part| format!(" with \"{part}\""));
    let kind = wanted.kind.as_str();
    vec![format!("failure: expected {kind}{code}{}, found {message}", part.unwrap_or_default())]
}

fn of_events(expected: &[ExpectedEvent], found: &[(String, Value)]) -> Vec<String> {
    let topics: Vec<&str> = expected.iter().map(|event| event.topic.as_str()).collect();
    let found_topics: Vec<&str> = found.iter().map(|(topic, _)| topic.as_str()).collect();
    if topics != found_topics {
        return between("events", &json!(topics), &json!(found_topics));
    }
    let pairs = expected.iter().zip(found).enumerate();
    pairs
        .filter_map(|(at, (event, (_, payload)))| Some((at, event.payload.as_ref()?, payload)))
        .flat_map(|(at, wanted, payload)| {
            between(&format!("events[{at}].payload"), wanted, payload)
        })
        .collect()
}

/// A line as it is compared.
pub(super) fn log_line(line: &GuestLine) -> String {
    let level = json!(line.level);
    let fields: String =
        line.fields.iter().map(|(name, value)| format!(" {name}={value}")).collect();
    format!("{}: {}{fields}", level.as_str().unwrap_or_default(), line.message)
}

fn of_logs(expected: &[String], found: &[GuestLine]) -> Vec<String> {
    let lines: Vec<String> = found.iter().map(log_line).collect();
    let mut rest = lines.iter();
    let missing = expected.iter().find(|wanted| !rest.any(|line| line.contains(wanted.as_str())));
    missing.map_or_else(Vec::new, |wanted| {
        let all = if lines.is_empty() { "no line".to_owned() } else { lines.join(" | ") };
        vec![format!("logs: no line \"{wanted}\" at its place; the agent wrote {all}")]
    })
}

fn of_lines(what: &str, expected: &[String], found: &[String]) -> Vec<String> {
    if expected == found {
        return Vec::new();
    }
    let at = expected.iter().zip(found).take_while(|(expected, found)| expected == found).count();
    let line =
        |lines: &[String]| lines.get(at).map_or("nothing more".to_owned(), |l| format!("\"{l}\""));
    vec![format!(
        "{what}[{at}]: expected {}, found {} ({} expected, {} found)",
        line(expected),
        line(found),
        expected.len(),
        found.len()
    )]
}

fn of_denied(expected: &[String], effects: &[Effect]) -> Vec<String> {
    let denials: Vec<Capability> = effects
        .iter()
        .filter_map(|effect| match &effect.answer {
            Some(Err(Failure::Denied(denial))) => {
                Some(Capability::of(&denial.capability, &denial.resource))
            }
            _ => None,
        })
        .collect();
    let is_of = |denied: &Capability, wanted: &str| {
        wanted == denied.kind()
            || wanted == denied.to_string()
            || wanted.parse().is_ok_and(|wanted: Capability| wanted.covers(denied))
    };
    let missing = expected
        .iter()
        .filter(|wanted| !denials.iter().any(|denied| is_of(denied, wanted)))
        .map(|wanted| format!("denied: {wanted} was not denied"));
    let unexpected = denials
        .iter()
        .filter(|denied| !expected.iter().any(|wanted| is_of(denied, wanted)))
        .map(|denied| format!("denied: {denied} was denied as well"));
    missing.chain(unexpected).collect()
}

fn of_limits(limits: ExpectedLimits, cost: &Cost) -> Vec<String> {
    let counts = [
        ("cpu_ms_max", limits.cpu_ms_max, cost.cpu_us.div_ceil(1_000)),
        ("memory_mib_max", limits.memory_mib_max, cost.memory_bytes.div_ceil(1 << 20)),
        ("host_calls_max", limits.host_calls_max.map(u64::from), cost.host_calls.into()),
    ];
    let over = counts.into_iter().filter_map(|(name, most, found)| {
        let most = most.filter(|most| found > *most)?;
        Some(format!("limits.{name}: at most {most}, the call took {found}"))
    });
    over.collect()
}
