//! The fields of the language, one table for each kind of map. The editors' schema is held to
//! these tables by a test, and so is the parser by having no other source of names.

use super::reader::Form;

pub(super) const FILE: Form = Form {
    what: "a workflow",
    fields: &[
        "apiVersion",
        "name",
        "version",
        "state",
        "input",
        "output",
        "nodes",
        "edges",
        "limits",
        "mock",
    ],
    later: &["interrupt", "on_failure"],
};

pub(super) const KEY: Form = Form {
    what: "a state key",
    fields: &["reducer", "default", "schema"],
    later: &["persist", "labels"],
};

pub(super) const NODE: Form = Form {
    what: "a node",
    fields: &[
        "agent",
        "set",
        "ask",
        "in",
        "out",
        "goto",
        "config",
        "retry",
        "timeout",
        "fallback",
        "fallback_on",
        "mock",
        "defer",
        "allow",
    ],
    later: &[
        "workflow",
        "persist",
        "on_error",
        "cache",
        "limits",
        "labels",
        "effects",
        "interrupt",
    ],
};

pub(super) const ASK: Form = Form {
    what: "an ask",
    fields: &["prompt", "schema", "deadline", "on_deadline"],
    later: &["assignee"],
};

pub(super) const ON_DEADLINE: Form =
    Form { what: "on_deadline", fields: &["answer"], later: &["goto", "fail"] };

pub(super) const RETRY: Form = Form {
    what: "a retry rule",
    fields: &["on", "max_attempts", "initial", "factor", "max", "jitter"],
    later: &["effects"],
};

pub(super) const TIMEOUT: Form = Form { what: "a timeout", fields: &["run"], later: &["idle"] };

pub(super) const NODE_MOCK: Form =
    Form { what: "the mock of a node", fields: &["output", "answer", "seed"], later: &["script"] };

pub(super) const LIMITS: Form = Form {
    what: "limits",
    fields: &["steps", "wall", "parallel", "state_bytes_max", "tasks_per_step_max"],
    later: &[],
};

pub(super) const MOCK: Form =
    Form { what: "the mock of a workflow", fields: &["allow", "on_degraded"], later: &[] };

pub(super) const EDGE_TO: Form = Form {
    what: "an edge",
    fields: &["from", "to", "outcome", "branch", "each", "as", "empty"],
    later: &["join", "interrupt"],
};

pub(super) const ARM: Form =
    Form { what: "an arm of a branch", fields: &["when", "to", "outcome"], later: &[] };

/// Every form by the name under which the editors' schema defines it.
pub(super) const ALL: [(&str, &Form); 12] = [
    ("workflow", &FILE),
    ("key", &KEY),
    ("node", &NODE),
    ("ask", &ASK),
    ("on_deadline", &ON_DEADLINE),
    ("retry", &RETRY),
    ("timeout", &TIMEOUT),
    ("node_mock", &NODE_MOCK),
    ("limits", &LIMITS),
    ("mock", &MOCK),
    ("edge", &EDGE_TO),
    ("arm", &ARM),
];
