//! How products are added up: the accumulators, the seam that all of them are values of, and one step of each on exact numbers. Loops over matrices and threads
//! are in `ops`.

mod accumulate;
mod accumulator;
mod blocks;
mod chain;
mod fixed;
mod model;

pub use accumulator::{Accumulator, Chain, IntegerOverflow};

#[cfg(test)]
pub(crate) use accumulate::{Accumulate, GroupLen};
pub(crate) use accumulate::{AnyAccumulate, Block, Products, Sum, Takes};
pub(crate) use blocks::{Partial, Scale};
pub(crate) use fixed::Fixed;
pub(crate) use model::Formats;
