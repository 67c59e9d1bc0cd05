//! What a server has in its memory, by its own figures: where a storm left something.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::arena::Arena;

/// Figures in bytes that say where memory is.
const FAMILIES: [&str; 3] =
    ["wforge_resident_bytes{", "wforge_allocator_bytes{", "wforge_kept_bytes{"];
/// Less is not worth a word.
const CHANGE_MIN: u64 = 1 << 20;

/// Those figures, by their names with labels.
#[derive(Debug)]
pub(crate) struct Kept(BTreeMap<String, u64>);

impl Kept {
    /// As the server says them now.
    pub(crate) fn of(arena: &Arena) -> Result<Self> {
        Ok(Self::read(&arena.operator.get("/metrics")?.text))
    }

    fn read(text: &str) -> Self {
        let figure = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            let is_wanted = FAMILIES.iter().any(|family| name.starts_with(family));
            Some((is_wanted.then(|| name.to_owned())?, value.parse().ok()?))
        };
        Self(text.lines().filter_map(figure).collect())
    }

    /// A line for each that is other than it was by a MiB or more.
    pub(crate) fn since(&self, before: &Self) -> Vec<String> {
        let changed = self.0.iter().filter_map(|(name, now)| {
            let was = before.0.get(name).copied().unwrap_or(0);
            let is_other = now.abs_diff(was) >= CHANGE_MIN;
            is_other.then(|| format!("  {name}: {} MiB, was {} MiB", now >> 20, was >> 20))
        });
        changed.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Kept;

    #[test]
    fn what_grew_by_a_mebibyte_is_told_and_nothing_else() {
        let before = Kept::read("wforge_kept_bytes{what=\"rows\"} 1048576\nwforge_ready 1\n");
        let after = Kept::read(
            "# HELP wforge_kept_bytes What that takes.\nwforge_kept_bytes{what=\"rows\"} 3145728\n\
             wforge_resident_bytes{kind=\"file\"} 99\nwforge_ready 9999999\n",
        );
        let told = after.since(&before);
        assert_eq!(told, ["  wforge_kept_bytes{what=\"rows\"}: 3 MiB, was 1 MiB"]);
    }
}
