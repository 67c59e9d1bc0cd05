//! Hands a property every seed of its corpus, as the tests of the crate that it is about do.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "what does not hold panics, for fuzzer and test alike"
)]

/// Checks every seed; both what is let in and what is refused must be among them.
pub(crate) fn replay(target: &str, check: impl Fn(&[u8]) -> bool) {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../hostile/corpus");
    let folder = std::fs::read_dir(format!("{root}/{target}")).unwrap();
    let mut seeds: Vec<_> = folder.map(|seed| seed.unwrap().path()).collect();
    seeds.sort();
    let is_let_in = |seed: &std::path::PathBuf| {
        let mut bytes = Vec::new();
        let mut file = std::fs::OpenOptions::new().read(true).open(seed).unwrap();
        std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
        eprintln!("{}", seed.display());
        check(&bytes)
    };
    let let_in = seeds.iter().filter(|seed| is_let_in(seed)).count();
    assert!(seeds.len() >= 20, "{} seeds of {target}", seeds.len());
    assert!((1..seeds.len()).contains(&let_in), "{let_in} of {} are let in", seeds.len());
}
