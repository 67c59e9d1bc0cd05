//! The same agents under other names and with other needs: what an author could hand in who asks
//! for less than his agent then does.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::arena::{Arena, Ran};
use crate::guests::with_section;
use crate::http::Client;

const MANIFEST: &str = "workflowforge:manifest";
/// The magic number and the version of a component.
const PREAMBLE_BYTES: usize = 8;

/// The component of the hostile agent under that name, whose manifest asks for these.
pub(crate) fn recast(arena: &Arena, name: &str, needs: &[&str]) -> Result<Vec<u8>> {
    let bytes = arena.component("proofs/wforge-hostile.wasm")?;
    let (rest, manifest) = without_manifest(&bytes)?;
    let mut manifest: Value = serde_json::from_slice(manifest)?;
    let fields = manifest.as_object_mut().context("a manifest")?;
    fields.insert("name".to_owned(), json!(name));
    let need = |capability: &&str| json!({ "capability": capability, "reason": "a proof" });
    fields.insert("needs".to_owned(), needs.iter().map(need).collect());
    Ok(with_section(rest, MANIFEST, manifest.to_string().as_bytes()))
}

/// Has the recast agent do these deeds in one task, as that tenant's.
pub(crate) fn act(
    arena: &Arena,
    (client, tenant): (&Client, &str),
    (name, needs): (&str, &[&str]),
    deeds: &Value,
) -> Result<Ran> {
    arena.installed(client, &format!("{tenant}/{name}"), || recast(arena, name, needs))?;
    let workflow = format!(
        "apiVersion: workflowforge/v1
name: cast
version: 1.0.0
state: {{ deeds: {{}}, result: {{}} }}
input: [deeds]
output: [result]
nodes:
  it: {{ agent: {name}.act, in: {{ deeds: state.deeds }}, out: {{ result: result }} }}
edges: [{{ from: START, to: it }}]
"
    );
    arena.run(client, &workflow, &json!({ "deeds": deeds }))
}

/// The component without its manifest, and that.
fn without_manifest(bytes: &[u8]) -> Result<(Vec<u8>, &[u8])> {
    let mut at = PREAMBLE_BYTES;
    while at < bytes.len() {
        let mut read = Reader { bytes, at };
        let id = read.byte()?;
        let length = read.number()?;
        let end = read.at + length;
        let section = bytes.get(read.at..end).context("a section that ends")?;
        if id == 0 {
            let mut name = Reader { bytes: section, at: 0 };
            let length = name.number()?;
            let data = section.get(name.at + length..).context("a name that ends")?;
            if section.get(name.at..name.at + length) == Some(MANIFEST.as_bytes()) {
                let before = bytes.get(..at).unwrap_or_default();
                let after = bytes.get(end..).unwrap_or_default();
                return Ok(([before, after].concat(), data));
            }
        }
        at = end;
    }
    anyhow::bail!("the component has no manifest")
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8> {
        let byte = self.bytes.get(self.at).copied().context("a byte more")?;
        self.at += 1;
        Ok(byte)
    }

    /// LEB128.
    fn number(&mut self) -> Result<usize> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            number |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
            shift += 7;
            ensure!(shift < 35, "a number that ends");
        }
    }
}
