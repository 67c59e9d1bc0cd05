//! What is said of the routes, a file for each noun or two.

mod audit;
mod blobs;
mod grants;
mod interrupts;
mod kv;
mod people;
mod plugins;
mod runs;
mod schedules;
mod secrets;
mod server;
mod tenants;
mod threads;
mod trust;
mod webhooks;
mod workflows;

use super::operation::Operation;

/// All of them.
pub(super) fn all() -> Vec<Operation> {
    [
        server::operations(),
        plugins::operations(),
        grants::operations(),
        workflows::operations(),
        blobs::operations(),
        runs::operations(),
        interrupts::operations(),
        kv::operations(),
        threads::operations(),
        schedules::operations(),
        people::operations(),
        secrets::operations(),
        webhooks::operations(),
        trust::operations(),
        audit::operations(),
        tenants::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
