//! Sandboxes that are entered again, as by a host that saves itself the making: whatever one call
//! left is there for the next one of the same component. Only a build for proofs does so.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use wasmtime::Store;
use wforge_model::Digest;
use wforge_model::defence::{Defence, holds};

use crate::bindings::Plugin;
use crate::guest::state::Guest;

static KEPT: LazyLock<Mutex<HashMap<Digest, Kept>>> = LazyLock::new(Mutex::default);

/// What a call left.
pub(crate) struct Kept {
    store: Store<Guest>,
    plugin: Plugin,
}

impl Kept {
    /// Puts another call in the place of the one that left it. What the component still holds
    /// handles of stays where it was.
    pub(crate) fn entered_by(mut self, mut guest: Guest) -> (Store<Guest>, Plugin) {
        let left = self.store.data_mut();
        std::mem::swap(&mut left.table, &mut guest.table);
        *left = guest;
        (self.store, self.plugin)
    }
}

/// The sandbox that a call of that component left.
pub(crate) fn take(component: Digest) -> Option<Kept> {
    if holds(Defence::Fresh) {
        return None;
    }
    kept().remove(&component)
}

/// Drops the sandbox; or keeps it, even where its guest has trapped.
pub(crate) fn leave(component: Digest, store: Store<Guest>, plugin: Option<Plugin>) {
    if let Some(plugin) = plugin.filter(|_| !holds(Defence::Fresh)) {
        kept().insert(component, Kept { store, plugin });
    }
}

fn kept() -> MutexGuard<'static, HashMap<Digest, Kept>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}
