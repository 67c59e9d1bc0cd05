//! What a component may be before anything is compiled, and what compiling it may take.

use serde::{Deserialize, Serialize};

/// Limits on one component. Counts hold for the component with everything that is inside it, unless
/// it says otherwise.
///
/// The defaults leave three times the room, or more, that the largest component of the project's
/// own toolchains takes: one with the whole of `CPython` inside (13,375 functions, the largest of
/// 426,843 bytes with 3,112 blocks, 781 deep, and 15,805 targets).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdmissionLimits {
    /// The whole file.
    pub component_bytes_max: u64,
    /// Functions with a body.
    pub functions_max: u32,
    /// Code of one function.
    pub function_bytes_max: u32,
    /// Local variables of one function.
    pub function_locals_max: u32,
    /// Blocks, loops and conditions of one function.
    pub function_blocks_max: u32,
    /// How deep they nest.
    pub block_depth_max: u32,
    /// Targets of all jump tables of one function.
    pub jump_targets_max: u32,
    /// Types.
    pub types_max: u32,
    /// Cases, fields, elements or parameters of one type.
    pub type_parts_max: u32,
    /// How deep types nest.
    pub type_depth_max: u32,
    /// Modules and components inside.
    pub nested_max: u32,
    /// Imports, those of modules inside included.
    pub imports_max: u32,
    /// Exports, likewise.
    pub exports_max: u32,
    /// Segments of data and of table elements.
    pub segments_max: u32,
    /// Custom sections, such as names for backtraces and the manifest.
    pub custom_bytes_max: u64,
    /// Address space of the process that compiles.
    pub compile_memory_bytes_max: u64,
    /// CPU time of that process, over all its threads, in milliseconds; counted in whole seconds.
    pub compile_cpu_ms_max: u64,
    /// Time that it may take, in milliseconds.
    pub compile_wall_ms_max: u64,
    /// Native code of one component.
    pub compiled_bytes_max: u64,
    /// Components that are compiled or loaded at the same time; of one tenant it is one.
    pub compile_at_once_max: u32,
}

impl Default for AdmissionLimits {
    fn default() -> Self {
        Self {
            component_bytes_max: 64 << 20,
            functions_max: 60_000,
            function_bytes_max: 2 << 20,
            function_locals_max: 10_000,
            function_blocks_max: 10_000,
            block_depth_max: 3_000,
            jump_targets_max: 60_000,
            types_max: 20_000,
            type_parts_max: 500,
            type_depth_max: 40,
            nested_max: 500,
            imports_max: 20_000,
            exports_max: 100_000,
            segments_max: 50_000,
            custom_bytes_max: 16 << 20,
            compile_memory_bytes_max: 4 << 30,
            compile_cpu_ms_max: 120_000,
            compile_wall_ms_max: 120_000,
            compiled_bytes_max: 256 << 20,
            compile_at_once_max: 2,
        }
    }
}
