//! `wforge schedules …`. Only a server starts what is due; these commands say so where there is
//! none.

use serde_json::{Value, json};
use wforge_model::Object;
use wforge_ports::Clock as _;

use super::Session;
use super::admin::{duration_ms, moment_of, print_rows, text_of, with_control};
use super::args::{Missed, Overlap, ScheduleAdd, ScheduleNext, SchedulesCommand};
use super::refusal::Refusal;
use super::ui::{Ui, columns};
use crate::client::{Control, in_query};
use crate::clock::SystemClock;

const PATH: &str = "/v1/schedules";
/// The longest input or context, in bytes; what fits is the server's to say.
const JSON_BYTES_MAX: u64 = 1 << 20;

/// One of the commands.
pub(crate) async fn run(session: &Session, command: SchedulesCommand) -> anyhow::Result<u8> {
    let ui = &session.ui;
    match command {
        SchedulesCommand::List => {
            let all = with_control(session, async |c| c.list(PATH).await).await?;
            let nothing = "there are no schedules; wforge schedules add NAME makes one";
            print_rows(ui, &all, row, nothing)?;
        }
        SchedulesCommand::Add(add) => add_one(session, &add).await?,
        SchedulesCommand::Show { name } => {
            let shown = with_control(session, async |c| c.get(&path_of(&name)).await).await?;
            print_one(ui, &shown)?;
        }
        SchedulesCommand::Remove { name } => {
            let gone = with_control(session, async |c| c.delete(&path_of(&name)).await).await?;
            changed(ui, &gone, "removed")?;
        }
        SchedulesCommand::Pause { name } => {
            let path = format!("{}/pause", path_of(&name));
            let paused = with_control(session, async |c| c.post(&path, None).await).await?;
            changed(ui, &paused, "paused")?;
        }
        SchedulesCommand::Continue { name } => {
            let path = format!("{}/continue", path_of(&name));
            let goes_on = with_control(session, async |c| c.post(&path, None).await).await?;
            changed(ui, &goes_on, "continued")?;
        }
        SchedulesCommand::Trigger { name, wait } => {
            duration_ms("--wait", &wait)?;
            let path = format!("{}/trigger?wait={wait}", path_of(&name));
            let run = with_control(session, async |c| c.post(&path, None).await).await?;
            if ui.is_json() {
                ui.out_json(&run)?;
            } else {
                ui.out(&format!("{}  {}", text_of(&run, "id"), text_of(&run, "status")));
            }
        }
        SchedulesCommand::Next(next) => show_next(session, &next).await?,
    }
    Ok(0)
}

fn path_of(name: &str) -> String {
    format!("{PATH}/{}", in_query(name))
}

async fn add_one(session: &Session, add: &ScheduleAdd) -> anyhow::Result<()> {
    let (ui, body) = (&session.ui, body(add)?);
    let (made, is_here) = with_control(session, async |control| {
        let made = control.put(&path_of(&add.name), &body).await?;
        Ok((made, matches!(control, Control::Here(_))))
    })
    .await?;
    let next = text_of(&made, "next.local");
    match next.as_str() {
        "" => ui.note(&format!("{} is kept and paused or over", add.name)),
        next => ui.note(&format!("{} runs next at {next}", add.name)),
    }
    if is_here {
        ui.note("no server runs on this data directory: wforge serve starts what is due");
    }
    if ui.is_json() {
        ui.out_json(&made)?;
    }
    Ok(())
}

