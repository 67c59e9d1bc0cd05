//! Writes components for a host to refuse: `mutated` ones, of those of a folder and of small ones
//! that are made here, and `generated` ones of our world around modules of wasm-smith. Each is a
//! function of the seed and its number, so that one that did harm can be made again.
//!
//!     components mutated|generated SEED FIRST COUNT OUT [FOLDER]

mod binary;
mod chance;
mod generate;
mod mutate;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let [kind, seed, first, count, out, folder @ ..] = args.as_slice() else {
        bail!("components mutated|generated SEED FIRST COUNT OUT [FOLDER]");
    };
    let (seed, first, count) = (seed.parse()?, first.parse()?, count.parse::<u64>()?);
    let make: Box<dyn Fn(u64) -> Result<Vec<u8>>> = match (*kind, folder) {
        ("mutated", [folder]) => {
            let mut sources = sources(Path::new(folder))?;
            ensure!(!sources.is_empty(), "no small component in {folder}: run `make build`");
            sources.extend(generate::Generator::new()?.plain()?);
            let mutator = mutate::Mutator::of(sources)?;
            Box::new(move |number| Ok(mutator.make(seed, number)))
        }
        ("generated", []) => {
            let generator = generate::Generator::new()?;
            Box::new(move |number| generator.make(seed, number))
        }
        _ => bail!("write mutated, with a folder of components, or generated"),
    };
    std::fs::create_dir_all(out)?;
    for number in first..first + count {
        let path = PathBuf::from(out).join(format!("{kind}-{number:05}.wasm"));
        let component = make(number).with_context(|| format!("number {number}"))?;
        std::fs::write(&path, component).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// The components of a folder that are small enough to be mutated, and compiled, by the thousand.
fn sources(folder: &Path) -> Result<Vec<Vec<u8>>> {
    const BYTES_MAX: u64 = 416 << 10;
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.sort();
    let is_small = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == "wasm")
            && path.metadata().is_ok_and(|metadata| metadata.len() <= BYTES_MAX)
    };
    let small = paths.into_iter().filter(is_small);
    small.map(|path| std::fs::read(&path).with_context(|| path.display().to_string())).collect()
}
