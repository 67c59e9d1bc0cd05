//! Components made from core WebAssembly text, a WIT world and a manifest, without a guest
//! toolchain.
//!
//! Each body is put into a module that already has a memory, an allocator and `$reply`. The layout
//! of records is the canonical ABI's: `call.input` stands at 72, a result's payload at 8.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be built fails its test")]

use serde_json::{Value, json};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Enough of WASI to write to stdout and stderr; a real host serves any 0.2.
const WASI: &str = r#"
package test:guest;

package wasi:io@0.2.6 {
    interface error { resource error; }
    interface streams {
        use error.{error};
        variant stream-error { last-operation-failed(error), closed }
        resource output-stream {
            blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
        }
    }
    interface poll {
        resource pollable { ready: func() -> bool; block: func(); }
        poll: func(in: list<borrow<pollable>>) -> list<u32>;
    }
}

package wasi:cli@0.2.6 {
    interface stdout {
        use wasi:io/streams@0.2.6.{output-stream};
        get-stdout: func() -> output-stream;
    }
    interface stderr {
        use wasi:io/streams@0.2.6.{output-stream};
        get-stderr: func() -> output-stream;
    }
}

package wasi:clocks@0.2.6 {
    interface wall-clock {
        record datetime { seconds: u64, nanoseconds: u32 }
        now: func() -> datetime;
    }
    interface monotonic-clock {
        use wasi:io/poll@0.2.6.{pollable};
        subscribe-duration: func(when: u64) -> pollable;
        subscribe-instant: func(when: u64) -> pollable;
    }
}

package wasi:random@0.2.6 {
    interface random { get-random-u64: func() -> u64; }
}

package wasi:http@0.2.6 {
    interface types { resource fields { constructor(); } }
    interface outgoing-handler {
        use types.{fields};
        probe: func(fields: borrow<fields>);
    }
}

interface strange { poke: func(); }

world everything {
    include workflowforge:plugin/plugin@0.1.0;
    import wasi:cli/stdout@0.2.6;
    import wasi:cli/stderr@0.2.6;
    import wasi:clocks/wall-clock@0.2.6;
    import wasi:clocks/monotonic-clock@0.2.6;
    import wasi:io/poll@0.2.6;
    import wasi:random/random@0.2.6;
    import wasi:http/outgoing-handler@0.2.6;
    import strange;
}

world nothing { import workflowforge:plugin/log@0.1.0; }
"#;

/// What every module has: so many pages of memory, an allocator that does that first, `$reply`.
fn prelude(pages: u32, allocating: &str) -> String {
    format!(
        r#"
  (memory (export "memory") {pages})
  (global $heap (mut i32) (i32.const 8192))
  (data (i32.const 16) "{{}}")
  (func $allocate (export "cabi_realloc")
    (param $old i32) (param $old_len i32) (param $align i32) (param $len i32) (result i32)
    (local $at i32)
    {allocating}
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
    (global.set $heap (i32.add (local.get $at) (local.get $len)))
    (block $fits (loop $grow
      (br_if $fits
        (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
      (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
      (br $grow)))
    (local.get $at))
  ;; The reply `ok {{ output, goto: [], extra: "{{}}" }}`.
  (func $reply (param $at i32) (param $len i32) (result i32)
    (i32.store (i32.const 1024) (i32.const 0))
    (i32.store (i32.const 1032) (local.get $at))
    (i32.store (i32.const 1036) (local.get $len))
    (i32.store (i32.const 1040) (i32.const 0))
    (i32.store (i32.const 1044) (i32.const 0))
    (i32.store (i32.const 1048) (i32.const 16))
    (i32.store (i32.const 1052) (i32.const 2))
    (i32.const 1024))
"#
    )
}

/// The component of that core module: imports, then functions and data, then the body of `invoke`,
/// which has the call at `$call` and leaves the address of its result.
#[derive(Debug, Clone)]
pub struct Fixture {
    name: String,
    imports: String,
    items: String,
    invoke: String,
    needs: Vec<String>,
    limits: Value,
    pages: u32,
    allocating: String,
}

/// A component whose `invoke` has that body.
#[must_use]
pub fn fixture(invoke: impl Into<String>) -> Fixture {
    Fixture {
        name: "test/fixture".to_owned(),
        imports: String::new(),
        items: String::new(),
        invoke: invoke.into(),
        needs: Vec::new(),
        limits: json!({}),
        pages: 2,
        allocating: String::new(),
    }
}

impl Fixture {
    /// Under that `publisher/name`.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// With these imports, as text of a core module.
    #[must_use]
    pub fn imports(mut self, imports: impl Into<String>) -> Self {
        self.imports = imports.into();
        self
    }

    /// With these functions, data and globals, as text of a core module.
    #[must_use]
    pub fn items(mut self, items: impl Into<String>) -> Self {
        self.items = items.into();
        self
    }

    /// With a need of that capability in its manifest.
    #[must_use]
    pub fn needs(mut self, capability: &str) -> Self {
        self.needs.push(capability.to_owned());
        self
    }

    /// With these hints of limits in its manifest.
    #[must_use]
    pub fn limits(mut self, limits: Value) -> Self {
        self.limits = limits;
        self
    }

    /// With so many pages of memory from the start; 2 unless told.
    #[must_use]
    pub fn pages(mut self, pages: u32) -> Self {
        self.pages = pages;
        self
    }

    /// Does that each time the host has it allocate.
    #[must_use]
    pub fn allocating(mut self, body: impl Into<String>) -> Self {
        self.allocating = body.into();
        self
    }

    /// Without any need in its manifest.
    #[must_use]
    pub fn without_needs(mut self) -> Self {
        self.needs.clear();
        self
    }

    /// The finished component, with its manifest.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        let needs: Vec<Value> = self
            .needs
            .iter()
            .map(|need| json!({ "capability": need, "reason": "a test" }))
            .collect();
        let manifest = json!({
            "name": self.name, "version": "1.0.0", "agents": [{ "name": "main" }],
            "needs": needs, "limits": self.limits,
        });
        with_sections(self.bare(), &manifest.to_string(), "0.1.0")
    }

    /// The component without its sections.
    #[must_use]
    pub fn bare(&self) -> Vec<u8> {
        let module = format!(
            r#"(module {imports} {prelude} {items}
              (func (export "workflowforge:plugin/agent@0.1.0#invoke")
                (param $call i32) (result i32)
                (local $n i32)
                {invoke}))"#,
            imports = self.imports,
            prelude = prelude(self.pages, &self.allocating),
            items = self.items,
            invoke = self.invoke,
        );
        encode(&module, "everything")
    }
}

/// A component of the world without an agent.
#[must_use]
pub fn without_agent() -> Vec<u8> {
    encode("(module)", "nothing")
}

fn encode(module: &str, world: &str) -> Vec<u8> {
    let mut module = wat::parse_str(module).unwrap();
    let mut resolve = Resolve::default();
    resolve.push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../wit")).unwrap();
    let package = resolve.push_str("test.wit", WASI).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
}

/// The component with a manifest, and the version of the contract that it was built against.
#[must_use]
pub fn with_sections(component: Vec<u8>, manifest: &str, api: &str) -> Vec<u8> {
    let component = with_section(component, "workflowforge:manifest", manifest.as_bytes());
    with_section(component, "workflowforge:api", api.as_bytes())
}

/// The component with a custom section.
#[must_use]
pub fn with_section(mut component: Vec<u8>, name: &str, data: &[u8]) -> Vec<u8> {
    let mut content = leb(name.len());
    content.extend_from_slice(name.as_bytes());
    content.extend_from_slice(data);
    component.push(0);
    component.extend(leb(content.len()));
    component.extend(content);
    component
}

fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// Replies with its input.
#[must_use]
pub fn echo() -> Fixture {
    fixture(
        "(call $reply
           (i32.load offset=72 (local.get $call)) (i32.load offset=76 (local.get $call)))",
    )
}

