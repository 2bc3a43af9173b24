//! How scaled numbers become codes, where that is not one of the conversions that load a number and
//! store its code in any case: roundings of programs, ties away from zero, codebooks.

use super::arrays::Chunk;
use crate::block::rule::FLOOR_CARRIES;
use crate::kernel::{
    self, Away, Grid, GridCoder, HalfAdded, HalfAddedEven, HalfUp, IntegerAway, Isa,
    LogarithmTruncated, NegativeZero, Steps, TiesTowardZero, Truncated,
};
use crate::policy::{Convert, SubnormalInputs};
use crate::random::Dither;
use crate::round::Round;
use crate::spec::FormatSpec;

/// How scaled numbers become codes.
pub(super) enum ScaledCoder {
    Encoder(kernel::Encoder),
    Grid(GridMode, Grid),
    HalfUp(HalfUp),
    IntegerAway(IntegerAway),
    Steps(Steps),
    /// Steps of numbers that are rounded to equal steps first.
    EqualSteps(Steps),
}

/// The rounding of a [`Grid`].
#[derive(Clone, Copy)]
pub(super) enum GridMode {
    Away,
    TiesTowardZero,
    Truncated,
    HalfAdded,
    HalfAddedEven,
    LogarithmTruncated,
}

impl ScaledCoder {
    /// Whether numbers may be scaled in the loop that makes their codes.
    pub(super) const fn is_of_one_pass(&self) -> bool {
        match self {
            // Logarithms look at some hundred numbers before they take a table.
            Self::Grid(GridMode::LogarithmTruncated, _)
            | Self::Encoder(_)
            | Self::Steps(_)
            | Self::EqualSteps(_) => false,
            Self::Grid(..) | Self::HalfUp(_) | Self::IntegerAway(_) => true,
        }
    }

    /// Scales and encodes in one pass by a coder that has one.
    pub(super) fn encode_scaled<S: kernel::Scaling>(
        &self,
        isa: Isa,
        negative_zero: NegativeZero,
        scaling: S,
        chunk: Chunk<'_>,
        factors: &[S::Factor],
        codes: &mut [u8],
    ) -> bool {
        let Chunk { numbers, length, .. } = chunk;
        let zero = if S::SETTLES_ZEROS { NegativeZero::Keep } else { negative_zero };
        macro_rules! encode {
            ($coder:expr) => {
                kernel::encode_blocks(isa, $coder, scaling, numbers, length, factors, codes)
            };
        }
        match self {
            Self::HalfUp(coder) => encode!(coder),
            Self::IntegerAway(coder) => encode!(coder),
            Self::Grid(GridMode::Away, grid) => encode!(&GridCoder::new(Away, *grid, zero)),
            Self::Grid(GridMode::TiesTowardZero, grid) => {
                encode!(&GridCoder::new(TiesTowardZero, *grid, zero));
            }
            Self::Grid(GridMode::Truncated, grid) => {
                encode!(&GridCoder::new(Truncated, *grid, zero));
            }
            Self::Grid(GridMode::HalfAdded, grid) => {
                encode!(&GridCoder::new(HalfAdded, *grid, zero));
            }
            Self::Grid(GridMode::HalfAddedEven, grid) => {
                encode!(&GridCoder::new(HalfAddedEven, *grid, zero));
            }
            Self::Grid(GridMode::LogarithmTruncated, _)
            | Self::Encoder(_)
            | Self::Steps(_)
            | Self::EqualSteps(_) => return false,
        }
        true
    }

    /// Writes the codes of finite numbers.
    pub(super) fn encode(&self, isa: Isa, scaled: &[f32], codes: &mut [u8], dither: Dither) {
        match self {
            Self::Encoder(encoder) => encoder.encode(scaled, codes, dither),
            Self::Grid(GridMode::Away, grid) => {
                kernel::encode_grid(isa, Away, grid, scaled, codes);
            }
            Self::Grid(GridMode::TiesTowardZero, grid) => {
                kernel::encode_grid(isa, TiesTowardZero, grid, scaled, codes);
            }
            Self::Grid(GridMode::Truncated, grid) => {
                kernel::encode_grid(isa, Truncated, grid, scaled, codes);
            }
            Self::Grid(GridMode::HalfAdded, grid) => {
                kernel::encode_grid(isa, HalfAdded, grid, scaled, codes);
            }
            Self::Grid(GridMode::HalfAddedEven, grid) => {
                kernel::encode_grid(isa, HalfAddedEven, grid, scaled, codes);
            }
            Self::Grid(GridMode::LogarithmTruncated, grid) => {
                kernel::encode_grid(isa, LogarithmTruncated, grid, scaled, codes);
            }
            Self::HalfUp(coder) => kernel::encode_each(isa, coder, scaled, codes),
            Self::IntegerAway(coder) => kernel::encode_each(isa, coder, scaled, codes),
            Self::Steps(steps) | Self::EqualSteps(steps) => steps.encode(isa, scaled, codes),
        }
    }
}

/// The grid that rounds as a policy does, to nearest with ties away from or toward zero, or toward
/// zero, and saturates; `None` for other policies and formats.
pub(super) fn grid_of(element: &FormatSpec, convert: &Convert) -> Option<(GridMode, Grid)> {
    let rounding = match convert.round {
        Round::NearestAway => GridMode::Away,
        Round::NearestTowardZero => GridMode::TiesTowardZero,
        Round::TowardZero => GridMode::Truncated,
        _ => return None,
    };
    let grid = Grid::lower(element, false, &FLOOR_CARRIES)?;
    // The reference codec says what the policy does beyond the largest number and next to zero.
    let code = |x: f32| element.encode_f32_with(x, convert, 0).code;
    let (beyond, tiny) = (f32::MAX, element.smallest_positive().to_f32() / 8.0);
    let saturates = code(beyond) == element.max_code() && code(-beyond) == element.min_code();
    let zero = element.zero_code()?;
    let negative = element.negative_zero_code().unwrap_or(zero);
    let vanishes = code(tiny) == zero && code(-tiny) == negative;
    let vanishes = vanishes && (element.is_signed() || code(-1.0) == zero);
    let keeps = matches!(convert.subnormal_inputs, SubnormalInputs::Keep);
    (saturates && vanishes && keeps).then_some((rounding, grid))
}

/// The grid of [`ElementRounding::Microxcaling`].
pub(super) fn microxcaling_grid(element: &FormatSpec, round: Round) -> Option<(GridMode, Grid)> {
    let rounding = match round {
        Round::NearestEven => GridMode::HalfAddedEven,
        Round::NearestAway => GridMode::HalfAdded,
        Round::TowardZero => GridMode::LogarithmTruncated,
        // `validate` refuses them.
        _ => return None,
    };
    // Without a sign numbers below zero are to be zero, whatever their magnitude.
    let numbers = [0.0, element.smallest_positive().to_f32(), element.max().to_f32()];
    let zero = element.zero_code();
    if !element.is_signed() && !numbers.iter().all(|x| Some(element.encode_f32(-x)) == zero) {
        return None;
    }
    // Magnitudes stop at the largest number on both sides.
    Some((rounding, Grid::lower(element, true, &FLOOR_CARRIES)?))
}
