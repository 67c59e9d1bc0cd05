//! The inbox: what waits for people over all runs of a tenant, filtered and in order.
//!
//! Nothing is kept for it but the rows of runs. An entry has the id of its question, or, where a
//! run stands at a border, that of the run, or of the task that runs the subgraph which stands
//! there.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::str::FromStr;

use serde::Serialize;
use wforge_model::event::{AssignedBy, EventKind, InterruptedAt, RunEvent};
use wforge_model::head::{RunHead, WaitReason, WaitingFor};
use wforge_model::text::harmless_line;
use wforge_model::{NodeId, QuestionId, RunId, TaskId, TenantId, ThreadId, Timestamp, Value};
use wforge_ports::store::AuditDraft;

use crate::request::EngineError;
use crate::service::Shared;

/// Rows of runs that are read at once.
const PAGE: usize = 256;
/// Of the name of somebody in an entry of the audit log, in characters.
const TO_CHARS_MAX: usize = 200;

/// Something that waits for a person.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InboxEntry {
    /// Its id, as long as it waits.
    #[serde(skip)]
    pub id: InterruptId,
    /// The run.
    pub run: RunId,
    /// `name@version` of its workflow.
    pub workflow: String,
    /// Its thread, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<ThreadId>,
    /// When the run last moved.
    pub since: Timestamp,
    /// The node that asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// When nobody needs to do anything any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// Who should answer; none: whoever comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// What was said to them when it was put to them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Whose it becomes where nobody answers, or became.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalation: Option<Escalating>,
    /// Whether its deadline has passed, or the time after which it escalates.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub overdue: bool,
    /// Whether mocks stood in for agents of the run: what is asked may rest on made-up data.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub degraded: bool,
    /// What is wanted.
    pub wants: InboxWants,
}

/// Whose a question becomes, or became.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Escalating {
    /// When.
    pub at: Timestamp,
    /// Whose.
    pub to: String,
}

/// What a run wants of a person.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum InboxWants {
    /// An answer.
    Answer {
        /// The question.
        question: QuestionId,
        /// The question as the person reads it.
        prompt: String,
        /// What an answer must fit.
        #[serde(skip_serializing_if = "Option::is_none")]
        schema: Option<Value>,
    },
    /// To be let go on.
    Resume {
        /// Whether it stands before or after the nodes; none: it was asked to pause.
        #[serde(skip_serializing_if = "Option::is_none")]
        when: Option<InterruptedAt>,
        /// The nodes at which it stands.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        nodes: Vec<NodeId>,
    },
}

/// Which entry of the inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InterruptId {
    /// A question.
    Question(QuestionId),
    /// The subgraph that this task runs, which stands at a border.
    Subgraph(TaskId),
    /// A run that stands at a border.
    Run(RunId),
}

impl fmt::Display for InterruptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Question(question) => question.fmt(f),
            Self::Subgraph(task) => task.fmt(f),
            Self::Run(run) => run.fmt(f),
        }
    }
}

impl FromStr for InterruptId {
    type Err = wforge_model::id::ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let run = || text.parse().map(Self::Run);
        let task = || text.parse().map(Self::Subgraph);
        // What is none of them is said to be no question: questions are what is asked for.
        text.parse()
            .map(Self::Question)
            .or_else(|error| run().or_else(|_| task()).map_err(|_| error))
    }
}

/// Which entries are wanted, and from where on.
#[derive(Debug, Clone, Default)]
pub struct InboxQuery {
    /// Only of these.
    pub filter: InboxFilter,
    /// In which order.
    pub order: InboxOrder,
    /// Only what comes after this place of that order.
    pub after: Option<InboxPlace>,
    /// At most so many.
    pub limit: usize,
}

/// Which entries are wanted: all that is said must hold.
#[derive(Debug, Clone, Default)]
pub struct InboxFilter {
    /// `name` or `name@version` of the workflow.
    pub workflow: Option<String>,
    /// The run.
    pub run: Option<RunId>,
    /// The thread.
    pub thread: Option<ThreadId>,
    /// The node that asks.
    pub node: Option<String>,
    /// To whom it was put.
    pub assignee: Option<PutTo>,
    /// What is wanted.
    pub kind: Option<InboxKind>,
    /// The run has not moved for so long, in milliseconds.
    pub older_than_ms: Option<u64>,
    /// Whether it is overdue.
    pub overdue: Option<bool>,
}

/// To whom a question was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutTo {
    /// That name.
    Name(String),
    /// Nobody: whoever comes.
    Nobody,
}

