//! Parts of components that are small to write down and much to compile. Each is one or more whole
//! sections, valid as far as the binary format goes, to be put behind any component; past how much
//! of it a host says no is the host's matter.

/// A module with so many empty functions.
#[must_use]
pub fn functions(count: usize) -> Vec<u8> {
    let bodies = vec![vec![0, END]; count];
    module(&[types(1), indices(3, count), code(&bodies)])
}

/// A module with one function of so many empty loops, one after the other.
#[must_use]
pub fn loops(count: usize) -> Vec<u8> {
    function(&[0x03, EMPTY, END].repeat(count))
}

/// A module with one function of so many blocks, each inside the one before.
#[must_use]
pub fn chain(depth: usize) -> Vec<u8> {
    let mut body = [0x02, EMPTY].repeat(depth);
    body.extend(vec![END; depth]);
    function(&body)
}

/// A module with one function whose jump table has so many targets.
#[must_use]
pub fn jump_table(targets: usize) -> Vec<u8> {
    let mut body = vec![0x02, EMPTY, 0x41, 0, 0x0e];
    body.extend(leb(targets));
    body.extend(vec![0; targets + 1]);
    body.push(END);
    function(&body)
}

/// A module with one function of so many bytes that do nothing.
#[must_use]
pub fn nops(count: usize) -> Vec<u8> {
    function(&vec![0x01; count])
}

/// A module with one function of so many local variables.
#[must_use]
pub fn locals(count: usize) -> Vec<u8> {
    let mut body = vec![1];
    body.extend(leb(count));
    body.extend([0x7f, END]);
    module(&[types(1), indices(3, 1), code(&[body])])
}

/// A module whose one function adds what nobody put there: every section is where it belongs, and no
/// validator takes it.
#[must_use]
pub fn invalid() -> Vec<u8> {
    function(&[0x6a, 0x1a])
}

/// A module with so many types.
#[must_use]
pub fn core_types(count: usize) -> Vec<u8> {
    module(&[types(count)])
}

/// A module with so many imports.
#[must_use]
pub fn imports(count: usize) -> Vec<u8> {
    let import = |number: usize| {
        let mut import = name("m");
        import.extend(name(&number.to_string()));
        import.extend([0, 0]);
        import
    };
    module(&[types(1), section(2, &list((0..count).map(import)))])
}

/// A module with so many exports.
#[must_use]
pub fn exports(count: usize) -> Vec<u8> {
    let export = |number: usize| {
        let mut export = name(&number.to_string());
        export.extend([0, 0]);
        export
    };
    let exports = section(7, &list((0..count).map(export)));
    module(&[types(1), indices(3, 1), exports, code(&[vec![0, END]])])
}

/// A module with so many segments of data.
#[must_use]
pub fn segments(count: usize) -> Vec<u8> {
    module(&[section(11, &list((0..count).map(|_| vec![1, 0])))])
}

/// So many modules.
#[must_use]
pub fn modules(count: usize) -> Vec<u8> {
    module(&[]).repeat(count)
}

/// A module with so many empty tables.
#[must_use]
pub fn tables(count: usize) -> Vec<u8> {
    module(&[section(4, &list((0..count).map(|_| vec![0x70, 0, 0])))])
}

/// A module with so many empty memories.
#[must_use]
pub fn memories(count: usize) -> Vec<u8> {
    module(&[section(5, &list((0..count).map(|_| vec![0, 0])))])
}

/// That module, and so many instances of it, to be put behind that component.
#[must_use]
pub fn instances(component: &[u8], module: &[u8], count: usize) -> Vec<u8> {
    let index = leb(sections(component).into_iter().filter(|id| *id == 1).count());
    let instance = [vec![0], index, vec![0]].concat();
    [module.to_vec(), section(2, &list(vec![instance; count]))].concat()
}

