//! What is said of the routes, a file for each noun or two.

mod audit;
mod grants;
mod people;
mod plugins;
mod runs;
mod secrets;
mod server;
mod tenants;
mod threads;
mod trust;
mod workflows;

use super::operation::Operation;

/// All of them.
pub(super) fn all() -> Vec<Operation> {
    [
        server::operations(),
        plugins::operations(),
        grants::operations(),
        workflows::operations(),
        runs::operations(),
        threads::operations(),
        people::operations(),
        secrets::operations(),
        trust::operations(),
        audit::operations(),
        tenants::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
