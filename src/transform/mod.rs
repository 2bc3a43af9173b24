//! Transforms of rows of numbers that make them easier to quantize. It owns what a transform is;
//! the loops over rows and threads are in `ops`.

mod hadamard;

pub use hadamard::Hadamard;
