//! What the host shows of itself, its process and its log, and what may be changed of it at run
//! time.

use std::fmt::Debug;

/// The process and the log, as the host has them. Cheap to ask: a scraper does so all the time.
pub trait HostView: Debug + Send + Sync {
    /// The process; none where the system does not say.
    fn process(&self) -> Option<ProcessFigures>;

    /// What became of lines and spans.
    fn log_figures(&self) -> LogFigures;

    /// What is logged now.
    fn log_level(&self) -> String;

    /// What the configuration says is logged.
    fn configured_log_level(&self) -> String;

    /// Logs that from now on.
    ///
    /// # Errors
    /// What is wrong with the text.
    fn set_log_level(&self, level: &str) -> Result<(), String>;
}

/// Figures of the process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProcessFigures {
    /// CPU time of all its threads, in milliseconds.
    pub cpu_ms: u64,
    /// Memory that is in RAM.
    pub resident_bytes: u64,
    /// Address space.
    pub virtual_bytes: u64,
    /// Threads.
    pub threads: u64,
    /// Descriptors.
    pub open_fds: u64,
    /// Descriptors that it may have.
    pub max_fds: u64,
    /// When it was started, in milliseconds since 1970.
    pub started_ms: u64,
    /// Bytes that are free where the data directory is.
    pub disk_free_bytes: u64,
    /// Bytes that are there in all.
    pub disk_bytes: u64,
}

/// Figures of log and traces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogFigures {
    /// Lines for which there was no room.
    pub lines_lost: u64,
    /// Spans that a collector took.
    pub spans_sent: u64,
    /// Spans that none took.
    pub spans_lost: u64,
}

/// A host that shows nothing, and whose log stays as it is: for whoever embeds the API.
#[derive(Debug, Clone, Copy, Default)]
pub struct NothingShown;

impl HostView for NothingShown {
    fn process(&self) -> Option<ProcessFigures> {
        None
    }

    fn log_figures(&self) -> LogFigures {
        LogFigures::default()
    }

    fn log_level(&self) -> String {
        "off".to_owned()
    }

    fn configured_log_level(&self) -> String {
        "off".to_owned()
    }

    fn set_log_level(&self, _level: &str) -> Result<(), String> {
        Err("this host has no log".to_owned())
    }
}
