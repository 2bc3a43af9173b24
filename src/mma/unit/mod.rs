//! Matrix units: what an accelerator's instruction returns for a group of products and an
//! accumulator, bit for bit. This folder owns the arithmetic of one instruction and the chain over
//! K; which operands go in, and how fast, is `ops::matmul`'s.
//!
//! ```text
//! MmaSpec      a unit as orthogonal parts, validated      spec.rs, build.rs
//! term         products and scales as exact terms         term.rs
//! aligned      align, cut, add, round once                aligned.rs
//! rounded      chains and trees of IEEE operations        rounded.rs
//! integer      wrapping and saturating sums               integer.rs
//! step, dot    one instruction, and any number of them    step.rs
//! schedule     K in order, split or promoted; the model   schedule.rs
//! preset       named units with their evidence            preset/
//! ```

mod aligned;
mod build;
#[cfg(all(test, feature = "std", target_arch = "x86_64"))]
mod hardware_tests;
mod integer;
pub mod preset;
mod rounded;
mod schedule;
mod spec;
mod step;
mod term;

pub use build::MmaBuilder;
pub use schedule::{Combine, KSchedule};
pub use spec::{Adder, InputFlush, IntegerAdder, Join, KOrder, MmaSpec, RoundedOrder, UnitAcc};
pub use spec::{ResultFlush, ScaleUse, UnitScales};
pub use step::MmaStep;

pub(crate) use schedule::UnitSum;
