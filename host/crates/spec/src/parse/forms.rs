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
        "interrupt",
        "on_failure",
    ],
    later: &[],
};

pub(super) const KEY: Form = Form {
    what: "a state key",
    fields: &["reducer", "default", "schema", "persist", "ephemeral"],
    later: &["labels"],
};

pub(super) const NODE: Form = Form {
    what: "a node",
    fields: &[
        "agent",
        "set",
        "ask",
        "workflow",
        "persist",
        "in",
        "out",
        "goto",
        "config",
        "retry",
        "timeout",
        "cache",
        "on_error",
        "fallback",
        "fallback_on",
        "mock",
        "defer",
        "allow",
        "effects",
        "labels",
    ],
    later: &["limits"],
};

pub(super) const EFFECTS: Form =
    Form { what: "effects", fields: &["unknown", "idempotent"], later: &[] };

pub(super) const ASK: Form = Form {
    what: "an ask",
    fields: &["prompt", "assignee", "schema", "deadline", "on_deadline", "escalate"],
    later: &[],
};

pub(super) const ESCALATE: Form = Form { what: "escalate", fields: &["after", "to"], later: &[] };

pub(super) const ON_DEADLINE: Form =
    Form { what: "on_deadline", fields: &["answer"], later: &["goto", "fail"] };

pub(super) const RETRY: Form = Form {
    what: "a retry rule",
    fields: &["on", "max_attempts", "initial", "factor", "max", "jitter", "effects"],
    later: &[],
};

pub(super) const TIMEOUT: Form = Form { what: "a timeout", fields: &["run", "idle"], later: &[] };

pub(super) const CACHE: Form = Form { what: "a cache", fields: &["ttl"], later: &[] };

pub(super) const NODE_MOCK: Form = Form {
    what: "the mock of a node",
    fields: &["output", "answer", "seed", "script"],
    later: &[],
};

/// The steps of a script that say something; `identity` and `return_none` are words alone.
pub(super) const OP: Form = Form {
    what: "a step of a script",
    fields: &[
        "set",
        "append",
        "concat",
        "overwrite",
        "goto",
        "send",
        "interrupt",
        "interrupt_each",
        "fail",
        "sleep",
        "emit",
        "count",
    ],
    later: &[],
};

pub(super) const SEND: Form = Form { what: "a send", fields: &["exit", "input"], later: &[] };

pub(super) const FAIL: Form = Form {
    what: "a failure of a script",
    fields: &["kind", "code", "message", "retryable", "times"],
    later: &[],
};

pub(super) const EMIT: Form = Form { what: "an emit", fields: &["topic", "value"], later: &[] };

pub(super) const INTERRUPT: Form =
    Form { what: "interrupt", fields: &["before", "after"], later: &[] };

pub(super) const LIMITS: Form = Form {
    what: "limits",
    fields: &["steps", "wall", "step", "parallel", "state_bytes_max", "tasks_per_step_max"],
    later: &[],
};

pub(super) const MOCK: Form =
    Form { what: "the mock of a workflow", fields: &["allow", "on_degraded"], later: &[] };

pub(super) const EDGE_TO: Form = Form {
    what: "an edge",
    fields: &["from", "to", "outcome", "branch", "each", "as", "empty", "join"],
    later: &[],
};

pub(super) const ARM: Form =
    Form { what: "an arm of a branch", fields: &["when", "to", "outcome"], later: &[] };

/// Every form by the name under which the editors' schema defines it.
pub(super) const ALL: [(&str, &Form); 20] = [
    ("workflow", &FILE),
    ("key", &KEY),
    ("node", &NODE),
    ("ask", &ASK),
    ("on_deadline", &ON_DEADLINE),
    ("escalate", &ESCALATE),
    ("effects", &EFFECTS),
    ("retry", &RETRY),
    ("timeout", &TIMEOUT),
    ("cache", &CACHE),
    ("node_mock", &NODE_MOCK),
    ("op", &OP),
    ("send", &SEND),
    ("fail", &FAIL),
    ("emit", &EMIT),
    ("interrupt", &INTERRUPT),
    ("limits", &LIMITS),
    ("mock", &MOCK),
    ("edge", &EDGE_TO),
    ("arm", &ARM),
];
