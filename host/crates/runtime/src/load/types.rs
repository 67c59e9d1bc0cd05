//! How many types a component has, how wide each is and how deep it nests.
//!
//! A depth is followed through names of the same component and of those around it. A type that
//! comes out of an instance counts as flat; the validator bounds what is left over.

use wasmparser::{
    ComponentAlias, ComponentDefinedType, ComponentExternalKind, ComponentOuterAliasKind,
    ComponentType, ComponentTypeDeclaration, ComponentTypeRef, ComponentValType, CoreType,
    InstanceTypeDeclaration, Payload, TypeBounds,
};

use super::structure::Census;

/// The depths of the types that have a number, in the components that are open.
#[derive(Debug, Default)]
pub(crate) struct Types {
    open: Vec<Vec<u64>>,
}

impl Types {
    pub(crate) fn take(
        &mut self,
        census: &mut Census,
        payload: Payload<'_>,
    ) -> wasmparser::Result<()> {
        match payload {
            Payload::Version { .. } => self.open.push(Vec::new()),
            Payload::End(_) => drop(self.open.pop()),
            Payload::TypeSection(section) => {
                for group in section {
                    census.core(&group?);
                }
            }
            Payload::CoreTypeSection(section) => {
                for ty in section {
                    census.core_type(&ty?);
                }
            }
            Payload::ComponentTypeSection(section) => {
                for ty in section {
                    let depth = self.component_type(census, &ty?);
                    self.number(depth);
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    self.alias(&alias?);
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    self.reference(import?.ty);
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export?;
                    if export.kind == ComponentExternalKind::Type {
                        self.number(self.depth(export.index));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn number(&mut self, depth: u64) {
        if let Some(innermost) = self.open.last_mut() {
            innermost.push(depth);
        }
    }

    fn depth(&self, index: u32) -> u64 {
        self.depth_outside(0, index)
    }

    fn depth_outside(&self, outwards: u32, index: u32) -> u64 {
        let outwards = usize::try_from(outwards).unwrap_or(usize::MAX);
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        self.open.iter().rev().nth(outwards).and_then(|open| open.get(index)).copied().unwrap_or(0)
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) {
        match alias {
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Type, count, index } => {
                self.number(self.depth_outside(*count, *index));
            }
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Type, .. } => {
                self.number(1);
            }
            _ => {}
        }
    }

    fn reference(&mut self, ty: ComponentTypeRef) {
        match ty {
            ComponentTypeRef::Type(TypeBounds::Eq(index)) => self.number(self.depth(index)),
            ComponentTypeRef::Type(TypeBounds::SubResource) => self.number(0),
            _ => {}
        }
    }

    fn component_type(&mut self, census: &mut Census, ty: &ComponentType<'_>) -> u64 {
        let inner = match ty {
            ComponentType::Defined(defined) => {
                let (parts, deepest) = self.defined(defined);
                census.parts(parts);
                deepest
            }
            ComponentType::Func(function) => {
                census.parts(function.params.len());
                let result = function.result.map_or(0, |ty| self.value(ty));
                function.params.iter().map(|(_, ty)| self.value(*ty)).fold(result, u64::max)
            }
            ComponentType::Component(declarations) => self.scoped(|types| {
                let each = declarations.iter().map(|declaration| match declaration {
                    ComponentTypeDeclaration::CoreType(ty) => census.core_type(ty),
                    ComponentTypeDeclaration::Type(ty) => types.declared(census, ty),
                    ComponentTypeDeclaration::Alias(alias) => types.flat(|t| t.alias(alias)),
                    ComponentTypeDeclaration::Export { ty, .. } => {
                        types.flat(|types| types.reference(*ty))
                    }
                    ComponentTypeDeclaration::Import(import) => {
                        types.flat(|types| types.reference(import.ty))
                    }
                });
                each.fold(0, u64::max)
            }),
            ComponentType::Instance(declarations) => self.scoped(|types| {
                let each = declarations.iter().map(|declaration| match declaration {
                    InstanceTypeDeclaration::CoreType(ty) => census.core_type(ty),
                    InstanceTypeDeclaration::Type(ty) => types.declared(census, ty),
                    InstanceTypeDeclaration::Alias(alias) => types.flat(|t| t.alias(alias)),
                    InstanceTypeDeclaration::Export { ty, .. } => {
                        types.flat(|types| types.reference(*ty))
                    }
                });
                each.fold(0, u64::max)
            }),
            ComponentType::Resource { .. } => 0,
        };
        census.types += 1;
        census.type_depth = census.type_depth.max(inner + 1);
        inner + 1
    }

    /// A type inside the type of a component or an instance, which has numbers of its own.
    fn declared(&mut self, census: &mut Census, ty: &ComponentType<'_>) -> u64 {
        let depth = self.component_type(census, ty);
        self.number(depth);
        depth
    }

    fn flat(&mut self, number: impl FnOnce(&mut Self)) -> u64 {
        number(self);
        0
    }

    fn scoped(&mut self, inside: impl FnOnce(&mut Self) -> u64) -> u64 {
        self.open.push(Vec::new());
        let depth = inside(self);
        self.open.pop();
        depth
    }

    fn value(&self, ty: ComponentValType) -> u64 {
        match ty {
            ComponentValType::Primitive(_) => 0,
            ComponentValType::Type(index) => self.depth(index),
        }
    }

    /// How many parts it has, and how deep the deepest of them is.
    fn defined(&self, ty: &ComponentDefinedType<'_>) -> (usize, u64) {
        let maybe = |ty: &Option<ComponentValType>| ty.map_or(0, |ty| self.value(ty));
        match ty {
            ComponentDefinedType::Record(fields) => {
                (fields.len(), fields.iter().map(|(_, ty)| self.value(*ty)).fold(0, u64::max))
            }
            ComponentDefinedType::Variant(cases) => {
                (cases.len(), cases.iter().map(|case| maybe(&case.ty)).fold(0, u64::max))
            }
            ComponentDefinedType::Tuple(types) => {
                (types.len(), types.iter().map(|ty| self.value(*ty)).fold(0, u64::max))
            }
            ComponentDefinedType::Flags(names) | ComponentDefinedType::Enum(names) => {
                (names.len(), 0)
            }
            ComponentDefinedType::List(ty)
            | ComponentDefinedType::FixedLengthList(ty, _)
            | ComponentDefinedType::Option(ty) => (1, self.value(*ty)),
            ComponentDefinedType::Map(key, value) => (2, self.value(*key).max(self.value(*value))),
            ComponentDefinedType::Result { ok, err } => (2, maybe(ok).max(maybe(err))),
            ComponentDefinedType::Future(ty) | ComponentDefinedType::Stream(ty) => (1, maybe(ty)),
            ComponentDefinedType::Primitive(_)
            | ComponentDefinedType::Own(_)
            | ComponentDefinedType::Borrow(_) => (0, 0),
        }
    }
}

impl Census {
    fn parts(&mut self, count: usize) {
        self.type_parts = self.type_parts.max(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// Core types do not nest as long as they are functions, and the engine takes no others.
    fn core(&mut self, group: &wasmparser::RecGroup) {
        for ty in group.types() {
            self.types += 1;
            if let wasmparser::CompositeInnerType::Func(function) = &ty.composite_type.inner {
                self.parts(function.params().len() + function.results().len());
            }
        }
    }

    fn core_type(&mut self, ty: &CoreType<'_>) -> u64 {
        match ty {
            CoreType::Rec(group) => self.core(group),
            CoreType::Module(declarations) => {
                self.types += 1;
                self.parts(declarations.len());
            }
        }
        0
    }
}
