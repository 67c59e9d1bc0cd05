//! Our side: a thread that is driven by `wforge_graph` alone, without a store, a clock or a task.

mod book;
mod records;
mod thread;
mod watch;

use serde_json::{Value, json};

use crate::case::Case;

pub use book::Book;
pub use thread::Thread;

/// What each action of a case led to.
///
/// # Errors
/// The log of a run folds to another run than the one that wrote it.
pub fn run(case: &Case) -> anyhow::Result<Vec<Value>> {
    let book = match Book::of(case) {
        Ok(book) => book,
        Err(code) => {
            return Ok(vec![json!({ "action": "compile", "status": "refused", "error": code })]);
        }
    };
    let mut thread = Thread::new(book);
    let records = case.actions.iter().map(|action| thread.act(action)).collect();
    thread.check_logs()?;
    Ok(records)
}
