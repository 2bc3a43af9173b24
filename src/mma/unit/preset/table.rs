//! [`MatrixUnit`] and the grades, and the macro that makes a module's constants.

use crate::error::Error;
use crate::mma::unit::spec::{MmaSpec, RoundedOrder};
use crate::spec::FormatSpec;

/// What shows that a unit returns the bits of its model, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// Published outputs of real GPUs, or the instruction itself in this crate's tests, are
    /// reproduced bit for bit.
    Silicon,
    /// Two models that were written independently agree; each names checks on hardware.
    TwoModels,
    /// One published model or emulator, of hardware or of a draft.
    OneModel,
    /// A document of the vendor, or its text.
    Document,
    /// No evidence: a neutral model under the name of a guess.
    Assumed,
}

/// A matrix unit of known hardware.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MatrixUnit {
    /// The path of the constant inside [`unit`](crate::unit): `hopper::WGMMA_FP8`.
    pub name: &'static str,
    /// The instruction, as its vendor or its assembler calls it.
    pub instruction: &'static str,
    /// The formats of elements that it takes, each with each.
    pub inputs: &'static [FormatSpec],
    /// The evidence for the model.
    pub grade: Grade,
    /// What was compared with what, and what was not.
    pub evidence: &'static str,
    /// The unit for the first of its formats.
    pub(super) unit: MmaSpec,
}

impl MatrixUnit {
    /// The unit for elements of these formats.
    ///
    /// # Errors
    /// [`Error::Scheme`] for a format that is not one of [`inputs`](Self::inputs).
    pub fn spec(&self, a: FormatSpec, b: FormatSpec) -> Result<MmaSpec, Error> {
        if !self.inputs.contains(&a) || !self.inputs.contains(&b) {
            return Err(Error::Scheme {
                what: "element of a matrix unit",
                expected: "one of the unit's input formats",
            });
        }
        self.unit.to_builder().formats(a, b).build()
    }

    /// The unit for the first of its formats on both sides.
    #[must_use]
    pub const fn first(&self) -> MmaSpec {
        self.unit
    }
}

/// Makes the constants of a module and the list of them.
macro_rules! units {
    (@list [] [$($name:ident)*]) => {};
    (@list [$list:ident: $doc:literal] [$($name:ident)*]) => {
        #[doc = $doc]
        pub const $list: &[$crate::mma::unit::preset::table::MatrixUnit] = &[$($name),*];
    };
    ($module:literal $(, $list:ident: $list_doc:literal)?; $($(#[$doc:meta])* $name:ident {
        instruction: $instruction:literal,
        inputs: $inputs:expr,
        unit: $unit:expr,
        grade: $grade:ident,
        evidence: $evidence:literal,
    })*) => {
        $(
            $(#[$doc])*
            ///
            #[doc = concat!(
                "Instruction: `", $instruction, "`. Evidence: [`", stringify!($grade),
                "`](crate::unit::Grade::", stringify!($grade), "): ", $evidence, ".",
            )]
            pub const $name: $crate::mma::unit::preset::table::MatrixUnit =
                $crate::mma::unit::preset::table::MatrixUnit {
                    name: concat!($module, "::", stringify!($name)),
                    instruction: $instruction,
                    inputs: $inputs,
                    grade: $crate::mma::unit::preset::table::Grade::$grade,
                    evidence: $evidence,
                    unit: $unit.constant(),
                };
        )*

        units! { @list [$($list: $list_doc)?] [$($name)*] }
    };
}

pub(super) use units;

/// A unit that nobody has published bits of, modelled as exact products and one IEEE f32 addition
/// after the other, *k* upward: for Gaudi, TPU, Ascend, Xe and CDNA4. It is a guess, and bears
/// [`Grade::Assumed`].
///
/// ```
/// use subhalf::{FormatSpec, unit};
/// let bf16 = FormatSpec::BF16;
/// let guess = unit::assumed_f32_chain(bf16, bf16)?;
/// let ones = [0x3F80; 3];
/// assert_eq!(f32::from_bits(guess.step(&ones[..1], &ones[..1], 0x3F80_0000)?.code), 2.0);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::SpecConflict`] for formats that are no floating-point formats of at most 19 bits.
pub const fn assumed_f32_chain(a: FormatSpec, b: FormatSpec) -> Result<MmaSpec, Error> {
    MmaSpec::rounded(a, b, RoundedOrder::Chain).fan_in(1).build()
}
