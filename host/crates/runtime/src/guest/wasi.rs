//! WASI, inert: no files, no environment, no arguments, no sockets. Clock and chance are the
//! host's, so that a rerun sees the same.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand_core::TryRng;
use wasmtime_wasi::{FsPerms, HostMonotonicClock, HostWallClock, WasiCtx};
use wforge_model::Timestamp;
use wforge_model::defence::{Defence, holds};
use wforge_ports::effects::GuestLevel;

use super::stdio::Stdio;
use super::voice::Voice;

/// The time that a guest sees: stands still between two answers of the host.
#[derive(Debug, Clone)]
pub(crate) struct GuestClock(Arc<AtomicU64>);

impl GuestClock {
    pub(crate) fn at(time: Timestamp) -> Self {
        Self(Arc::new(AtomicU64::new(time.0)))
    }

    pub(crate) fn set(&self, time: Timestamp) {
        self.0.store(time.0, Ordering::Relaxed);
    }

    fn ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl HostWallClock for GuestClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.ms())
    }
}

impl HostMonotonicClock for GuestClock {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        self.ms().saturating_mul(1_000_000)
    }
}

/// Random bytes that are the same on every rerun: BLAKE3 in counter mode under the task's seed.
struct Chance(blake3::OutputReader);

impl Chance {
    fn stream(seed: &[u8; 32], name: &str) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(seed);
        hasher.update(name.as_bytes());
        Self(hasher.finalize_xof())
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }
}

impl TryRng for Chance {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.bytes()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.bytes()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

/// The WASI of one sandbox.
#[expect(clippy::disallowed_methods, reason = "what a host without these defences would do")]
pub(crate) fn inert(
    clock: &GuestClock,
    seed: &[u8; 32],
    random_bytes_max: u32,
    voice: &Voice,
) -> WasiCtx {
    let insecure_seed = u128::from_le_bytes(Chance::stream(seed, "insecure-seed").bytes());
    let mut wasi = WasiCtx::builder();
    if !holds(Defence::Environment) {
        wasi.inherit_env();
    }
    if !holds(Defence::Files) {
        // Where there is no such folder there is nothing to be shown either.
        let _opened = wasi.preopened_dir("/", "/", FsPerms::ReadOnly);
    }
    wasi.wall_clock(clock.clone())
        .monotonic_clock(clock.clone())
        .secure_random(Chance::stream(seed, "random"))
        .insecure_random(Chance::stream(seed, "insecure"))
        .insecure_random_seed(insecure_seed)
        .max_random_size(u64::from(random_bytes_max))
        .stdout(Stdio::new(GuestLevel::Info, voice))
        .stderr(Stdio::new(GuestLevel::Warn, voice))
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .build()
}
