//! Where the expressions of a workflow stand in its file, kept beside the workflow: a failure names
//! its place, and this names the line.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;

use serde::{Deserialize, Serialize};

/// The lines of one workflow file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    /// The file, as it was named.
    pub file: String,
    /// Line and column, from 1, of each place that a failure may name, such as
    /// `edges.3.branch.0.when`. A place that is missing here is as its nearest one above.
    pub places: BTreeMap<String, (u32, u32)>,
}

impl Lines {
    /// `file:line:column` of a place, or of the nearest one around it.
    #[must_use]
    pub fn locate(&self, place: &str) -> Option<String> {
        let mut place = place;
        loop {
            if let Some((line, column)) = self.places.get(place) {
                return Some(format!("{}:{line}:{column}", self.file));
            }
            (place, _) = place.rsplit_once('.')?;
        }
    }
}