/// Asks one question, `{"prompt": "go on?"}`, and replies with the answer; fails with `failed`,
/// code `answer`, where the answer is a failure.
#[must_use]
pub fn asker() -> Fixture {
    fixture(
        r#"
        (i32.store (i32.const 2048) (i32.const 3072))   ;; prompt
        (i32.store (i32.const 2052) (i32.const 6))
        (i32.store (i32.const 2100) (i32.const 16))     ;; options
        (i32.store (i32.const 2104) (i32.const 2))
        (call $ask (i32.const 2048) (i32.const 1) (i32.const 2560))
        (if (i32.load8_u (i32.const 2560)) (then (return (call $failed))))
        (local.set $n (i32.load (i32.const 2568)))
        (if (i32.load8_u (local.get $n)) (then (return (call $failed))))
        (call $reply (i32.load offset=8 (local.get $n)) (i32.load offset=12 (local.get $n)))"#,
    )
    .imports(r#"(import "workflowforge:plugin/human@0.1.0" "ask" (func $ask (param i32 i32 i32)))"#)
    .items(
        r#"
        (data (i32.const 3072) "go on?")
        (data (i32.const 3088) "answer")
        (func $failed (result i32)
          (i32.store8 (i32.const 1024) (i32.const 1))
          (i32.store8 (i32.const 1032) (i32.const 5))
          (i32.store (i32.const 1040) (i32.const 3088))
          (i32.store (i32.const 1044) (i32.const 6))
          (i32.store (i32.const 1048) (i32.const 3088))
          (i32.store (i32.const 1052) (i32.const 6))
          (i32.store8 (i32.const 1056) (i32.const 1))
          (i32.store8 (i32.const 1064) (i32.const 0))
          (i32.store (i32.const 1080) (i32.const 16))
          (i32.store (i32.const 1084) (i32.const 2))
          (i32.const 1024))"#,
    )
    .needs("ask")
}

/// Writes the data at 3072, of length `$length`, to a standard stream, then runs `then`.
pub const STDERR: &str = r#"
  (import "wasi:cli/stderr@0.2.6" "get-stderr" (func $stream (result i32)))
  (import "wasi:io/streams@0.2.6" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))"#;
/// The same for stdout.
pub const STDOUT: &str = r#"
  (import "wasi:cli/stdout@0.2.6" "get-stdout" (func $stream (result i32)))
  (import "wasi:io/streams@0.2.6" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))"#;
/// Lets such a stream go.
pub const DROP_STREAM: &str = r#"
  (import "wasi:io/streams@0.2.6" "[resource-drop]output-stream" (func $drop_stream (param i32)))"#;
/// Timers: both ways to set one, to wait for it, and to let it go.
pub const TIMERS: &str = r#"
  (import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration"
    (func $after (param i64) (result i32)))
  (import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-instant"
    (func $at (param i64) (result i32)))
  (import "wasi:io/poll@0.2.6" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/poll@0.2.6" "[resource-drop]pollable" (func $drop (param i32)))"#;
/// Waits for the first of some timers.
pub const POLL: &str = r#"
  (import "wasi:io/poll@0.2.6" "poll" (func $poll (param i32 i32 i32)))"#;
/// The time of day, written to an address.
pub const CLOCK: &str = r#"
  (import "wasi:clocks/wall-clock@0.2.6" "now" (func $now (param i32)))"#;
/// `log.write`.
pub const LOG: &str = r#"
  (import "workflowforge:plugin/log@0.1.0" "write" (func $log (param i32 i32 i32 i32 i32)))"#;
