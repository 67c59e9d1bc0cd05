//! `wforge dev`: builds a project, runs its workflow, and does both again whenever it is saved.

mod say;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt as _;
use tokio_util::task::TaskTracker;
use wforge_engine::RunMessage;
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{RunId, Seq};
use wforge_ports::Clock as _;

use super::args::DevArgs;
use super::follow::{Stops, abort_at_next, since_ms};
use super::progress::Progress;
use super::refusal::Refusal;
use super::{Session, folder, questions};
use crate::author::build::{self, Event, Options, Schemas};
use crate::author::dev::host::LocalHost;
use crate::author::dev::project::{Change, Project, Stand};
use crate::author::dev::saves::Saves;
use crate::client::{Answer, Report, RunOptions, Start, Workflow, is_settled};
use crate::clock::SystemClock;
use crate::compose::read_component;
use say::Say;
use settings::{Place, Settings};

/// `wforge dev`; until a signal ends it.
pub(super) async fn run(session: &Session, args: &DevArgs) -> anyhow::Result<u8> {
    let plugin = build::read(&args.folder)?;
    let say = Say::new(&session.ui);
    let mut stops = Stops::listen()?;
    let mut dev = Dev {
        session,
        args,
        say: say.clone(),
        project: Project::new(&plugin.folder),
        saves: Saves::open()?,
        before: None,
        host: LocalHost::open(&session.config, &plugin.folder).await?,
    };
    say.watching(plugin.manifest.name.as_str(), &plugin.folder.display().to_string());
    let ended = tokio::select! {
        biased;
        () = stops.next() => Ok(()),
        ended = dev.turns() => ended,
    };
    // Whoever presses Ctrl-C once more wants no more clean-up.
    TaskTracker::new().spawn(abort_at_next(stops));
    dev.host.close().await?;
    ended?;
    say.stopped();
    Ok(0)
}

/// A project that is written.
struct Dev<'a> {
    session: &'a Session,
    args: &'a DevArgs,
    say: Say,
    project: Project,
    saves: Saves,
    /// How the files stood at the last turn.
    before: Option<Stand>,
    host: LocalHost,
}

/// How a run came to its end here.
enum Followed {
    Settled(Box<Report>),
    /// The project was saved at this moment.
    SavedAgain(u64),
}

