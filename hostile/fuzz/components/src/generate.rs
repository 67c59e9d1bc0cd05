//! Components of our world around modules that wasm-smith makes: valid as WebAssembly, and nothing
//! that a compiler of a language would ever write.

use anyhow::{Context as _, Result};
use arbitrary::{Arbitrary as _, Unstructured};
use wasm_smith::{Config, Module};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve, WorldId};

use crate::binary::{Section, custom, whole};
use crate::chance::Chance;

/// The worlds of a package of their own, from the export alone to all that the host serves.
const WORLDS: &str = "
package stranger:worlds;

world bare { export workflowforge:plugin/agent@0.1.0; }
world quiet { import workflowforge:plugin/log@0.1.0; export workflowforge:plugin/agent@0.1.0; }
world some {
    import workflowforge:plugin/log@0.1.0;
    import workflowforge:plugin/kv@0.1.0;
    import workflowforge:plugin/timer@0.1.0;
    export workflowforge:plugin/agent@0.1.0;
}
world all { include workflowforge:plugin/plugin@0.1.0; }
world other { export poke: func(x: list<string>) -> result<u32, string>; }
";

const MANIFEST_SECTION: &str = "workflowforge:manifest";
const API_SECTION: &str = "workflowforge:api";
/// What the world `all` must ask for.
const ALL_NEEDS: &str = r#"{"capability":"kv:run","reason":"r"},{"capability":"llm:*","reason":"r"},
    {"capability":"http:*","reason":"r"},{"capability":"secret:*:hold","reason":"r"},
    {"capability":"tool:*","reason":"r"},{"capability":"ask","reason":"r"}"#;

/// How often another beginning is tried: not every module can become a component.
const ATTEMPTS_MAX: u64 = 64;
/// Chance for one module, in bytes.
const CHANCE_BYTES_MAX: usize = 12 << 10;

/// Makes components of our world.
#[derive(Debug)]
pub(crate) struct Generator {
    resolve: Resolve,
    worlds: Vec<World>,
}

#[derive(Debug)]
struct World {
    id: WorldId,
    /// A module with exactly its imports and exports.
    shape: Vec<u8>,
}

impl Generator {
    pub(crate) fn new() -> Result<Self> {
        let mut resolve = Resolve::default();
        resolve.push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../wit"))?;
        let package = resolve.push_str("worlds.wit", WORLDS)?;
        let abi = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);
        let world = |name: &str| -> Result<World> {
            let id = resolve.select_world(&[package], Some(name))?;
            Ok(World { id, shape: dummy_module(&resolve, id, abi) })
        };
        let worlds = ["bare", "quiet", "some", "all", "other"].map(world);
        let worlds = worlds.into_iter().collect::<Result<_>>()?;
        Ok(Self { resolve, worlds })
    }

    /// Whole components of each world, whose functions do nothing.
    pub(crate) fn plain(&self) -> Result<Vec<Vec<u8>>> {
        let component = |(number, world): (u64, &World)| {
            let mut component = self.encoded(world, world.shape.clone())?;
            component.extend(whole(&[], &honest(number, ALL_NEEDS)));
            Ok(component)
        };
        (0..).zip(&self.worlds).map(component).collect()
    }

    /// The component of that number, with or without a manifest behind it.
    pub(crate) fn make(&self, seed: u64, number: u64) -> Result<Vec<u8>> {
        let mut failure = None;
        for attempt in 0..ATTEMPTS_MAX {
            let mut chance = Chance::of(seed.rotate_left(32) ^ attempt, number);
            match self.attempt(&mut chance) {
                Ok(component) => return Ok(with_manifest(component, number, &mut chance)),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.context("no attempt at all")?).context("no module became a component")
    }

    fn attempt(&self, chance: &mut Chance) -> Result<Vec<u8>> {
        // The last one is none of ours, and seldom taken.
        let ours = self.worlds.len() - usize::from(!chance.once_in(8));
        let world = &self.worlds[chance.below(ours)];
        let entropy = chance.bytes(256 + chance.clone().below(CHANCE_BYTES_MAX));
        let mut source = Unstructured::new(&entropy);
        let config = Self::config(world, &mut source, chance)?;
        let module = Module::new(config, &mut source)?;
        self.encoded(world, module.to_bytes())
    }

    fn encoded(&self, world: &World, mut module: Vec<u8>) -> Result<Vec<u8>> {
        embed_component_metadata(&mut module, &self.resolve, world.id, StringEncoding::UTF8)?;
        // Whether it is valid is for the host to say.
        ComponentEncoder::default().module(&module)?.validate(false).encode()
    }

    fn config(world: &World, source: &mut Unstructured<'_>, chance: &mut Chance) -> Result<Config> {
        // One in four has all that WebAssembly ever proposed, of which this host takes a part.
        let mut config = if chance.once_in(4) {
            Config::arbitrary(source)?
        } else {
            Config {
                gc_enabled: false,
                exceptions_enabled: false,
                threads_enabled: false,
                memory64_enabled: false,
                reference_types_enabled: false,
                relaxed_simd_enabled: false,
                ..Config::default()
            }
        };
        config.max_imports = 4;
        config.available_imports = Some(world.shape.clone());
        config.exports = Some(world.shape.clone());
        config.max_funcs = config.max_funcs.min(60);
        config.max_instructions = config.max_instructions.min(300);
        config.max_memories = config.max_memories.min(4);
        Ok(config)
    }
}

/// Seven in eight say something about themselves, which is mostly true.
fn with_manifest(mut component: Vec<u8>, number: u64, chance: &mut Chance) -> Vec<u8> {
    let needs = ["", r#"{"capability":"kv:run","reason":"r"}"#, ALL_NEEDS, ALL_NEEDS, ALL_NEEDS];
    let needs = needs[chance.below(needs.len())];
    let sections = match chance.below(8) {
        0 => Vec::new(),
        1 => vec![custom(MANIFEST_SECTION, b"{\"name\":"), custom(API_SECTION, b"0.1.0")],
        2 => {
            let [manifest, _] = honest(number, needs);
            vec![manifest, custom(API_SECTION, b"7.0.0")]
        }
        _ => honest(number, needs).to_vec(),
    };
    component.extend(whole(&[], &sections));
    component
}

/// What a component must say to be let in.
fn honest(number: u64, needs: &str) -> [Section; 2] {
    // Few versions, so that most are known already when they come.
    let version = number % 16;
    let manifest = format!(
        r#"{{"name":"stranger/made","version":"0.0.{version}","agents":[{{}}],"needs":[{needs}]}}"#
    );
    [custom(MANIFEST_SECTION, manifest.as_bytes()), custom(API_SECTION, b"0.1.0")]
}
