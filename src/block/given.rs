//! What callers bring: which of their scales and offsets are taken, as numbers and as bytes, and
//! which are refused. How those that are taken are rounded is `apply`'s and `scale`'s; lengths and
//! codes of bytes are `view`'s.

use super::pack::stored;
use super::rule::ScaleRule;
use super::scheme::{Offset, TensorScale};
use super::spec::{BlockSpec, code_bytes};
use crate::error::Error;
use crate::flags::Flags;
use crate::kernel::{self, Isa};
use crate::spec::{Encoding, FormatSpec, NanCodes};

/// Which scales and minima are taken from bytes.
///
/// Under either variant a scale may be 0. It may be negative wherever its format has a sign (F32,
/// F16, BF16), whatever the rule of the spec: checkpoints in ggml's types, and of `AutoRound` in
/// GPTQ's layout, have such scales. Elements are multiplied by them as they are.
///
/// ```
/// use subhalf::{Accept, Parts, QuantTensor, preset};
/// let spec = preset::generic::FP8_E4M3_TENSOR;
/// let scale = f32::INFINITY.to_le_bytes();
/// let parts = Parts::new(&[0x38, 0xB8], &scale);
/// let error = QuantTensor::from_parts(&spec, &[2], parts).unwrap_err().to_string();
/// let expected = "scale 0: expected a finite number (or Accept::Nonfinite), found 0x7f800000";
/// assert_eq!(error, expected);
/// let tensor = QuantTensor::from_parts_with(&spec, &[2], parts, Accept::Nonfinite)?;
/// assert_eq!(tensor.dequantize(), [f32::INFINITY, f32::NEG_INFINITY]);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Accept {
    /// Finite numbers, and NaN in formats of at most 8 bits: the codes 0xFF of E8M0 and 0x7F of
    /// UE4M3, for example, say that a block is NaN.
    #[default]
    Finite,
    /// NaN and infinity in any format. Reads whatever this crate itself has written: data with NaN
    /// or infinity, or numbers beyond the scale format, can give F32 and F16 scales that are not
    /// finite.
    Nonfinite,
}

/// Refuses codes of infinity, and of NaN in more than 8 bits, by their place.
pub(super) fn check_finite(
    what: &'static str,
    format: &FormatSpec,
    bytes: &[u8],
) -> Result<(), Error> {
    let width = code_bytes(format);
    match first_refused(format, width, bytes) {
        None => Ok(()),
        Some(index) => {
            let expected = "a finite number (or Accept::Nonfinite)";
            Err(Error::Stored { what, index, expected, found: stored(bytes, width, index) })
        }
    }
}

/// The place of the first infinity, or NaN of more than 8 bits.
fn first_refused(format: &FormatSpec, width: usize, bytes: &[u8]) -> Option<usize> {
    // 8-bit NaN codes are how programs poison a block; wider ones are accidents.
    let refuses_nan = format.bits() > 8;
    let infinity = format.infinity_code();
    // No code is refused in this format, so no byte is read.
    if infinity.is_none() && !(refuses_nan && format.nan_code().is_some()) {
        return None;
    }
    // In layouts like IEEE 754's no finite number has the exponent field of infinity.
    let top = match format.encoding() {
        Encoding::Float(layout) if layout.nan == NanCodes::TopExponent => infinity,
        _ => None,
    };
    match (top, width) {
        // NaN has the bits of infinity and more, and the sign does not matter.
        (Some(top), 2) => {
            let (codes, mut largest) = (bytes.as_chunks().0, 0);
            kernel::largest_part_2(Isa::best(), codes, top, &mut largest);
            // The largest exponent of all is the top one, or no code has that.
            let refused = |code: &[u8; 2]| u32::from(u16::from_le_bytes(*code)) & top == top;
            if largest < top { None } else { codes.iter().position(refused) }
        }
        (Some(top), 4) => {
            let (codes, mut largest) = (bytes.as_chunks().0, 0);
            kernel::largest_part_4(Isa::best(), codes, top, &mut largest);
            let refused = |code: &[u8; 4]| u32::from_le_bytes(*code) & top == top;
            if largest < top { None } else { codes.iter().position(refused) }
        }
        _ => (0..bytes.len() / width).position(|index| {
            let number = format.decode(stored(bytes, width, index));
            number.is_infinite() || (refuses_nan && number.is_nan())
        }),
    }
}

