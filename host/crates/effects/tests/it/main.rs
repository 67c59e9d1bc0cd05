//! The rules of durable effects, one test each, bearing the number they have in docs; the one way
//! out, against real servers on this machine.

#[cfg(test)]
mod addresses;
#[cfg(test)]
mod blobs;
#[cfg(test)]
mod breaker;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod egress;
#[cfg(test)]
mod egress_bodies;
#[cfg(test)]
mod egress_tls;
#[cfg(test)]
mod fake_store;
#[cfg(test)]
mod grants;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod llm;
#[cfg(test)]
mod marks;
#[cfg(test)]
mod mcp;
#[cfg(test)]
mod mcp_world;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod memory_model;
#[cfg(test)]
mod outside;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod raw;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod surfaces;
#[cfg(test)]
mod tools;
#[cfg(test)]
mod world;
