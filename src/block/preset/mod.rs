//! The schemes that people ship, as constants of [`BlockSpec`].
//!
//! A module is a program (or a standard); where a program's rules changed, a module of its version. A later version that differs gets a
//! constant of its own: none here ever changes a bit.

pub mod ocp;