impl Dev<'_> {
    /// A turn for each save. Ends only where files cannot be read or watched any more.
    async fn turns(&mut self) -> anyhow::Result<()> {
        let mut saved_ns = SystemClock.monotonic_ns();
        loop {
            let stand = self.look()?;
            let change = stand.since(self.before.as_ref());
            self.before = Some(stand);
            let again_ns = match change {
                Change::Nothing => None,
                Change::Run | Change::Code => self.turn(change, saved_ns).await,
            };
            saved_ns = match again_ns {
                Some(again_ns) => again_ns,
                None => self.saves.next().await,
            };
        }
    }

    /// How the files stand, once all of their folders are watched.
    fn look(&mut self) -> anyhow::Result<Stand> {
        let run_only = self.place().run_only();
        loop {
            let stand = self.project.look(&run_only)?;
            if !self.saves.watch(&stand.folders)? {
                return Ok(stand);
            }
        }
    }

    fn place(&self) -> Place<'_> {
        Place { folder: self.project.folder(), args: self.args }
    }

    /// Builds where that is needed, and runs. The moment at which the project was saved again,
    /// where that ended the run.
    async fn turn(&mut self, change: Change, saved_ns: u64) -> Option<u64> {
        if change == Change::Code
            && let Err(error) = self.build().await
        {
            self.say.build_failed(&error, self.host.manifest());
            return None;
        }
        // There is nothing to run before the first good build.
        self.host.manifest()?;
        match self.run_once(saved_ns).await {
            Ok(again_ns) => again_ns,
            Err(error) => {
                self.say.failed(&error);
                None
            }
        }
    }

    async fn build(&mut self) -> anyhow::Result<()> {
        let options =
            Options { schemas: Schemas::Kept, ..Options::new(self.session.machine.clone()) };
        let say = self.say.clone();
        let progress = move |event: Event<'_>| match event {
            Event::Begun(stage) => say.stage(stage),
            Event::Said(text) => say.said(text),
        };
        let began_ns = SystemClock.monotonic_ns();
        let built = build::build(self.project.folder(), &options, &progress).await?;
        self.host.swap(read_component(&built.component)?).await?;
        self.say.ui.clear_status();
        self.say.built(&built, since_ms(began_ns));
        Ok(())
    }

    async fn run_once(&mut self, saved_ns: u64) -> anyhow::Result<Option<u64>> {
        let Settings { workflow, given, answers, grants } = self.place().read(self.session)?;
        let granted = self.host.grant(grants.as_deref())?;
        for path in &given.bring {
            let bytes = folder::read(path).map_err(|text| Refusal::user("bad_flags", text))?;
            self.host.put_blob(bytes).await?;
        }
        let draft = workflow.draft.clone();
        let start = Start {
            workflow: Workflow::File(Box::new(workflow)),
            with: Vec::new(),
            input: given.input,
            context: given.context,
            answers: BTreeMap::new(),
            mocks: given.mocks,
            plugins: None,
            options: RunOptions::default(),
        };
        let began_ns = SystemClock.monotonic_ns();
        let run = self.host.start(start).await?;
        self.say.started(run, &draft, &granted);
        match self.follow(run, (&draft, &answers)).await? {
            Followed::Settled(report) => {
                let times = (since_ms(began_ns), since_ms(saved_ns));
                self.say.output(&report, &draft, times)?;
                Ok(None)
            }
            Followed::SavedAgain(again_ns) => {
                self.host.cancel(run, "the project was saved again").await?;
                self.say.again(run);
                Ok(Some(again_ns))
            }
        }
    }

    /// Tells what comes from a run and answers what it asks, until it has settled or the project
    /// was saved again.
    async fn follow(
        &mut self,
        run: RunId,
        (draft, answers): (&WorkflowDraft, &[String]),
    ) -> anyhow::Result<Followed> {
        let mut messages = self.host.messages(run);
        let clock = Arc::new(SystemClock);
        let mut progress = Progress::new(&self.say.ui, clock, Seq(0), draft);
        let mut seen = Seq(0);
        loop {
            let message = tokio::select! {
                message = messages.next() => message.transpose()?,
                again_ns = self.saves.next() => {
                    // A compiler that writes beside the sources looks like a save, and is none.
                    if self.look()?.since(self.before.as_ref()) == Change::Nothing {
                        continue;
                    }
                    return Ok(Followed::SavedAgain(again_ns));
                }
            };
            let is_end = message.is_none();
            match message {
                Some(RunMessage::Event(event)) => {
                    seen = event.seq;
                    progress.take(&event);
                    if !progress.trail().may_have_settled() {
                        continue;
                    }
                }
                Some(RunMessage::Line { node, level, message, .. }) => {
                    self.say.line(node.as_str(), level, &message);
                    progress.line(node.as_str(), level, &message);
                    continue;
                }
                Some(RunMessage::Emitted { node, topic, payload, .. }) => {
                    self.say.emitted(node.as_str(), &topic, &payload);
                    continue;
                }
                Some(RunMessage::Delta { .. } | RunMessage::Lagged { .. }) => continue,
                None => {}
            }
            let report = self.host.report(run).await?;
            // A question may be asked and answered within one commit.
            let is_over = seen >= report.head.seq;
            // A run that has ended ends its messages, after the last line of its plugins.
            let waits = is_settled(&report.head) && is_over && !report.head.status.is_final();
            if !is_end && !waits {
                continue;
            }
            let answers = known(&report, answers)?;
            if is_end || answers.is_empty() {
                return Ok(Followed::Settled(Box::new(report)));
            }
            self.host.resume(run, answers).await?;
        }
    }
}

/// The answers that are known to what a run asks.
fn known(report: &Report, answers: &[String]) -> anyhow::Result<Vec<Answer>> {
    let asked = report.asked();
    let is_asked = |answer: &&String| {
        let node = answer.split_once('=').map(|(node, _)| node);
        asked.iter().any(|(path, _)| Some(path.as_str()) == node)
    };
    // The first one of a node is the flag's, and goes before the file's.
    let mut nodes = BTreeSet::new();
    let mut flags = Vec::new();
    for answer in answers.iter().filter(is_asked) {
        if nodes.insert(answer.split_once('=').map(|(node, _)| node)) {
            flags.push(answer.clone());
        }
    }
    questions::given(report, &flags)
}