fn body(add: &ScheduleAdd) -> anyhow::Result<Value> {
    let input = match &add.input {
        None => Object::new(),
        Some(flag) => match json_of("--input", flag)? {
            Value::Object(input) => input,
            _ => return Err(Refusal::user("bad_flags", "--input is a JSON object").into()),
        },
    };
    let context = add.context.as_deref().map(|flag| json_of("--context", flag)).transpose()?;
    let lasting_ms = add.lasting.as_deref().map(|text| duration_ms("--for", text)).transpose()?;
    let until = lasting_ms.map(|ms| SystemClock.now().after_ms(ms));
    let missed = match add.missed {
        Missed::Skip => "skip",
        Missed::One => "one",
        Missed::All => "all",
    };
    let overlap = match add.overlap {
        Overlap::Allow => "allow",
        Overlap::Skip => "skip",
    };
    Ok(json!({
        "workflow": add.workflow,
        "input": input,
        "context": context,
        "time_key": add.time_key,
        "thread": add.thread,
        "cron": add.cron,
        "zone": add.zone,
        "missed": missed,
        "overlap": overlap,
        "jitter_s": add.jitter,
        "until": until,
        "runs_max": add.runs_max,
        "paused": add.paused.then_some(true),
    }))
}

fn json_of(flag: &str, written: &str) -> Result<Value, Refusal> {
    let wrong = |problem: String| Refusal::user("bad_flags", format!("{flag}: {problem}"));
    let text = match written.strip_prefix('@') {
        None => written.to_owned(),
        Some(path) => {
            super::inputs::text_of(std::path::Path::new(path), JSON_BYTES_MAX).map_err(wrong)?
        }
    };
    serde_json::from_str(&text).map_err(|error| wrong(format!("is no JSON: {error}")))
}

async fn show_next(session: &Session, next: &ScheduleNext) -> anyhow::Result<()> {
    let (ui, count) = (&session.ui, next.count);
    let times = match (&next.name, &next.cron) {
        (Some(name), _) => {
            let path = format!("{}/next?count={count}", path_of(name));
            with_control(session, async |c| c.get(&path).await).await?
        }
        (None, cron) => {
            let body = json!({ "cron": cron, "zone": next.zone, "count": count });
            let path = format!("{PATH}/preview");
            with_control(session, async |c| c.post(&path, Some(&body)).await).await?
        }
    };
    let all = times.get("times").and_then(Value::as_array).cloned().unwrap_or_default();
    if ui.is_json() {
        return ui.out_json(&times);
    }
    let row = |time: &Value| vec![text_of(time, "local"), moment_of(time, "fires_at")];
    print_rows(ui, &all, row, "it is never due again")
}

fn changed(ui: &Ui, schedule: &Value, what: &str) -> anyhow::Result<()> {
    ui.note(&format!("{what} {}", text_of(schedule, "name")));
    if ui.is_json() {
        ui.out_json(schedule)?;
    }
    Ok(())
}

fn row(schedule: &Value) -> Vec<String> {
    let is_paused = schedule.get("paused").and_then(Value::as_bool) == Some(true);
    let next = match text_of(schedule, "next.local") {
        _ if is_paused => "paused".to_owned(),
        next if next.is_empty() => "over".to_owned(),
        next => format!("next {next}"),
    };
    let last = match text_of(schedule, "last.outcome") {
        none if none.is_empty() => "not yet run".to_owned(),
        outcome => format!("last {outcome} {}", text_of(schedule, "last_status")),
    };
    let when = format!("{} {}", text_of(schedule, "cron"), text_of(schedule, "zone"));
    vec![
        text_of(schedule, "name"),
        text_of(schedule, "workflow.name"),
        when,
        next,
        last.trim_end().to_owned(),
    ]
}

fn print_one(ui: &Ui, schedule: &Value) -> anyhow::Result<()> {
    if ui.is_json() {
        return ui.out_json(schedule);
    }
    columns(&[row(schedule)]).iter().for_each(|line| ui.out(line));
    let counts = ["started", "missed", "skipped", "failed"]
        .map(|of| format!("{of} {}", text_of(schedule, &format!("counts.{of}"))));
    ui.out(&counts.join(", "));
    let run = text_of(schedule, "last_run");
    if !run.is_empty() {
        ui.out(&format!("last run {run}"));
    }
    let error = text_of(schedule, "last_error.message");
    if !error.is_empty() {
        let at = moment_of(schedule, "last_error.at");
        ui.out(&format!("last failure at {at}: {error}"));
    }
    Ok(())
}
