//! How runs and workflows look to people: a workflow as Mermaid, DOT or SVG, a run as one page, and
//! what its log tells without its workflow.
//!
//! Text in, text out: whoever serves or prints it decides where it goes. Never here: reading a
//! store, HTTP, terminals. Everything that a workflow, a plugin or a person wrote is escaped.

mod drawing;
mod html;
mod layout;
mod page;
mod svg;
mod trail;
mod words;

pub use drawing::{dot, drawing, mermaid};
pub use page::{Telling, page};
pub use svg::svg;
pub use trail::{Level, Place, Trail};
pub use wforge_graph::Drawing;
pub use words::{AFTER_WRITE, assigned, cancelled, duration, for_steps, when_text};
