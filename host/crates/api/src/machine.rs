//! What the process takes of its machine: the one set of figures of which `/v1/system` shows what
//! is for people, and `/metrics` what is watched over time.

use std::fmt::Debug;

use serde::Serialize;
use utoipa::ToSchema;

/// Reads what the process takes of its machine.
pub trait Machine: Debug + Send + Sync {
    /// The figures now, all but [`DiskFigures::used_bytes`]. Cheap: a scraper asks all the time.
    /// What cannot be read is left out.
    fn read(&self) -> MachineFigures;

    /// What the files of the data directory take; none where there are too many to be counted.
    /// Looks at each of them, so it may block for long.
    fn data_bytes(&self) -> Option<u64>;
}

/// What the process takes of its machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct MachineFigures {
    /// Its memory.
    pub memory: MemoryFigures,
    /// The disk of the data directory; none where nothing is kept on one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<DiskFigures>,
    /// Its open files and connections.
    pub descriptors: DescriptorFigures,
    /// CPU time of all its threads, in milliseconds: for `/metrics`.
    #[serde(skip)]
    pub cpu_ms: Option<u64>,
    /// Its threads: for `/metrics`.
    #[serde(skip)]
    pub threads: Option<u64>,
}

/// The memory of the process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct MemoryFigures {
    /// What it has in the machine's memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resident_bytes: Option<u64>,
    /// The most that it ever had there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resident_bytes_peak: Option<u64>,
    /// Its address space, which is mostly reserved for sandboxes: for `/metrics`.
    #[serde(skip)]
    pub virtual_bytes: Option<u64>,
    /// Who hands it out.
    pub allocator: &'static str,
    /// Of what is in the machine's memory, what is of which kind: for `/metrics`.
    #[serde(skip)]
    pub resident_by_kind: Vec<(&'static str, u64)>,
    /// What the allocator says of itself: for `/metrics`.
    #[serde(skip)]
    pub allocator_bytes: Vec<(&'static str, u64)>,
}

/// The disk of the data directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct DiskFigures {
    /// What the files of the data directory take; none where there are too many to be counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_bytes: Option<u64>,
    /// What may still be written to its file system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_bytes: Option<u64>,
    /// The size of that file system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_bytes: Option<u64>,
}

/// Open files and connections.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct DescriptorFigures {
    /// How many are open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<u64>,
    /// How many may be; none: the system sets no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
}
