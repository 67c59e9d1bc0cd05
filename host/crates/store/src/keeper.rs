//! The thread that lets the view follow the journal, and tidies up behind it.

use crate::error::Fault;
use crate::keys;
use crate::kv::{Bytes, Writes};
use crate::overlay::Work;
use crate::shared::Shared;

/// Applies groups until the store closes.
pub(crate) fn run(shared: &Shared) {
    while shared.overlay.wait_for_work() {
        let writer = shared.hold_view();
        let work = shared.overlay.work_now();
        let done = work.map_or(Ok(()), |work| step(shared, work));
        drop(writer);
        if let Err(fault) = done {
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

/// Writes the view anew and removes the segments behind it, so that no byte is left of rows that
/// were removed. Commits go on meanwhile, as far as the overlay has room. The journal writes into a
/// segment that was begun after those rows went.
pub(crate) fn scrub(shared: &Shared) -> Result<(), Fault> {
    let _writer = shared.hold_view();
    if let Some(last) = shared.overlay.last() {
        while let Some(work) = shared.overlay.work_now() {
            let through = work.through;
            step(shared, work)?;
            if through >= last {
                break;
            }
        }
    }
    if let Err(fault) = shared.view.rewrite() {
        if matches!(fault, Fault::Gone(_)) {
            // Nothing may be written any more: what is acknowledged is in the journal.
            shared.stop_after("writing the view anew", &fault);
            shared.overlay.fail();
        }
        return Err(fault);
    }
    let applied = shared.view.get(keys::APPLIED)?;
    let applied =
        applied.and_then(|row| row.as_ref().try_into().ok()).map_or(0, u64::from_be_bytes);
    let tidying = |cause| Fault::rows("tidying the journal", cause);
    shared.segments.remove_finished(applied).map_err(tidying)
}

/// Makes the view durable and says so in it, so that the next opening need not replay. Nothing
/// may be written any more.
pub(crate) fn finish(shared: &Shared) -> Result<(), Fault> {
    let _writer = shared.hold_view();
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
