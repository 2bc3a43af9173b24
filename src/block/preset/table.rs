//! [`Preset`], a row of the table of presets, and the macro that stamps a module's constants and
//! rows.

use crate::block::BlockSpec;

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

/// Stamps the constants of a module and their rows of the table. The module's name and source come
/// first; of each preset its rule in words, its evidence and, if it is not idempotent, why.
macro_rules! presets {
    ($module:literal, $source:literal;
     $($(#[$doc:meta])* $name:ident = $spec:expr, $rule:literal, $evidence:ident $(, changes $why:literal)?;)*) => {
        $($(#[$doc])* pub const $name: BlockSpec = $spec;)*

        /// The presets of this module.
        pub(crate) const TABLE: &[Preset] = &[$(Preset {
            name: concat!($module, "::", stringify!($name)),
            spec: $name,
            source: $source,
            rule: $rule,
            evidence: Evidence::$evidence,
            not_idempotent: [$(Some($why),)? None][0],
        }),*];
    };
}
