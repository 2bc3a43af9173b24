//! How products are added up: the accumulators, the seam that all of them are values of, and one
//! step of each on exact numbers. Loops over matrices and threads are in `ops`.
//!
//! A new accumulator is a variant of [`Accumulator`] and a value of
//! [`Accumulate`](accumulate::Accumulate). The compiler then asks for it where accumulators are
//! validated, become models (`model.rs`), meet operands (`ops/matmul/product.rs`) and choose
//! kernels (`ops/matmul/plan.rs`, where `None` is right).

mod accumulate;
mod accumulator;
mod blocks;
mod chain;
mod fixed;
mod model;
mod text;
mod unit;
mod wide;

pub use accumulator::{Accumulator, Chain, IntegerOverflow};
pub use unit::{
    Adder, Combine, InputFlush, IntegerAdder, Join, KOrder, KSchedule, MmaBuilder, MmaSpec,
    MmaStep, ResultFlush, RoundedOrder, ScaleUse, UnitAcc, UnitScales,
};
pub use wide::WideSum;

#[cfg(all(test, feature = "presets"))]
pub(crate) use accumulate::{Accumulate, GroupLen};
pub(crate) use accumulate::{AnyAccumulate, BlockScales, Products, Sum, Takes};
pub(crate) use blocks::{PairScale, Partial};
pub(crate) use fixed::Fixed;
pub(crate) use model::Formats;
pub(crate) use unit::UnitSum;
pub use unit::preset;
