//! Components that are attacks, as text where no compiler of guests would make them.

pub(crate) use wforge_testkit::bombs;
pub(crate) use wforge_testkit::guests::{
    LOG, echo, fixture, with_section, with_sections, without_agent,
};
