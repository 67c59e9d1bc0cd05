//! The rules of durable effects, one test each, bearing the number they have in docs.

#[cfg(test)]
mod contract;
#[cfg(test)]
mod fake_store;
#[cfg(test)]
mod grants;
#[cfg(test)]
mod mcp;
#[cfg(test)]
mod mcp_world;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod tools;
#[cfg(test)]
mod world;
