//! The schemes that people ship, as constants of [`BlockSpec`], and [`all`] of them as a table.
//!
//! A module is a standard or a program; where a program's rules change with its version, a module inside it. A later version that differs
//! gets a constant of its own: none here ever changes a bit. [`Evidence`] says whether a preset reproduces arrays that the program itself
//! made (`tests/golden`), or follows a document and has only a second implementation in the tests to agree with.
//!
//! What was read and run for each program, and where it still differs, is in `docs/evidence.md` of the repository.
//!
//! *Quantizing again* is what quantizing a dequantized tensor does to its numbers.
//!
#![doc = include_str!("../../../docs/presets.md")]

use super::BlockSpec;

/// What stands behind a preset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// The program's own output is reproduced, bit for bit.
    Checked,
    /// A document is followed; the program was never run.
    FormulaOnly,
}

/// A row of the table of presets.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Preset {
    /// The path of the constant inside this module: `ocp::MXFP4`.
    pub name: &'static str,
    /// The scheme.
    pub spec: BlockSpec,
    /// The standard or the program, and its version.
    pub source: &'static str,
    /// The scale rule in words.
    pub rule: &'static str,
    /// What stands behind it.
    pub evidence: Evidence,
    /// Why quantizing a dequantized tensor again may change it; `None` if it never does.
    pub not_idempotent: Option<&'static str>,
}

/// Stamps the constants of a module and their rows of the table. The module's name and source come first; of each preset its rule in
/// words, its evidence and, if it is not idempotent, why.
macro_rules! presets {
    ($module:literal, $source:literal;
     $($(#[$doc:meta])* $name:ident = $spec:expr, $rule:literal, $evidence:ident $(, changes $why:literal)?;)*) => {
        $($(#[$doc])* pub const $name: BlockSpec = $spec;)*

        /// The presets of this module.
        pub(in crate::block::preset) const TABLE: &[Preset] = &[$(Preset {
            name: concat!($module, "::", stringify!($name)),
            spec: $name,
            source: $source,
            rule: $rule,
            evidence: Evidence::$evidence,
            not_idempotent: [$(Some($why),)? None][0],
        }),*];
    };
}

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
