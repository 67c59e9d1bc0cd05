//! The rules of durable effects, one test each, bearing the number they have in docs.

#[cfg(test)]
mod contract;
#[cfg(test)]
mod fake_store;
#[cfg(test)]
mod grants;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod llm;
#[cfg(test)]
mod outside;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod world;
