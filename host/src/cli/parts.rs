//! The workflows of a run as its flags see them: its own, and those that its nodes run, as far as
//! they are at hand.

use wforge_graph::nearest;
use wforge_model::workflow::{Node, Work, WorkflowDraft};
use wforge_model::{NodeId, NodePath, WorkflowRef};

/// A workflow, and others that its nodes may run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'a> {
    pub(super) root: &'a WorkflowDraft,
    pub(super) others: &'a [WorkflowDraft],
}

/// Why a path leads to no node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lost {
    /// In a sentence.
    Nowhere(String),
    /// A workflow on its way is not at hand.
    NotAtHand(WorkflowRef),
}

impl<'a> Parts<'a> {
    /// The node at the end of a path, such as `outer/inner`.
    pub(super) fn find(&self, text: &str) -> Result<(NodePath, &'a Node), Lost> {
        let (mut workflow, mut around) = (self.root, Vec::new());
        let mut names = text.split('/').peekable();
        loop {
            let name = names.next().unwrap_or_default();
            let Some((id, node)) = workflow.nodes.iter().find(|(id, _)| id.as_str() == name) else {
                return Err(Lost::Nowhere(unknown(
                    "node",
                    (text, name),
                    workflow.nodes.keys().map(NodeId::as_str),
                )));
            };
            if names.peek().is_none() {
                return Ok((NodePath::new(around, id.clone()), node));
            }
            let Work::Workflow(subgraph) = &node.work else {
                return Err(Lost::Nowhere(format!("{text}: {id} runs no workflow")));
            };
            workflow = self.named(&subgraph.workflow)?;
            around.push(id.clone());
        }
    }

    /// The newest in range of those at hand.
    fn named(&self, named: &WorkflowRef) -> Result<&'a WorkflowDraft, Lost> {
        let fits = |draft: &&WorkflowDraft| {
            let range = named.range.as_ref();
            draft.name == named.name && range.is_none_or(|range| range.matches(&draft.version))
        };
        let newest = self.others.iter().filter(fits).max_by(|a, b| a.version.cmp(&b.version));
        let own = Some(self.root).filter(fits);
        newest.or(own).ok_or_else(|| Lost::NotAtHand(named.clone()))
    }
}

impl Lost {
    /// The same as a problem of a flag.
    pub(super) fn problem(self) -> String {
        match self {
            Self::Nowhere(problem) => problem,
            Self::NotAtHand(named) => format!("the workflow {named} is not at hand"),
        }
    }
}

/// That there is nothing of that name.
pub(super) fn unknown<'n>(
    kind: &str,
    (flag, name): (&str, &str),
    known: impl Iterator<Item = &'n str> + Clone,
) -> String {
    let near = nearest(name, known.clone()).map(|near| format!("; did you mean {near}?"));
    let all = || {
        let all: Vec<&str> = known.collect();
        if all.is_empty() {
            "; there is none".to_owned()
        } else {
            format!("; known: {}", all.join(", "))
        }
    };
    format!("{flag}: there is no {kind} \"{name}\"{}", near.unwrap_or_else(all))
}
