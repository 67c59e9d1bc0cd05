//! How many calls into the host one guest has left, over all the ways in.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::unwind::Unwind;

/// The budget; all its copies share what is left.
#[derive(Debug, Clone)]
pub(crate) struct CallBudget {
    left: Arc<AtomicU32>,
    max: u32,
}

impl CallBudget {
    pub(crate) fn new(max: u32) -> Self {
        Self { left: Arc::new(AtomicU32::new(max)), max }
    }

    /// Counts one.
    pub(crate) fn count(&self) -> Result<(), Unwind> {
        let one_less = |left: u32| left.checked_sub(1);
        let order = Ordering::Relaxed;
        match self.left.fetch_update(order, order, one_less) {
            Ok(_) => Ok(()),
            Err(_) => {
                let message = format!("the agent made more than {} host calls", self.max);
                Err(Unwind::Limit { code: "host_calls", message })
            }
        }
    }
}
