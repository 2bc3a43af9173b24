//! The schemes that people ship, as constants of [`BlockSpec`](crate::BlockSpec), and [`all`] of
//! them as a table.
//!
//! A module is a standard or a program; where a program's rules change with its version, a module
//! inside it. A later version that differs gets a constant of its own: none here ever changes a
//! bit. [`Evidence`] says whether a preset reproduces arrays that the program itself made
//! (`tests/golden`), or follows a document and has only a second implementation in the tests to
//! agree with.
//!
//! What was read and run for each program, and where it still differs, is in `docs/evidence.md` of
//! the repository.
//!
//! *Quantizing again* is what quantizing a dequantized tensor does to its numbers.
//!
#![doc = include_str!("../../../docs/presets.md")]

#[macro_use]
mod table;

pub mod bitsandbytes;
pub mod compressed_tensors;
pub mod compressed_tensors_int;
pub mod fp8;
pub mod gfloat;
pub mod ggml;
pub mod hif8;
pub mod int;
pub mod microxcaling;
pub mod microxcaling_cpp;
pub mod modelopt;
pub mod nvfp4;
pub mod ocp;
pub mod torchao;
pub mod transformer_engine;

pub use table::{Evidence, Preset};

/// The tables of all modules.
const TABLES: &[&[Preset]] = &[
    ocp::TABLE,
    gfloat::TABLE,
    torchao::TABLE,
    microxcaling::TABLE,
    microxcaling_cpp::TABLE,
    modelopt::TABLE,
    compressed_tensors::TABLE,
    compressed_tensors_int::TABLE,
    int::TABLE,
    ggml::TABLE,
    bitsandbytes::TABLE,
    nvfp4::transformer_engine::TABLE,
    nvfp4::torchao::TABLE,
    nvfp4::modelopt::TABLE,
    nvfp4::compressed_tensors::TABLE,
    nvfp4::fouroversix::TABLE,
    transformer_engine::TABLE,
    fp8::plain::TABLE,
    fp8::deepseek::TABLE,
    fp8::deepgemm::TABLE,
    fp8::torchao::TABLE,
    hif8::TABLE,
];

/// Every preset, in the order of the documentation.
///
/// ```
/// use subhalf::preset;
/// assert!(preset::all().any(|preset| preset.name == "ocp::MXFP4"));
/// ```
pub fn all() -> impl Iterator<Item = &'static Preset> {
    TABLES.iter().copied().flatten()
}

/// The preset of this path inside this module, such as `ocp::MXFP4`; case does not matter.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Preset> {
    all().find(|preset| preset.name.eq_ignore_ascii_case(name))
}
