//! The schemes in use, as constants of [`BlockSpec`](crate::BlockSpec): [`all`] lists them,
//! [`by_name`] and [`by_format`] find them.
//!
//! A module is a program or a standard; a constant begins with the format: `torchao::NVFP4`,
//! `ocp::MXFP8_E4M3_CEIL`. Where the rules of two versions of a program differ, its module has a
//! module for each version: `deepseek::v3::FP8_E4M3_1X128`. Schemes that are not one program's are
//! in [`generic`]. A later version that differs gets constants of its own: no constant ever changes
//! a bit.
//!
//! [`Evidence`] says whether a preset reproduces arrays that the program itself made
//! (`tests/golden`), or follows a document and is checked by a second implementation in the tests
//! alone. `docs/evidence.md` of the repository says for each program what was read and run, and
//! where it still differs.
//!
//! # NVFP4
//!
//! NVFP4 has E2M1 elements in blocks of 16 along the last axis, one UE4M3 scale for each block, and
//! in most programs an f32 scale for the tensor. Every program computes other numbers: they differ
//! in the order of operations, in the smallest scale, and in the scale of a block of zeros.
//!
//! In the rules `amax` is the largest magnitude of the tensor and `amax_b` that of a block, `t` the
//! tensor scale, `T` its inverse, and `s` the scale of a block. Every operation is in f32. Scales
//! are rounded to nearest even and saturate, and so do elements. Tensor scales found from the data
//! are made from its finite numbers. Scales are stored as the programs' `float8_e4m3fn` codes,
//! whose sign bit is never set.
//!
//! The `_16X16` presets apply the same operations to tiles of 16×16, so that a matrix and its
//! transpose have the same scales. Transformer Engine ships them; for the other programs they are
//! the arithmetic alone.
//!
//! Quantizing a dequantized tensor again finds another tensor scale, because `amax` comes back by
//! rounded products.
//!
//! # Table
//!
//! The column *quantizing again* says what quantizing a dequantized tensor does to its numbers.
//!
#![doc = include_str!("../../../docs/presets.md")]

#[macro_use]
mod table;

pub mod bitsandbytes;
mod common;
pub mod compressed_tensors;
pub mod deepgemm;
pub mod deepseek;
pub mod fouroversix;
pub mod generic;
pub mod gfloat;
pub mod ggml;
pub mod microxcaling;
pub mod microxcaling_cpp;
pub mod mlx;
pub mod modelopt;
pub mod ocp;
mod renamed;
pub mod torchao;
pub mod transformer_engine;

pub use table::{Evidence, Preset};

use crate::block::BlockSpec;
use crate::error::Error;
use crate::naming::nearest_name;

/// The tables of all modules.
const TABLES: &[&[Preset]] = &[
    ocp::TABLE,
    gfloat::TABLE,
    torchao::mx::TABLE,
    torchao::nvfp4::TABLE,
    torchao::fp8::TABLE,
    microxcaling::TABLE,
    microxcaling_cpp::TABLE,
    mlx::TABLE,
    modelopt::TABLE,
    compressed_tensors::TABLE,
    transformer_engine::TABLE,
    fouroversix::TABLE,
    deepseek::v3::TABLE,
    deepseek::v3_1::TABLE,
    deepgemm::TABLE,
    ggml::TABLE,
    bitsandbytes::TABLE,
    generic::fp8::TABLE,
    generic::hif8::TABLE,
    generic::int::TABLE,
];

/// Iterates over every preset, in the order of the table.
///
/// ```
/// use subhalf::preset;
/// assert!(preset::all().any(|preset| preset.name == "ocp::MXFP4"));
/// ```
pub fn all() -> impl Iterator<Item = &'static Preset> {
    TABLES.iter().copied().flatten()
}

/// Returns the preset with this path inside the module, such as `torchao::NVFP4`, or with a path
/// that it had in an earlier version. Case does not matter.
///
/// ```
/// use subhalf::preset;
/// assert_eq!(preset::by_name("torchao::nvfp4")?.spec, preset::torchao::NVFP4);
/// assert_eq!(preset::by_name("nvfp4::TORCHAO")?.name, "torchao::NVFP4");
/// let error = preset::by_name("torchao::NVFP5").unwrap_err().to_string();
/// assert!(error.ends_with("the nearest is torchao::NVFP4"), "{error}");
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::UnknownName`] with the nearest name.
pub fn by_name(name: &str) -> Result<&'static Preset, Error> {
    let renamed = renamed::RENAMED.iter().find(|(old, _)| old.eq_ignore_ascii_case(name));
    let present = renamed.map_or(name, |&(_, new)| new);
    all().find(|preset| preset.name.eq_ignore_ascii_case(present)).ok_or_else(|| {
        let nearest = nearest_name(name, all().map(|preset| preset.name));
        Error::unknown_name("preset", "preset::all", name, nearest)
    })
}

/// Reads the path of a preset, as [`by_name`] does.
impl core::str::FromStr for Preset {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        by_name(name).copied()
    }
}

/// Returns the first preset that is this scheme.
///
/// ```
/// use subhalf::preset;
/// let found = preset::of(&preset::torchao::NVFP4).map(|preset| preset.name);
/// assert_eq!(found, Some("torchao::NVFP4"));
/// assert!(preset::of(&preset::torchao::NVFP4.with_flush_below(1.0)).is_none());
/// ```
#[must_use]
pub fn of(spec: &BlockSpec) -> Option<&'static Preset> {
    all().find(|preset| preset.spec == *spec)
}

/// Iterates over the presets of a format, in the order of the table: those whose constant is
/// `format`, or begins with `format` and an underscore. Case does not matter. A format without
/// presets gives an empty iterator.
///
/// ```
/// use subhalf::preset;
/// let mut names = preset::by_format("NVFP4").map(|preset| preset.name);
/// assert!(names.any(|name| name == "torchao::NVFP4_SINGLE"));
/// assert!(preset::by_format("FP8").all(|preset| preset.name.contains("::FP8_E")));
/// assert_eq!(preset::by_format("NVFP5").count(), 0);
/// ```
pub fn by_format(format: &str) -> impl Iterator<Item = &'static Preset> {
    all().filter(move |preset| {
        let constant = preset.name.rsplit("::").next().unwrap_or_default();
        let head = constant.get(..format.len()).unwrap_or_default();
        let rest = &constant[head.len()..];
        !head.is_empty()
            && head.eq_ignore_ascii_case(format)
            && (rest.is_empty() || rest.starts_with('_'))
    })
}

#[cfg(test)]
mod tests {
    use super::{all, by_name, renamed::RENAMED};

    #[test]
    fn former_names_find_presets() {
        for &(old, new) in RENAMED {
            let found = by_name(&old.to_ascii_lowercase()).map(|preset| preset.name);
            assert_eq!(found, Ok(new), "{old}");
            assert!(!all().any(|preset| preset.name.eq_ignore_ascii_case(old)), "{old}");
        }
    }
}
