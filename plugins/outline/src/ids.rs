//! Ids of sections: as the anchors that hosting sites give to headings, and unique.

use std::collections::{HashMap, HashSet};

/// The longest id, in characters, before a number makes it unique.
const ID_CHARACTERS_MAX: usize = 80;

/// Hands out ids that differ from each other.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    taken: HashSet<String>,
    /// The last number that each repeated title got, so that a thousand equal ones stay cheap.
    numbers: HashMap<String, usize>,
}

impl Ids {
    /// An id for that title: small letters, digits, `_` and `-` for spaces; a second one gets `-1`.
    pub(crate) fn of(&mut self, title: &str) -> String {
        let slug = slug(title);
        if self.taken.insert(slug.clone()) {
            return slug;
        }
        let number = self.numbers.entry(slug.clone()).or_default();
        loop {
            *number += 1;
            // A heading "a 1" may have taken "a-1" already.
            let id = format!("{slug}-{number}");
            if self.taken.insert(id.clone()) {
                return id;
            }
        }
    }
}

fn slug(title: &str) -> String {
    let kept = title.trim().chars().flat_map(char::to_lowercase).filter_map(|c| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        c => c.is_alphanumeric().then_some(c),
    });
    let slug: String = kept.take(ID_CHARACTERS_MAX).collect();
    if slug.chars().any(char::is_alphanumeric) { slug } else { "section".to_owned() }
}
