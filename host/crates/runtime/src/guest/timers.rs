//! Timers that a guest sets by `wasi:clocks`: counted, since each is an entry in the host's own
//! wheel of timers. Polling and waiting for them are host calls like any other.
//!
//! These few functions take the place of wasmtime's, and then do what those do.

use std::collections::HashSet;

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceType};
use wasmtime_wasi::clocks::WasiClocksView as _;
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock::Host as Clock;
use wasmtime_wasi_io::bindings::wasi::io::poll::{Host as Poll, HostPollable};

use super::state::Guest;
use super::unwind::Unwind;

/// The versions of WASI that wasmtime links; a guest's older ones are served by the same.
const CLOCK: &str = "wasi:clocks/monotonic-clock@0.2.12";
const POLL: &str = "wasi:io/poll@0.2.12";

/// The timers of one guest that are not dropped yet, by the numbers of their handles.
#[derive(Debug)]
pub(crate) struct Timers {
    set: HashSet<u32>,
    max: u32,
}

impl Timers {
    pub(crate) fn new(max: u32) -> Self {
        Self { set: HashSet::new(), max }
    }

    fn check(&self) -> Result<(), Unwind> {
        let max = self.max;
        if u32::try_from(self.set.len()).is_ok_and(|set| set < max) {
            return Ok(());
        }
        let message = format!("the agent had more than {max} timers at the same time");
        Err(Unwind::Limit { code: "timers", message })
    }
}

/// Puts the counting functions before wasmtime's.
pub(crate) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut clock = linker.instance(CLOCK)?;
    clock.func_wrap("subscribe-instant", |store, (when,): (u64,)| {
        subscribe(store, |guest| guest.clocks().subscribe_instant(when))
    })?;
    clock.func_wrap("subscribe-duration", |store, (when,): (u64,)| {
        subscribe(store, |guest| guest.clocks().subscribe_duration(when))
    })?;
    link_poll(linker)?;
    linker.allow_shadowing(false);
    Ok(())
}

fn link_poll(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let mut poll = linker.instance(POLL)?;
    poll.resource("pollable", ResourceType::host::<DynPollable>(), |mut store, handle| {
        let guest = store.data_mut();
        guest.timers.set.remove(&handle);
        HostPollable::drop(&mut guest.table, Resource::new_own(handle))
    })?;
    poll.func_wrap_async(
        "poll",
        |mut store: StoreContextMut<'_, Guest>, (list,): (Vec<Resource<DynPollable>>,)| {
            Box::new(async move {
                store.data_mut().count_call()?;
                Ok((Poll::poll(&mut store.data_mut().table, list).await?,))
            })
        },
    )?;
    poll.func_wrap_async(
        "[method]pollable.block",
        |mut store: StoreContextMut<'_, Guest>, (pollable,): (Resource<DynPollable>,)| {
            Box::new(async move {
                store.data_mut().count_call()?;
                HostPollable::block(&mut store.data_mut().table, pollable).await
            })
        },
    )
}

fn subscribe(
    mut store: StoreContextMut<'_, Guest>,
    subscribe: impl FnOnce(&mut Guest) -> wasmtime::Result<Resource<DynPollable>>,
) -> wasmtime::Result<(Resource<DynPollable>,)> {
    let guest = store.data_mut();
    guest.count_call()?;
    guest.timers.check()?;
    let timer = subscribe(guest)?;
    guest.timers.set.insert(timer.rep());
    Ok((timer,))
}
