//! Models, at servers on the loopback address and without any.

mod anthropic;
mod budgets;
mod cassette;
mod configuration;
mod faults;
mod files;
mod loopback;
mod mock;
mod names;
mod openai;
mod provider;
mod speech;
mod stage;
