//! What a component may be, and when one that keeps breaking is left alone.

use wforge_model::limits::{AdmissionLimits, BreakerLimits};

use super::Meant;
use super::keys::RawConfig;

impl Meant<'_> {
    pub(super) fn breaker(raw: &RawConfig) -> Option<BreakerLimits> {
        Some(BreakerLimits {
            failures_max: raw.breaker_failures_max?,
            window_ms: raw.breaker_window_ms?,
            open_ms: raw.breaker_open_ms?,
            open_ms_max: raw.breaker_open_ms_max?,
        })
    }

    pub(super) fn admission(&mut self, raw: &RawConfig) -> Option<AdmissionLimits> {
        let at_once = "limits.admission.compile_at_once_max";
        self.at_least_1(at_once, raw.admission_compile_at_once_max);
        Some(AdmissionLimits {
            component_bytes_max: raw.admission_component_bytes_max?,
            functions_max: raw.admission_functions_max?,
            function_bytes_max: raw.admission_function_bytes_max?,
            function_locals_max: raw.admission_function_locals_max?,
            function_blocks_max: raw.admission_function_blocks_max?,
            block_depth_max: raw.admission_block_depth_max?,
            jump_targets_max: raw.admission_jump_targets_max?,
            types_max: raw.admission_types_max?,
            type_parts_max: raw.admission_type_parts_max?,
            type_depth_max: raw.admission_type_depth_max?,
            nested_max: raw.admission_nested_max?,
            imports_max: raw.admission_imports_max?,
            exports_max: raw.admission_exports_max?,
            segments_max: raw.admission_segments_max?,
            custom_bytes_max: raw.admission_custom_bytes_max?,
            compile_memory_bytes_max: raw.admission_compile_memory_bytes_max?,
            compile_cpu_ms_max: raw.admission_compile_cpu_ms_max?,
            compile_wall_ms_max: raw.admission_compile_wall_ms_max?,
            compiled_bytes_max: raw.admission_compiled_bytes_max?,
            compile_at_once_max: raw.admission_compile_at_once_max?,
        })
    }
}
