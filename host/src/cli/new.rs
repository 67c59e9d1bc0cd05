//! `wforge new agent` and `wforge new workflow`: what was not said is asked at a terminal.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::json;

use super::args::{NewAgent, NewCommand, NewWorkflow};
use super::refusal::Refusal;
use super::ui::{Paint, Ui};
use crate::author::machine::Machine;
use crate::author::new::{
    Git, Made, PUBLISHER, Template, Wanted, create, plugin_name, workflow_name,
};

/// Answers that are asked for again after one that will not do.
const TRIES_MAX: usize = 3;
/// A command line that leaves no question open.
const AGENT: &str = "wforge new agent me/greeter --lang js --template hello";
/// The same for a workflow.
const WORKFLOW: &str = "wforge new workflow review";

/// Makes the project, and says what to do next.
pub(crate) async fn run(ui: &Ui, machine: &Machine, command: &NewCommand) -> anyhow::Result<u8> {
    let is_there = std::io::stdin().is_terminal() && !ui.is_json();
    let person = |example| Person { ui, is_there, example };
    let (wanted, dir) = match command {
        NewCommand::Agent(args) => agent(&person(AGENT), args)?,
        NewCommand::Workflow(NewWorkflow { name, dir }) => {
            let person = person(WORKFLOW);
            let name = person.text(name.as_deref(), "NAME", "Name", None, workflow_name)?;
            (Wanted::Workflow { name }, dir.clone())
        }
    };
    let folder = dir.unwrap_or_else(|| PathBuf::from(wanted.short()));
    let made = create(machine, &wanted, &folder).await?;
    if ui.is_json() {
        ui.out_json(&json!({ "folder": made.folder, "files": made.files, "git": made.git }))?;
    } else {
        tell(ui, &wanted, &made);
    }
    Ok(0)
}

fn agent(person: &Person<'_>, args: &NewAgent) -> anyhow::Result<(Wanted, Option<PathBuf>)> {
    let NewAgent { name, lang, template, dir } = args;
    let question = "Name, as publisher/name";
    let read = |text: &str| plugin_name(text, PUBLISHER);
    let name = person.text(name.as_deref(), "NAME", question, None, read)?;
    let lang = person.choice(*lang, "--lang", "Language", None)?;
    let template = person.choice(*template, "--template", "Template", Some(&Template::Hello))?;
    Ok((Wanted::Agent { name, lang, template }, dir.clone()))
}

/// Whoever sits at the terminal, if anybody does.
struct Person<'a> {
    ui: &'a Ui,
    is_there: bool,
    /// What can be written instead of answering.
    example: &'static str,
}

impl Person<'_> {
    /// What the flag says, or what is answered; the usual where nobody is there.
    fn text<T>(
        &self,
        given: Option<&str>,
        flag: &str,
        question: &str,
        usual: Option<&str>,
        read: impl Fn(&str) -> Result<T, Refusal>,
    ) -> anyhow::Result<T> {
        if let Some(text) = given.or(usual.filter(|_| !self.is_there)) {
            return Ok(read(text)?);
        }
        if !self.is_there {
            return Err(self.missing(flag).into());
        }
        for left in (0..TRIES_MAX).rev() {
            let hint = usual.map(|usual| format!(" [{usual}]")).unwrap_or_default();
            self.ui.ask(&self.ui.paint(Paint::Cyan, &format!("{question}{hint}: ")));
            let Some(line) = line()? else { break };
            let answer = if line.is_empty() { usual.unwrap_or_default() } else { &line };
            match read(answer) {
                Ok(value) => return Ok(value),
                Err(refusal) if left == 0 => return Err(refusal.into()),
                Err(refusal) => self.ui.err(&refusal.message),
            }
        }
        Err(self.missing(flag).into())
    }

    fn missing(&self, flag: &str) -> Refusal {
        Refusal::user("missing_flag", format!("{flag} is missing, and there is nobody to ask"))
            .help(format!("{}; --help shows what there is", self.example))
    }

    /// The same for one of several.
    fn choice<T: ValueEnum>(
        &self,
        given: Option<T>,
        flag: &str,
        question: &str,
        usual: Option<&T>,
    ) -> anyhow::Result<T> {
        if let Some(value) = given {
            return Ok(value);
        }
        let names = names_of::<T>();
        if self.is_there {
            for (name, help) in options::<T>() {
                self.ui.err(&format!("  {name:8} {help}"));
            }
        }
        let question = format!("{question} ({})", names.join(", "));
        let usual = usual.and_then(name_of);
        self.text(None, flag, &question, usual.as_deref(), |text| {
            T::from_str(text, true).map_err(|_| {
                let message = format!("\"{text}\" is none of them");
                Refusal::user("bad_flags", message).help(format!("write {}", names.join(", ")))
            })
        })
    }
}

fn line() -> anyhow::Result<Option<String>> {
    let mut text = String::new();
    let count = std::io::stdin().read_line(&mut text)?;
    Ok((count > 0).then(|| text.trim().to_owned()))
}

fn name_of<T: ValueEnum>(value: &T) -> Option<String> {
    Some(value.to_possible_value()?.get_name().to_owned())
}

fn names_of<T: ValueEnum>() -> Vec<String> {
    T::value_variants().iter().filter_map(name_of).collect()
}

/// Names and what they mean.
fn options<T: ValueEnum>() -> Vec<(String, String)> {
    let values = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let option = |value: clap::builder::PossibleValue| {
        let help = value.get_help().map(ToString::to_string).unwrap_or_default();
        (value.get_name().to_owned(), help)
    };
    values.map(option).collect()
}

fn tell(ui: &Ui, wanted: &Wanted, made: &Made) {
    let folder = made.folder.display();
    match wanted {
        Wanted::Agent { name, lang, template } => {
            let (lang, template) = (lang.name(), template.name());
            ui.out(&format!("made {folder}: {name} in {lang}, from the template {template}"));
        }
        Wanted::Workflow { name } => ui.out(&format!("made {folder}: the workflow {name}")),
    }
    match made.git {
        Git::Committed => ui.note("git: a repository with a first commit"),
        Git::Begun => ui.note("git: a repository without a commit: no user.email, or git refused"),
        Git::Inside => ui.note("git: inside a repository already"),
        Git::None => ui.note("git: no repository: git is not in PATH, or refused"),
    }
    for command in next(wanted, &made.folder) {
        ui.out(&format!("  {command}"));
    }
    if let Wanted::Agent { name, .. } = wanted
        && name.as_str().starts_with(&format!("{PUBLISHER}/"))
    {
        ui.note(&format!(
            "the publisher is \"{PUBLISHER}\": change name in plugin.toml before you publish it"
        ));
    }
}

/// What to do next.
fn next(wanted: &Wanted, folder: &Path) -> Vec<String> {
    let mut commands = Vec::new();
    if folder != Path::new(".") {
        commands.push(format!("cd {}", folder.display()));
    }
    match wanted {
        Wanted::Agent { lang, .. } => {
            commands.extend([lang.tests(), "wforge build", "wforge test"].map(ToOwned::to_owned));
            commands.push("wforge run workflow.yaml".to_owned());
        }
        Wanted::Workflow { .. } => {
            commands.push("wforge run workflow.yaml --answer review=yes".to_owned());
        }
    }
    commands
}