/// What the sections of a component are, in order.
fn sections(component: &[u8]) -> Vec<u8> {
    let (mut ids, mut rest) = (Vec::new(), component.get(8..).unwrap_or_default());
    while let Some((id, after)) = rest.split_first() {
        let digits =
            after.iter().position(|byte| byte & 0x80 == 0).map_or(after.len(), |at| at + 1);
        let (digits, after) = after.split_at(digits);
        let size = digits.iter().rev().fold(0, |size, byte| (size << 7) | usize::from(byte & 0x7f));
        ids.push(*id);
        rest = after.get(size..).unwrap_or_default();
    }
    ids
}

/// A custom section of so many bytes.
#[must_use]
pub fn custom(bytes: usize) -> Vec<u8> {
    let mut payload = name("ballast");
    payload.resize(payload.len() + bytes, 0);
    section(0, &payload)
}

/// A component with a variant of so many cases.
#[must_use]
pub fn variant(cases: usize) -> Vec<u8> {
    let case = |number: usize| {
        let mut case = name(&format!("c{number}"));
        case.extend([0, 0]);
        case
    };
    let mut ty = vec![0x71];
    ty.extend(list((0..cases).map(case)));
    component(&section(7, &list([ty])))
}

/// A component with a list of a list of a list, so deep.
#[must_use]
pub fn lists(depth: usize) -> Vec<u8> {
    let list_of = |number: usize| {
        let inner = number.checked_sub(1).map_or_else(|| vec![0x7d], signed_leb);
        [vec![0x70], inner].concat()
    };
    component(&section(7, &list((0..depth).map(list_of))))
}

/// A component with the type of a component that has the type of a component, so deep.
#[must_use]
pub fn types_of_components(depth: usize) -> Vec<u8> {
    let mut ty = [0x41, 1, 0x01].repeat(depth);
    ty.extend([0x41, 0]);
    component(&section(7, &list([ty])))
}

/// Not empty, and not more than one page of instructions each: what takes time in their sum.
#[must_use]
pub fn busy_functions(count: usize) -> Vec<u8> {
    // local.get 0, i32.const 3, i32.mul, local.set 0, over and over.
    let mut body = vec![1, 1, 0x7f];
    body.extend([0x20, 0, 0x41, 3, 0x6c, 0x21, 0].repeat(200));
    body.push(END);
    module(&[types(1), indices(3, count), code(&vec![body; count])])
}

const END: u8 = 0x0b;
const EMPTY: u8 = 0x40;

fn function(body: &[u8]) -> Vec<u8> {
    let mut whole = vec![0];
    whole.extend_from_slice(body);
    whole.push(END);
    module(&[types(1), indices(3, 1), code(&[whole])])
}

fn types(count: usize) -> Vec<u8> {
    section(1, &list((0..count).map(|_| vec![0x60, 0, 0])))
}

fn indices(id: u8, count: usize) -> Vec<u8> {
    section(id, &list((0..count).map(|_| vec![0])))
}

fn code(bodies: &[Vec<u8>]) -> Vec<u8> {
    let sized = |body: &Vec<u8>| [leb(body.len()), body.clone()].concat();
    section(10, &list(bodies.iter().map(sized)))
}

/// A module as a section of a component.
fn module(sections: &[Vec<u8>]) -> Vec<u8> {
    section(1, &[b"\0asm\x01\0\0\0".to_vec(), sections.concat()].concat())
}

/// A component as a section of a component.
fn component(sections: &[u8]) -> Vec<u8> {
    section(4, &[b"\0asm\x0d\0\x01\0", sections].concat())
}

fn list(items: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let items: Vec<Vec<u8>> = items.into_iter().collect();
    [leb(items.len()), items.concat()].concat()
}

fn name(text: &str) -> Vec<u8> {
    [leb(text.len()), text.as_bytes().to_vec()].concat()
}

fn section(id: u8, payload: &[u8]) -> Vec<u8> {
    [vec![id], leb(payload.len()), payload.to_vec()].concat()
}

/// The number of a type where a primitive could stand as well: those are the negative ones.
fn signed_leb(number: usize) -> Vec<u8> {
    let mut bytes = leb(number);
    match bytes.last_mut() {
        Some(last) if *last & 0x40 != 0 => {
            *last |= 0x80;
            bytes.push(0);
            bytes
        }
        _ => bytes,
    }
}

fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
