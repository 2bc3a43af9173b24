//! [`Preset`], a row of the table of presets, and the macro that makes a module's constants and
//! rows.

use crate::block::BlockSpec;
use crate::naming::names_of;
use core::fmt::{Display, Formatter};

/// The evidence that a preset computes what its source does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// The program's own output is reproduced, bit for bit.
    Checked,
    /// The formulas of a document or of a source are followed, and a second implementation in the
    /// tests agrees. No array of the program is in `tests/golden`.
    FormulaOnly,
}

names_of! { Evidence, "evidence":
    Checked "checked",
    FormulaOnly "formula only",
}

/// A row of the table of presets.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Preset {
    /// The path of the constant inside [`preset`](crate::preset): `torchao::NVFP4`, or
    /// `deepseek::v3::FP8_E4M3_1X128` where versions differ.
    pub name: &'static str,
    /// What to quantize with: rule, formats and arithmetic.
    pub spec: BlockSpec,
    /// The standard or the program, and its version.
    pub source: &'static str,
    /// The scale rule in words.
    pub rule: &'static str,
    /// The evidence for the preset.
    pub evidence: Evidence,
    /// Why quantizing a dequantized tensor again may change it; `None` if it never does.
    pub not_idempotent: Option<&'static str>,
}

/// Writes the path of the constant inside [`preset`](crate::preset).
impl Display for Preset {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name)
    }
}

/// Makes the constants of a module and their rows of the table. The module's path inside `preset`
/// and the source come first. A preset has its scheme, its rule in words, its evidence and, if it
/// is not idempotent, the reason (`changes`).
macro_rules! presets {
    (
        module: $module:literal,
        source: $source:literal;
        $($(#[$doc:meta])* $name:ident {
            spec: $spec:expr,
            rule: $rule:literal,
            evidence: $evidence:ident,
            $(changes: $why:expr,)?
        })*
    ) => {
        $(
            $(#[$doc])*
            ///
            #[doc = concat!(
                "Scale rule: `", $rule, "`. Source: ", $source, ". Evidence: [`",
                stringify!($evidence), "`](crate::preset::Evidence::", stringify!($evidence), ").",
            )]
            pub const $name: $crate::BlockSpec = $spec;
        )*

        /// The presets of this module.
        pub(crate) const TABLE: &[$crate::preset::Preset] = &[$($crate::preset::Preset {
            name: concat!($module, "::", stringify!($name)),
            spec: $name,
            source: $source,
            rule: $rule,
            evidence: $crate::preset::Evidence::$evidence,
            not_idempotent: [$(Some($why),)? None][0],
        }),*];
    };
}