/// What is wanted of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InboxKind {
    /// An answer.
    Question,
    /// To be let go on.
    Pause,
}

/// The order of an inbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum InboxOrder {
    /// The oldest run first.
    #[default]
    Run,
    /// What is due first is first; what has no deadline comes last.
    Deadline,
}

/// A place in an inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct InboxPlace {
    /// `u64::MAX` stands for none.
    deadline: u64,
    run: RunId,
    id: InterruptId,
}

impl InboxPlace {
    /// The place of an entry.
    #[must_use]
    pub fn of(entry: &InboxEntry) -> Self {
        let deadline = entry.deadline.map_or(u64::MAX, |at| at.0);
        Self { deadline, run: entry.run, id: entry.id }
    }

    /// What counts in that order.
    const fn key(self, order: InboxOrder) -> Self {
        match order {
            InboxOrder::Run => Self { deadline: 0, ..self },
            InboxOrder::Deadline => self,
        }
    }
}

impl fmt::Display for InboxPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { deadline, run, id } = self;
        write!(f, "{deadline}.{run}.{id}")
    }
}

impl FromStr for InboxPlace {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let place = || {
            let (deadline, rest) = text.split_once('.')?;
            let (run, id) = rest.split_once('.')?;
            Some(Self {
                deadline: deadline.parse().ok()?,
                run: run.parse().ok()?,
                id: id.parse().ok()?,
            })
        };
        place().ok_or(NoPlace)
    }
}

/// A text is no place of an inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a place of an inbox")]
pub struct NoPlace;

impl InboxFilter {
    fn takes(&self, entry: &InboxEntry, now: Timestamp) -> bool {
        let kind = match entry.wants {
            InboxWants::Answer { .. } => InboxKind::Question,
            InboxWants::Resume { .. } => InboxKind::Pause,
        };
        let name = entry.workflow.split('@').next();
        let is_of =
            |workflow: &String| entry.workflow == *workflow || name == Some(workflow.as_str());
        let is_put_to = |to: &PutTo| match to {
            PutTo::Name(name) => entry.assignee.as_ref() == Some(name),
            PutTo::Nobody => kind == InboxKind::Question && entry.assignee.is_none(),
        };
        let is_node = |node: &String| entry.node.as_ref().is_some_and(|it| it.as_str() == node);
        self.workflow.as_ref().is_none_or(is_of)
            && self.run.is_none_or(|run| entry.run == run)
            && self.thread.is_none_or(|thread| entry.thread == Some(thread))
            && self.node.as_ref().is_none_or(is_node)
            && self.assignee.as_ref().is_none_or(is_put_to)
            && self.kind.is_none_or(|wanted| wanted == kind)
            && self.older_than_ms.is_none_or(|ms| entry.since.after_ms(ms) <= now)
            && self.overdue.is_none_or(|overdue| entry.overdue == overdue)
    }
}

/// One page of the inbox, and whether there is more after it.
pub(crate) async fn page(
    shared: &Shared,
    tenant: &TenantId,
    query: &InboxQuery,
) -> Result<(Vec<InboxEntry>, bool), EngineError> {
    let now = shared.parts.clock.now();
    let mut page = Page::new(query, now);
    if let Some(run) = query.filter.run {
        let head = shared.parts.store.head(tenant, run).await?;
        head.iter().for_each(|head| page.take(head));
        return Ok(page.finish());
    }
    // In the order of runs, whatever is before the place is not read again.
    let from = query.after.filter(|_| query.order == InboxOrder::Run).map(|place| place.run);
    if let Some(run) = from {
        let head = shared.parts.store.head(tenant, run).await?;
        head.iter().for_each(|head| page.take(head));
    }
    let mut seen = from;
    while !page.is_full() {
        let heads = shared.parts.store.waiting(tenant, seen, PAGE).await?;
        heads.iter().for_each(|head| page.take(head));
        match heads.last() {
            Some(last) if heads.len() == PAGE => seen = Some(last.run),
            Some(_) | None => break,
        }
    }
    Ok(page.finish())
}