impl BlockSpec {
    /// Refuses a missing scale, scales and offsets that are not as many as the blocks, and those
    /// that would be stored as 0, infinity or NaN, or as another integer; those that are taken are
    /// clamped to the scheme's bounds and rounded, and 8-bit formats saturate. The error names the
    /// first.
    pub(crate) fn check_given(
        &self,
        given: Option<(&[f32], &[f32])>,
        blocks: usize,
    ) -> Result<(), Error> {
        let Some((scales, offsets)) = given else {
            // All other rules find the scales themselves.
            let needed = matches!(self.rule, ScaleRule::Given);
            let error =
                Error::Scheme { what: "quantization with the rule Given", expected: "scales" };
            return if needed { Err(error) } else { Ok(()) };
        };
        Error::check_length("scales", blocks, scales.len())?;
        Error::check_length(
            "offsets",
            if self.offset_bytes() == 0 { 0 } else { blocks },
            offsets.len(),
        )?;
        let signed = self.takes_negative_scales();
        for (index, &scale) in scales.iter().enumerate() {
            if let Some(expected) = self.refused_scale(scale, signed) {
                return Err(Error::Given { what: "scale", index, expected, bits: scale.to_bits() });
            }
        }
        for (index, &offset) in offsets.iter().enumerate() {
            match &self.offset {
                Offset::None => {}
                Offset::ZeroPoint => {
                    let (low, high) = (self.element.min().to_f32(), self.element.max().to_f32());
                    // The cast cuts fractions off, and NaN compares with nothing.
                    if !(offset >= low && offset <= high && offset == offset as i32 as f32) {
                        return Err(Error::ZeroPoint {
                            index,
                            low: low as i32,
                            high: high as i32,
                            bits: offset.to_bits(),
                        });
                    }
                }
                Offset::Minimum(format) => {
                    // A minimum may be rounded, but not become another number by policy.
                    let flags = format.encode_f32_with(offset, &format.default_convert(), 0).flags;
                    let expected = match offset.is_finite() {
                        false => "a finite number",
                        true if flags.intersects(Flags::OVERFLOW | Flags::INVALID) => {
                            "a number within the range of its format"
                        }
                        true => continue,
                    };
                    return Err(Error::Given {
                        what: "minimum",
                        index,
                        expected,
                        bits: offset.to_bits(),
                    });
                }
            }
        }
        Ok(())
    }

    /// Refuses factors if the scheme has no search, an empty list, and factors that are not finite.
    pub(crate) fn check_factors(
        &self,
        factors: Option<&[f32]>,
        has_scales: bool,
    ) -> Result<(), Error> {
        let Some(factors) = factors else { return Ok(()) };
        if self.search.is_none() || factors.is_empty() || has_scales {
            let expected = "a scheme with a search, at least one factor, and no given scales";
            return Err(Error::Scheme { what: "search factors", expected });
        }
        match factors.iter().position(|factor| !factor.is_finite()) {
            None => Ok(()),
            Some(index) => Err(Error::Given {
                what: "search factor",
                index,
                expected: "a finite number",
                bits: factors[index].to_bits(),
            }),
        }
    }

    /// Returns the tensor scale to quantize with if one is given or the format has none, `None` if
    /// it is to be made from the data. Refuses one that is not a positive finite number, or that
    /// the format has no place for; an `amax` may be 0.
    pub(crate) fn check_tensor_scale(&self, given: Option<f32>) -> Result<Option<f32>, Error> {
        let refuse = |expected, found: f32| {
            Err(Error::Stored { what: "tensor scale", index: 0, expected, found: found.to_bits() })
        };
        match (self.tensor_scale, given) {
            (TensorScale::None, None) => Ok(Some(1.0)),
            (TensorScale::None, Some(found)) => refuse("none, as the format has none", found),
            // The amax of a tensor of zeros.
            (TensorScale::Amax { .. }, Some(0.0)) => Ok(Some(0.0)),
            (
                TensorScale::Multiplier { .. }
                | TensorScale::Divisor { .. }
                | TensorScale::Amax { .. },
                Some(given),
            ) => {
                if given > 0.0 && given.is_finite() {
                    Ok(Some(given))
                } else {
                    refuse("a positive finite f32", given)
                }
            }
            (
                TensorScale::Multiplier { .. }
                | TensorScale::Divisor { .. }
                | TensorScale::Amax { .. },
                None,
            ) => Ok(None),
        }
    }

    /// Whether a scale to quantize with may be negative: its format has a sign, and the rule may
    /// find such scales, by itself or by a factor of its search. The rules `Given` and `Custom`
    /// leave the sign open.
    fn takes_negative_scales(&self) -> bool {
        let by_factor =
            self.search.is_some_and(|search| search.factors.iter().any(|&factor| factor < 0.0));
        self.scale.as_ref().is_some_and(FormatSpec::is_signed)
            && (self.rule.may_be_negative() || by_factor)
    }

    /// What is expected instead of this scale, if it is refused.
    fn refused_scale(&self, scale: f32, signed: bool) -> Option<&'static str> {
        let Some(format) = &self.scale else {
            // A scale of 1 is what a block without a scale has.
            return (scale != 1.0).then_some("1, as the format has no scales");
        };
        if !scale.is_finite() || scale == 0.0 || (scale < 0.0 && !signed) {
            return Some(if signed {
                "a finite number other than 0"
            } else {
                "a positive finite number"
            });
        }
        // Rounded without the substitute for scales that vanish: a given scale is refused, not
        // replaced.
        let stored =
            format.decode(self.with_underflow_scale(0.0).round_scale(f64::from(scale)).code);
        // A block under such a scale could not come back.
        let kept = stored.is_finite() && !stored.is_zero();
        (!kept).then_some("a number that is neither infinite, NaN nor 0 in the scale format")
    }
}
