//! The rules of durable effects, one test each, bearing the number they have in docs.

#[cfg(test)]
mod blobs;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod fake_store;
#[cfg(test)]
mod grants;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod memory_model;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod world;