/// The entry with that id; none where nothing waits under it.
pub(crate) async fn find(
    shared: &Shared,
    tenant: &TenantId,
    id: InterruptId,
) -> Result<InboxEntry, EngineError> {
    let now = shared.parts.clock.now();
    let of = |head: &RunHead| entries(head, now).into_iter().find(|entry| entry.id == id);
    let missing = || EngineError::NotFound { kind: "interrupt", name: id.to_string() };
    if let InterruptId::Run(run) = id {
        let head = shared.parts.store.head(tenant, run).await?;
        return head.as_ref().and_then(of).ok_or_else(missing);
    }
    let mut seen = None;
    loop {
        let heads = shared.parts.store.waiting(tenant, seen, PAGE).await?;
        if let Some(found) = heads.iter().find_map(of) {
            return Ok(found);
        }
        match heads.last() {
            Some(last) if heads.len() == PAGE => seen = Some(last.run),
            Some(_) | None => return Err(missing()),
        }
    }
}

/// The entries of the audit log about questions that were put to somebody: by people, or by the
/// host once the time has passed that their workflow says.
pub(crate) fn audit_of(run: RunId, events: &[RunEvent]) -> impl Iterator<Item = AuditDraft> {
    events.iter().filter_map(move |event| {
        let EventKind::QuestionAssigned { question, assignee, by, .. } = &event.kind else {
            return None;
        };
        let (actor, action) = match by {
            AssignedBy::Person(actor) => (actor.as_str(), "interrupt.assign"),
            AssignedBy::Escalation => ("host", "interrupt.escalate"),
        };
        // To whom a question escalates is text of its workflow, with values of its state.
        let to = harmless_line(assignee.as_deref().unwrap_or("nobody"), TO_CHARS_MAX);
        Some(AuditDraft {
            at: event.at,
            actor: actor.to_owned(),
            action: action.to_owned(),
            resource: format!("{run} {question} to {to}"),
            outcome: "ok".to_owned(),
        })
    })
}

/// The page that is being filled.
struct Page<'a> {
    query: &'a InboxQuery,
    now: Timestamp,
    /// The first that come after the place, and one more.
    found: BTreeMap<InboxPlace, InboxEntry>,
}

impl<'a> Page<'a> {
    const fn new(query: &'a InboxQuery, now: Timestamp) -> Self {
        Self { query, now, found: BTreeMap::new() }
    }

    fn take(&mut self, head: &RunHead) {
        let InboxQuery { filter, order, after, limit } = self.query;
        let after = after.map_or(Bound::Unbounded, |place| Bound::Excluded(place.key(*order)));
        for entry in entries(head, self.now) {
            let key = InboxPlace::of(&entry).key(*order);
            let is_after = match after {
                Bound::Excluded(place) => key > place,
                Bound::Included(_) | Bound::Unbounded => true,
            };
            if is_after && filter.takes(&entry, self.now) {
                self.found.insert(key, entry);
            }
            if self.found.len() > limit.saturating_add(1) {
                self.found.pop_last();
            }
        }
    }

    /// Whether no later run can come before what was found.
    fn is_full(&self) -> bool {
        self.query.order == InboxOrder::Run && self.found.len() > self.query.limit
    }

    fn finish(self) -> (Vec<InboxEntry>, bool) {
        let has_more = self.found.len() > self.query.limit;
        (self.found.into_values().take(self.query.limit).collect(), has_more)
    }
}

/// What a run wants of people.
fn entries(head: &RunHead, now: Timestamp) -> Vec<InboxEntry> {
    head.waiting_for.iter().filter_map(|waits| entry(head, waits, now)).collect()
}

fn entry(head: &RunHead, waits: &WaitingFor, now: Timestamp) -> Option<InboxEntry> {
    let blank = |id, wants| InboxEntry {
        id,
        run: head.run,
        workflow: format!("{}@{}", head.workflow, head.version),
        thread: head.thread,
        since: head.updated_at,
        node: None,
        deadline: None,
        assignee: None,
        note: None,
        escalation: None,
        overdue: false,
        degraded: head.degraded,
        wants,
    };
    match &waits.waiting {
        WaitReason::Question(asked) => {
            let wants = InboxWants::Answer {
                question: asked.id,
                prompt: asked.prompt.clone(),
                schema: asked.schema.clone(),
            };
            let escalation = asked.escalation.as_ref();
            let is_past = |at: Timestamp| at <= now;
            Some(InboxEntry {
                node: waits.node.clone(),
                deadline: asked.deadline,
                assignee: asked.assignee.clone(),
                note: asked.note.clone(),
                overdue: asked.deadline.is_some_and(is_past)
                    || escalation.is_some_and(|escalation| is_past(escalation.at)),
                escalation: escalation
                    .map(|escalation| Escalating { at: escalation.at, to: escalation.to.clone() }),
                ..blank(InterruptId::Question(asked.id), wants)
            })
        }
        WaitReason::Resume { when, nodes } => {
            let id = waits.task.map_or(InterruptId::Run(head.run), InterruptId::Subgraph);
            Some(blank(id, InboxWants::Resume { when: *when, nodes: nodes.clone() }))
        }
        WaitReason::Timer { .. }
        | WaitReason::Calls { .. }
        | WaitReason::Turn
        | WaitReason::Operator
        | WaitReason::Quarantine { .. }
        | WaitReason::FailureHandler => None,
    }
}

