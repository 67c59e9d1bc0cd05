//! Counting what is inside a component, and stopping where it is more than one may have: a compiler
//! takes time and memory for shapes, not for bytes.
//!
//! Runs in the compiler's process, since reading a type recurses as deep as the file says.

use wasmparser::{FunctionBody, Operator, Payload};
use wforge_model::limits::AdmissionLimits;
use wforge_ports::AdmissionError;

use super::inspect::refused;
use super::types::Types;
use super::walk::{malformed, walk};

/// What was counted. Of one function and of one type it is the most.
#[derive(Debug, Default, Clone)]
pub(crate) struct Census {
    functions: u64,
    function_bytes: u64,
    function_locals: u64,
    function_blocks: u64,
    block_depth: u64,
    jump_targets: u64,
    pub(crate) types: u64,
    pub(crate) type_parts: u64,
    pub(crate) type_depth: u64,
    nested: u64,
    imports: u64,
    exports: u64,
    segments: u64,
    custom_bytes: u64,
}

/// Refuses a component that has more of anything than the limits allow.
pub(crate) fn check(bytes: &[u8], limits: &AdmissionLimits) -> Result<Census, AdmissionError> {
    let mut census = Census::default();
    let mut types = Types::default();
    walk(bytes, |payload, _| {
        census.take(&mut types, payload)?;
        census.compare(limits)
    })?;
    Ok(census)
}

/// Refuses a count above its limit; both have the same name.
pub(crate) fn within(name: &str, count: u64, max: u64) -> Result<(), AdmissionError> {
    if count <= max {
        return Ok(());
    }
    let message = format!(
        "the component has more than limits.admission.{name}_max allows ({count}, of {max}); \
         make it smaller, or ask the operator"
    );
    Err(refused("compile_limit", message))
}

impl Census {
    fn compare(&self, limits: &AdmissionLimits) -> Result<(), AdmissionError> {
        let counts: [(&str, u64, u64); 14] = [
            ("functions", self.functions, limits.functions_max.into()),
            ("function_bytes", self.function_bytes, limits.function_bytes_max.into()),
            ("function_locals", self.function_locals, limits.function_locals_max.into()),
            ("function_blocks", self.function_blocks, limits.function_blocks_max.into()),
            ("block_depth", self.block_depth, limits.block_depth_max.into()),
            ("jump_targets", self.jump_targets, limits.jump_targets_max.into()),
            ("types", self.types, limits.types_max.into()),
            ("type_parts", self.type_parts, limits.type_parts_max.into()),
            ("type_depth", self.type_depth, limits.type_depth_max.into()),
            ("nested", self.nested, limits.nested_max.into()),
            ("imports", self.imports, limits.imports_max.into()),
            ("exports", self.exports, limits.exports_max.into()),
            ("segments", self.segments, limits.segments_max.into()),
            ("custom_bytes", self.custom_bytes, limits.custom_bytes_max),
        ];
        counts.into_iter().try_for_each(|(name, count, max)| within(name, count, max))
    }

    fn take(&mut self, types: &mut Types, payload: Payload<'_>) -> Result<(), AdmissionError> {
        let read = |result: wasmparser::Result<()>| result.map_err(|error| malformed(&error));
        match &payload {
            Payload::CodeSectionStart { count, .. } => self.functions += u64::from(*count),
            Payload::CodeSectionEntry(body) => read(self.function(body))?,
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => self.nested += 1,
            Payload::ImportSection(section) => self.imports += u64::from(section.count()),
            Payload::ComponentImportSection(section) => self.imports += u64::from(section.count()),
            Payload::ExportSection(section) => self.exports += u64::from(section.count()),
            Payload::ComponentExportSection(section) => self.exports += u64::from(section.count()),
            Payload::DataSection(section) => self.segments += u64::from(section.count()),
            Payload::ElementSection(section) => self.segments += u64::from(section.count()),
            Payload::CustomSection(section) => {
                self.custom_bytes += u64::try_from(section.data().len()).unwrap_or(u64::MAX);
            }
            _ => {}
        }
        read(types.take(self, payload))
    }

    fn function(&mut self, body: &FunctionBody<'_>) -> wasmparser::Result<()> {
        let bytes = u64::try_from(body.as_bytes().len()).unwrap_or(u64::MAX);
        let (mut locals, mut blocks, mut depth, mut jump_targets) = (0_u64, 0_u64, 0_u64, 0_u64);
        for local in body.get_locals_reader()? {
            locals += u64::from(local?.0);
        }
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            match operators.read()? {
                Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => {
                    blocks += 1;
                    depth += 1;
                    self.block_depth = self.block_depth.max(depth);
                }
                Operator::End => depth = depth.saturating_sub(1),
                Operator::BrTable { targets } => jump_targets += u64::from(targets.len()),
                _ => {}
            }
        }
        self.function_bytes = self.function_bytes.max(bytes);
        self.function_locals = self.function_locals.max(locals);
        self.function_blocks = self.function_blocks.max(blocks);
        self.jump_targets = self.jump_targets.max(jump_targets);
        Ok(())
    }
}
