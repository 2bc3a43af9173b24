//! Matrix products: checks, shapes and the order of work. How products are added up is `mma`'s; the
//! inner loops are `kernel`'s.
//!
//! From the doors down: `product` takes operands and checks them into a `job`. Then either
//! `reference` makes element after element by the model, or `engine` makes all of them: `plan`
//! chooses kernels, `pack_a` and `pack_b` lay out the operands, `unit` cuts the product for
//! threads, a file of `run` makes the sums of a unit, and `finish` makes elements of sums.
//! All of them work in the memory of a `workspace`, of which a thread has a `scratch`.

mod bit_range;
mod bounds;
mod builder;
mod codes;
mod engine;
mod finish;
mod held;
mod job;
mod operand;
mod pack_a;
mod pack_b;
mod packed;
mod panel;
mod plan;
mod product;
mod read;
mod reference;
mod run;
mod scales;
mod scratch;
#[cfg(all(test, feature = "presets"))]
mod seam_tests;
mod slices;
mod sums;
mod tile;
mod unit;
mod unit_operand;
mod unit_plan;
mod work;
mod workspace;

pub use builder::Matmul;
pub use operand::{Activation, Operand};
pub use packed::PackedMatrix;
pub use product::{dot, gemv, matmul, matmul_into, reference_matmul};
pub use workspace::Workspace;
