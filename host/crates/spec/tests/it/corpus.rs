//! The seeds of the fuzzer, by the same properties that it holds.

#[path = "../../../../../hostile/fuzz/properties/expression.rs"]
mod expression;
#[path = "../../../../../hostile/fuzz/properties/corpus.rs"]
mod replaying;
#[path = "../../../../../hostile/fuzz/properties/workflow.rs"]
mod workflow;

#[test]
fn workflow_files_say_where_they_are_wrong() {
    replaying::replay("workflow", workflow::check);
}

#[test]
fn expressions_stay_within_their_budget() {
    replaying::replay("expression", expression::check);
}