#[cfg(test)]
mod tests {
    use wforge_model::effect::{Escalation, Question, RequestHash};

    use super::*;

    fn asks(run: u8, number: u8, deadline: Option<u64>) -> RunHead {
        let question = Question {
            id: QuestionId::from_bytes([number; 16]),
            prompt: format!("Q{number}?"),
            schema: None,
            deadline: deadline.map(Timestamp),
            assignee: (number.is_multiple_of(2)).then(|| "ann".to_owned()),
            note: None,
            escalation: (number == 3)
                .then(|| Box::new(Escalation { at: Timestamp(50), to: "bob".into(), done: false })),
            request: RequestHash([0; 16]),
        };
        let task = TaskId::from_bytes([number; 16]);
        let waiting = WaitReason::Question(question);
        let entry = WaitingFor { task: Some(task), node: "ask".parse().ok(), waiting };
        let mut head = RunHead::new("acme".parse().unwrap(), RunId::from_bytes([run; 16]));
        (head.workflow, head.version) = ("flow".into(), "1.0.0".into());
        head.waiting_for = vec![entry];
        head
    }

    fn prompts(entries: &[InboxEntry]) -> String {
        let prompt = |entry: &InboxEntry| match &entry.wants {
            InboxWants::Answer { prompt, .. } => prompt.clone(),
            InboxWants::Resume { .. } => "pause".to_owned(),
        };
        entries.iter().map(prompt).collect::<Vec<_>>().join(" ")
    }

    /// All pages of an inbox, each of which goes on where the one before ended.
    fn walk(
        heads: &[RunHead],
        filter: &InboxFilter,
        order: InboxOrder,
        limit: usize,
    ) -> Vec<String> {
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let query = InboxQuery { filter: filter.clone(), order, after, limit };
            let mut page = Page::new(&query, Timestamp(100));
            heads.iter().for_each(|head| page.take(head));
            let (entries, has_more) = page.finish();
            pages.push(prompts(&entries));
            let Some(last) = entries.last().filter(|_| has_more) else { return pages };
            after = Some(InboxPlace::of(last).to_string().parse().unwrap());
        }
    }

    fn heads() -> [RunHead; 4] {
        [asks(1, 1, None), asks(2, 2, Some(300)), asks(3, 3, Some(200)), asks(4, 4, Some(90))]
    }

    #[test]
    fn pages_hold_each_entry_once_in_either_order() {
        let all = InboxFilter::default();
        assert_eq!(walk(&heads(), &all, InboxOrder::Run, 3), ["Q1? Q2? Q3?", "Q4?"]);
        assert_eq!(walk(&heads(), &all, InboxOrder::Deadline, 3), ["Q4? Q3? Q2?", "Q1?"]);
        assert_eq!(walk(&heads(), &all, InboxOrder::Deadline, 4), ["Q4? Q3? Q2? Q1?"]);
    }

    fn check(filter: &InboxFilter, expected: &str) {
        assert_eq!(walk(&heads(), filter, InboxOrder::Run, 9), [expected]);
    }

    #[test]
    fn only_what_all_filters_take_is_shown() {
        let none = InboxFilter::default;
        let ann = || Some(PutTo::Name("ann".into()));
        check(&InboxFilter { assignee: ann(), ..none() }, "Q2? Q4?");
        check(&InboxFilter { assignee: Some(PutTo::Nobody), ..none() }, "Q1? Q3?");
        check(&InboxFilter { overdue: Some(true), ..none() }, "Q3? Q4?");
        check(&InboxFilter { overdue: Some(true), assignee: ann(), ..none() }, "Q4?");
        check(&InboxFilter { kind: Some(InboxKind::Pause), ..none() }, "");
        check(&InboxFilter { workflow: Some("flow@1.0.0".into()), ..none() }, "Q1? Q2? Q3? Q4?");
        check(&InboxFilter { workflow: Some("flo".into()), ..none() }, "");
        check(&InboxFilter { node: Some("other".into()), ..none() }, "");
        check(&InboxFilter { older_than_ms: Some(101), ..none() }, "");
    }
}
