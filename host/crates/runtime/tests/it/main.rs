//! The sandbox from the outside, with components written as WebAssembly text.

#[cfg(test)]
use wforge_testkit::guests as components;

#[cfg(test)]
mod admission;
#[cfg(test)]
mod aot;
#[cfg(test)]
mod bombs;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod host_calls;
#[cfg(test)]
mod output;
#[cfg(test)]
mod shares;
