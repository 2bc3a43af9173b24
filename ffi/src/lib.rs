//! The C interface of `subhalf`, which `include/subhalf.h` declares: formats, policies and matrix
//! units by name, encode and decode, arithmetic with flags, one instruction of a matrix unit.
//!
//! Every function takes plain integers, doubles and pointers, so that SystemVerilog's DPI-C can
//! call it, and returns 0 or an id, or a negative number if something was refused. A refusal writes
//! nothing but the message that [`subhalf_message`] gives.
//!
//! This crate owns the boundary: what a caller's pointers and integers mean, and that no panic
//! crosses. It computes nothing by itself.
//!
//! ```text
//! names.rs      formats, policies, roundings and units as integers
//! numbers.rs    encode, decode, convert, arithmetic
//! units.rs      instructions of matrix units
//! failure.rs    return codes, the message, and the guard against panics
//! pointers.rs   what is read and written through a caller's pointers
//! ```

#![expect(
    unsafe_code,
    reason = "a C interface reads and writes through pointers of its callers, and exports names"
)]
// Each function's contract is in the header, and the same: a pointer is null or valid.
#![expect(clippy::missing_safety_doc, reason = "the header says it for all functions at once")]

mod failure;
mod names;
mod numbers;
mod pointers;
mod units;

pub use failure::subhalf_message;
pub use names::{
    subhalf_format, subhalf_format_bits, subhalf_policy, subhalf_unit, subhalf_unit_products,
    subhalf_unit_scales,
};
pub use numbers::{
    subhalf_add, subhalf_convert, subhalf_decode, subhalf_div, subhalf_encode, subhalf_fma,
    subhalf_mul, subhalf_mul_add, subhalf_recip, subhalf_rem, subhalf_sqrt, subhalf_sub,
};
pub use units::{subhalf_unit_dot, subhalf_unit_step};
