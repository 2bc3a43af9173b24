//! Error accounting: [`ErrorStats`] sums up what storing numbers in a format did to them,
//! [`TensorStats`] what a block-scaled tensor kept. It measures; which policy and which scale to
//! use is the caller's choice.

mod errors;
mod storage;
#[cfg(feature = "alloc")]
mod tensor;
#[cfg(test)]
mod tests;

pub use errors::{ErrorStats, Sqnr};
pub use storage::{amax_scale, storage_error};
#[cfg(feature = "alloc")]
pub use tensor::{TensorStats, WorstBlock};
