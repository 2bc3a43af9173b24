//! What the benchmarks share: inputs, control rows, rows that run in turns, and what a core can do
//! at best. It measures nothing itself.

#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::must_use_candidate,
    clippy::missing_panics_doc,
    clippy::print_stdout,
    reason = "for the programs of this package alone"
)]

pub mod control;
#[cfg(target_arch = "x86_64")]
pub mod peaks;
#[cfg(feature = "peers")]
pub mod scalars;
#[cfg(feature = "peers")]
pub mod slices;
pub mod turns;
