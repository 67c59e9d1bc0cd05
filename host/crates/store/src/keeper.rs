//! The thread that lets the view follow the journal, and tidies up behind it.

use crate::error::Fault;
use crate::keys;
use crate::kv::{Bytes, Writes};
use crate::overlay::Work;
use crate::shared::Shared;

/// Applies groups until the store closes.
pub(crate) fn run(shared: &Shared) {
    while let Some(work) = shared.overlay.wait_for_work() {
        if let Err(fault) = step(shared, work) {
            shared.stop_after("applying the journal to the view", &fault);
            // What is acknowledged is in the journal, and the next opening applies it.
            shared.overlay.fail();
            return;
        }
    }
}

/// Applies one batch, then makes room: files, segments, the next segment.
pub(crate) fn step(shared: &Shared, work: Work) -> Result<(), Fault> {
    let Work { through, mut writes, orphans } = work;
    writes.insert(keys::APPLIED.into(), Some(number(through)));
    shared.view.apply(&writes)?;
    shared.overlay.applied(through);
    // Their last row is gone from the journal's end and from the view.
    orphans.iter().for_each(|(tenant, file)| shared.vault.remove_file(tenant, file));
    let tidying = |cause| Fault::rows("tidying the journal", cause);
    shared.segments.keep_spare().map_err(tidying)?;
    if shared.segments.has_finished(through) {
        // A segment is the only safe copy of its rows until the view is on the disk.
        shared.view.sync()?;
        shared.segments.remove_finished(through).map_err(tidying)?;
    }
    Ok(())
}

/// Makes the view durable and says so in it, so that the next opening need not replay. Nothing
/// may be written any more.
pub(crate) fn finish(shared: &Shared) -> Result<(), Fault> {
    shared.view.sync()?;
    // The keeper has applied everything before it ended.
    let last = shared.view.get(keys::APPLIED)?;
    shared.view.apply(&Writes::from([(keys::SYNCED.into(), last)]))?;
    shared.view.sync()
}

/// A group's number as a row.
pub(crate) fn number(group: u64) -> Bytes {
    group.to_be_bytes().as_slice().into()
}
