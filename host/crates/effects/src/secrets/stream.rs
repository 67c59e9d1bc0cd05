//! Pieces of a text on their way to whoever watches: a secret that comes in two pieces is held back
//! until it is whole, or until it turns out to be none.

use std::sync::{Mutex, PoisonError};

use wforge_model::TenantId;

use super::Secrets;

/// Where the pieces come by.
pub(crate) struct Mouth<'a> {
    secrets: &'a Secrets,
    tenant: &'a TenantId,
    say: &'a (dyn Fn(&str) + Send + Sync),
    held: Mutex<String>,
}

impl<'a> Mouth<'a> {
    pub(crate) fn new(
        secrets: &'a Secrets,
        tenant: &'a TenantId,
        say: &'a (dyn Fn(&str) + Send + Sync),
    ) -> Self {
        Self { secrets, tenant, say, held: Mutex::default() }
    }

    /// Takes the next piece, and says what can be said.
    pub(crate) fn take(&self, piece: &str) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        // Asked for each piece: the secret may have been opened in between.
        let Some(redactor) = self.secrets.redactor(self.tenant) else {
            return (self.say)(&(std::mem::take(&mut *held) + piece));
        };
        held.push_str(piece);
        let cut = held.len() - redactor.open_end(&held);
        let rest = held.split_off(cut);
        let ready = std::mem::replace(&mut *held, rest);
        if !ready.is_empty() {
            (self.say)(&redactor.text(&ready));
        }
    }

    /// Says what was held back: it was no secret.
    pub(crate) fn close(&self) {
        let held = std::mem::take(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner));
        if !held.is_empty() {
            (self.say)(&held);
        }
    }
}
