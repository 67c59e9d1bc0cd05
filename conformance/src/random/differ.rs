//! Where two records of one case differ, once what is chance is left out.

use serde_json::Value;

use crate::case::{Action, Case};
use crate::engine;
use crate::oracle::Oracle;

/// Where the records of a case first differ.
#[derive(Debug, PartialEq)]
pub struct Difference {
    /// The action, by its place.
    pub place: usize,
    action: Value,
    /// How the thread stands after it, and the error: ours, then LangGraph's.
    ours: [Option<Value>; 2],
    theirs: [Option<Value>; 2],
}

impl Difference {
    /// The first difference, if there is one.
    pub fn between(ours: &[Value], theirs: &[Value]) -> Option<Self> {
        let (ours, theirs) = (comparable(ours), comparable(theirs));
        let place = ours.iter().zip(&theirs).take_while(|(left, right)| left == right).count();
        let (ours, theirs) = (ours.get(place), theirs.get(place));
        let field = |record: Option<&Value>, name| record?.get(name).cloned();
        let ends = |record| [field(record, "status"), field(record, "error")];
        let action = field(ours.or(theirs), "action")?;
        Some(Self { place, action, ours: ends(ours), theirs: ends(theirs) })
    }

    /// Whether it is of one kind with another one, so that a smaller case shows the same thing.
    pub fn is_like(&self, other: &Self) -> bool {
        (&self.action, &self.ours, &self.theirs) == (&other.action, &other.ours, &other.theirs)
    }
}

/// Where a case differs; none where it runs alike, cannot run, or makes no sense.
pub fn difference_of(case: &Case, oracle: &mut Oracle) -> Option<Difference> {
    let ours = engine::run(case).ok()?;
    let before = std::iter::once(None).chain(ours.iter().map(Some));
    if !case.actions.iter().zip(before).all(|(action, before)| fits(action, before)) {
        return None;
    }
    Difference::between(&ours, &oracle.run(case).ok()?)
}

/// Whether an action fits where the thread stands.
fn fits(action: &Action, before: Option<&Value>) -> bool {
    let status = before.and_then(|record| record.get("status")?.as_str());
    match action {
        Action::Invoke(_) => true,
        Action::Resume(_) => status == Some("waiting"),
        Action::Continue(go_on) => {
            status.is_some() && (go_on.options.at.is_some() || status != Some("waiting"))
        }
        Action::Update(_) | Action::Bulk(_) | Action::Copy(_) => status.is_some(),
    }
}

/// Records without what depends on how fast threads are: LangGraph stops a super-step at its first
/// failure, and how far its siblings and what runs inside them had come by then is chance.
pub fn comparable(records: &[Value]) -> Vec<Value> {
    let mut records = records.to_vec();
    for record in &mut records {
        let failed = record.get("status").is_some_and(|status| status == "failed");
        if let (true, Value::Object(fields)) = (failed, record) {
            for field in ["next", "interrupts", "custom", "waits"] {
                fields.remove(field);
            }
            if let Some(Value::Array(levels)) = fields.get_mut("steps") {
                levels.retain(|level| level.get("level").is_some_and(|level| level == ""));
            }
        }
    }
    records
}
