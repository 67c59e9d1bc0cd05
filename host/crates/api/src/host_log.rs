//! What the host shows of its log, and what may be changed of it at run time.

use std::fmt::Debug;

/// The log, as the host has it. Cheap to ask: a scraper does so all the time.
pub trait HostLog: Debug + Send + Sync {
    /// What became of lines and spans.
    fn figures(&self) -> LogFigures;

    /// What is logged now.
    fn level(&self) -> String;

    /// What the configuration says is logged.
    fn configured_level(&self) -> String;

    /// Logs that from now on.
    ///
    /// # Errors
    /// What is wrong with the text.
    fn set_level(&self, level: &str) -> Result<(), String>;
}

/// Figures of log and traces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogFigures {
    /// Lines for which there was no room.
    pub lines_lost: u64,
    /// Spans that a collector took.
    pub spans_sent: u64,
    /// Spans that it was asked to take, and did not.
    pub spans_lost: u64,
    /// Spans for which there was no room.
    pub spans_dropped: u64,
}

/// A log that shows nothing and stays as it is: for whoever embeds the API.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLog;

impl HostLog for NoLog {
    fn figures(&self) -> LogFigures {
        LogFigures::default()
    }

    fn level(&self) -> String {
        "off".to_owned()
    }

    fn configured_level(&self) -> String {
        "off".to_owned()
    }

    fn set_level(&self, _level: &str) -> Result<(), String> {
        Err("this host has no log".to_owned())
    }
}
