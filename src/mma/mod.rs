//! How products are added up: the accumulators and one step of each, on exact numbers. Loops over matrices and threads are in `ops`.

mod accumulator;
mod fixed;
mod step;

pub use accumulator::{Accumulator, Chain, IntegerOverflow};

pub(crate) use fixed::Fixed;
pub(crate) use step::{Partial, Scale, integer_dot};
