//! `log`: structured lines. Needs no grant and is not recorded.

use wforge_ports::effects::GuestLevel;

use crate::bindings::workflowforge::plugin::log::{Host, Level};
use crate::guest::state::Guest;

impl Host for Guest {
    async fn write(
        &mut self,
        level: Level,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        self.count_call()?;
        let level = match level {
            Level::Trace => GuestLevel::Trace,
            Level::Debug => GuestLevel::Debug,
            Level::Info => GuestLevel::Info,
            Level::Warn => GuestLevel::Warn,
            Level::Error => GuestLevel::Error,
        };
        self.voice.line(level, &message, &fields);
        Ok(())
    }
}
