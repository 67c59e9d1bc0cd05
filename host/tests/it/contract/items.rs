//! A package of WIT as a flat list of what a component can depend on, without comments and order.

use std::collections::BTreeMap;

use wit_parser::{
    Function, Handle, PackageId, Resolve, Type, TypeDefKind, TypeId, WorldId, WorldItem, WorldKey,
};

/// What each item is, by its name. Types are told by their owner and name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Items(BTreeMap<String, String>);

impl Items {
    /// What the other contract lacks, or has otherwise.
    pub(crate) fn lost_in(&self, other: &Self) -> Vec<String> {
        let lost = self.0.iter().filter_map(|(name, was)| match other.0.get(name) {
            Some(is) if is == was => None,
            Some(is) => Some(format!("{name}: was {was}, is {is}")),
            None if was.is_empty() => Some(format!("{name}: is gone")),
            None => Some(format!("{name}: was {was}, is gone")),
        });
        lost.collect()
    }

    /// What the other contract does not know.
    pub(crate) fn added_to(&self, other: &Self) -> Vec<String> {
        self.0.keys().filter(|name| !other.0.contains_key(*name)).cloned().collect()
    }
}

/// Everything in that package.
pub(crate) fn items(resolve: &Resolve, package: PackageId) -> Items {
    let package = &resolve.packages[package];
    let mut items = BTreeMap::new();
    for (name, id) in &package.interfaces {
        let interface = &resolve.interfaces[*id];
        items.insert(format!("interface {name}"), String::new());
        let types = interface.types.iter().map(|(ty, id)| (ty, definition(resolve, *id)));
        let functions =
            interface.functions.iter().map(|(function, it)| (function, signature(resolve, it)));
        for (item, is) in types.chain(functions) {
            items.insert(format!("{name}.{item}"), is);
        }
    }
    for (name, id) in &package.worlds {
        items.extend(world(resolve, name, *id));
    }
    Items(items)
}

/// A component leaves out what it does not import, but exports what its world said when it was
/// built: so each import is an item of its own, and the exports are one, as are their functions.
fn world(resolve: &Resolve, name: &str, id: WorldId) -> Vec<(String, String)> {
    let world = &resolve.worlds[id];
    let of = |(key, item): (&WorldKey, &WorldItem)| (key_name(resolve, key), item.clone());
    let mut items: Vec<(String, String)> = world
        .imports
        .iter()
        .map(of)
        .map(|(key, item)| (format!("world {name} imports {key}"), alone(resolve, &item)))
        .collect();
    let mut exports: Vec<(String, String)> = world
        .exports
        .iter()
        .map(of)
        .map(|(key, item)| {
            let is = match item {
                WorldItem::Interface { id, .. } => {
                    let functions = resolve.interfaces[id].functions.keys().cloned();
                    sorted(functions.collect())
                }
                item => alone(resolve, &item),
            };
            (key, is)
        })
        .collect();
    exports.sort();
    let names = exports.iter().map(|(key, _)| key.clone()).collect();
    items.push((format!("world {name} exports"), sorted(names)));
    items.extend(exports.into_iter().map(|(key, is)| (format!("world {name} exports {key}"), is)));
    items
}

fn sorted(mut names: Vec<String>) -> String {
    names.sort();
    names.join(" ")
}

fn key_name(resolve: &Resolve, key: &WorldKey) -> String {
    match key {
        WorldKey::Name(name) => name.clone(),
        WorldKey::Interface(id) => resolve.interfaces[*id].name.clone().expect("it has a name"),
    }
}

/// What an item of a world is where it is no interface.
fn alone(resolve: &Resolve, item: &WorldItem) -> String {
    match item {
        WorldItem::Interface { .. } => String::new(),
        WorldItem::Function(function) => signature(resolve, function),
        WorldItem::Type { id, .. } => definition(resolve, *id),
    }
}

fn signature(resolve: &Resolve, function: &Function) -> String {
    let params =
        function.params.iter().map(|it| format!("{}: {}", it.name, shown(resolve, &it.ty)));
    let params = params.collect::<Vec<_>>().join(", ");
    let asynchronous = if function.kind.is_async() { "async " } else { "" };
    match &function.result {
        Some(result) => format!("{asynchronous}func({params}) -> {}", shown(resolve, result)),
        None => format!("{asynchronous}func({params})"),
    }
}

/// What a named type is.
fn definition(resolve: &Resolve, id: TypeId) -> String {
    let optional = |ty: &Option<Type>| {
        ty.as_ref().map_or_else(String::new, |ty| format!("({})", shown(resolve, ty)))
    };
    let (what, parts): (_, Vec<String>) = match &resolve.types[id].kind {
        TypeDefKind::Record(record) => {
            let fields = record.fields.iter();
            let fields = fields.map(|it| format!("{}: {}", it.name, shown(resolve, &it.ty)));
            ("record", fields.collect())
        }
        TypeDefKind::Variant(variant) => {
            let cases = variant.cases.iter();
            ("variant", cases.map(|it| format!("{}{}", it.name, optional(&it.ty))).collect())
        }
        TypeDefKind::Enum(it) => ("enum", it.cases.iter().map(|it| it.name.clone()).collect()),
        TypeDefKind::Flags(it) => ("flags", it.flags.iter().map(|it| it.name.clone()).collect()),
        TypeDefKind::Resource => return "resource".to_owned(),
        kind => return shape(resolve, kind),
    };
    format!("{what} {{ {} }}", parts.join(", "))
}

/// A type as a signature writes it.
fn shown(resolve: &Resolve, ty: &Type) -> String {
    let Type::Id(id) = ty else { return format!("{ty:?}").to_lowercase() };
    let definition = &resolve.types[*id];
    match (&definition.name, definition.owner) {
        (Some(name), wit_parser::TypeOwner::Interface(owner)) => {
            let owner = resolve.interfaces[owner].name.as_deref().expect("it has a name");
            format!("{owner}.{name}")
        }
        (Some(name), _) => name.clone(),
        (None, _) => shape(resolve, &definition.kind),
    }
}

fn shape(resolve: &Resolve, kind: &TypeDefKind) -> String {
    let maybe =
        |ty: &Option<Type>| ty.as_ref().map_or_else(|| "_".to_owned(), |ty| shown(resolve, ty));
    match kind {
        TypeDefKind::Type(ty) => shown(resolve, ty),
        TypeDefKind::List(ty) => format!("list<{}>", shown(resolve, ty)),
        TypeDefKind::Option(ty) => format!("option<{}>", shown(resolve, ty)),
        TypeDefKind::Result(it) => format!("result<{}, {}>", maybe(&it.ok), maybe(&it.err)),
        TypeDefKind::Tuple(it) => {
            let types: Vec<String> = it.types.iter().map(|ty| shown(resolve, ty)).collect();
            format!("tuple<{}>", types.join(", "))
        }
        TypeDefKind::Handle(Handle::Own(id)) => shown(resolve, &Type::Id(*id)),
        TypeDefKind::Handle(Handle::Borrow(id)) => {
            format!("borrow<{}>", shown(resolve, &Type::Id(*id)))
        }
        kind => panic!("the contract has no {} so far: say here how it is told", kind.as_str()),
    }
}
