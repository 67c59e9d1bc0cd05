//! What a record says of an effect beside its answer: which model was asked, and whether something
//! was written that stays.

use wforge_model::agent::AgentCall;
use wforge_model::effect::Operation;
use wforge_model::{Failure, FailureKind};

use crate::request::Asked;
use crate::session::Answer;

/// What is noted of an effect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) model: Option<String>,
    pub(crate) wrote: bool,
}

impl Mark {
    /// Of an effect that came to this answer. Memory is marked where it is written.
    pub(crate) fn of(asked: &Asked<'_>, call: &AgentCall, answer: &Answer) -> Self {
        match asked.operation {
            Operation::LlmComplete => {
                let was_asked = answer.as_ref().err().is_none_or(may_have_begun);
                Self { model: was_asked.then(|| asked.text("model").to_owned()), wrote: false }
            }
            Operation::HttpFetch | Operation::ToolsCall => {
                // What an agent wrote is in its own record.
                let writes = asked.operation.writes(asked.element) && !asked.is_of_agent(call);
                let wrote = writes && answer.as_ref().err().is_none_or(may_have_arrived);
                Self { model: None, wrote }
            }
            _ => Self::default(),
        }
    }
}

/// Whether a call that failed so was made at all.
fn may_have_begun(failure: &Failure) -> bool {
    match failure.kind() {
        FailureKind::Denied | FailureKind::InvalidInput | FailureKind::Limit => false,
        FailureKind::Upstream
        | FailureKind::Cancelled
        | FailureKind::Failed
        | FailureKind::Trap
        | FailureKind::Timeout
        | FailureKind::BadOutput
        | FailureKind::Missing => true,
    }
}

/// Whether a request that failed so may have reached whom it was for. Once it is on its way nobody
/// knows, whatever became of the answer.
fn may_have_arrived(failure: &Failure) -> bool {
    match failure.kind() {
        FailureKind::Denied | FailureKind::InvalidInput | FailureKind::Missing => false,
        FailureKind::Upstream => failure.code() != "unreachable",
        FailureKind::Limit => failure.code() != "request_bytes",
        FailureKind::Cancelled
        | FailureKind::Failed
        | FailureKind::Trap
        | FailureKind::Timeout
        | FailureKind::BadOutput => true,
    }
}

#[cfg(test)]
mod tests {
    use wforge_model::{Denial, Problem};

    use super::*;

    #[test]
    fn only_what_was_surely_never_sent_is_not_written() {
        let upstream = |code| Failure::Upstream(Problem::new(code, ""));
        let limit = |code| Failure::Limit(Problem::new(code, ""));
        let denied = Failure::Denied(Denial {
            capability: "http".to_owned(),
            resource: String::new(),
            hint: String::new(),
        });
        for (failure, arrived) in [
            (upstream("unreachable"), false),
            (upstream("broken"), true),
            (upstream("timeout"), true),
            (limit("request_bytes"), false),
            (limit("response_bytes"), true),
            (denied, false),
        ] {
            assert_eq!(may_have_arrived(&failure), arrived, "{failure}");
        }
    }
}
