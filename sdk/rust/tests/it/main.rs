//! What authors write against what they are promised: agents as a host calls them, what a build
//! hears of their types, and what stands in for the host in their tests.
#![expect(unreachable_pub, reason = "agents have to be public, and a test binary has no readers")]
#![expect(clippy::unwrap_used, reason = "a call that should succeed and does not has to fail")]

mod calls;
mod capabilities;
mod described;
mod hello;
mod mock_host;
mod packaged;
