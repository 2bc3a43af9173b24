//! Numbers back from codes by kernels: [`DequantizePlan`], with the bits of
//! [`Restorer::restore`](crate::block::Restorer::restore).

use crate::block::scheme::{Dequantization, Offset};
use crate::block::spec::BlockSpec;
use crate::kernel::{
    self, AmaxQuotient, DecodeBytes, DecodeWide, Isa, NegativeZero, Product, Step,
};
use crate::spec::FormatSpec;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

/// A scheme's way back as kernel parameters.
pub(crate) struct DequantizePlan {
    /// Element codes to numbers.
    pub(crate) elements: DecodeBytes,
    /// What is done with an element and the numbers of its block.
    pub(crate) kernel: RestoreKernel,
    /// Scale codes to numbers; `None` in schemes without scales.
    scale: Option<CodeDecoder>,
    /// From the scales to factors.
    steps: Vec<Step>,
    /// Offset codes to numbers; `None` in schemes without offsets.
    offset: Option<CodeDecoder>,
    isa: Isa,
}

/// The formula of a number, with an element and what its block has.
#[derive(Clone, Copy)]
pub(crate) enum RestoreKernel {
    Product(Product),
    AmaxQuotient(AmaxQuotient),
    LessZeroPoint,
    PlusMinimum,
}

/// Kernels for the codes of scales or offsets.
enum CodeDecoder {
    E8M0,
    Byte(Box<DecodeBytes>),
    Half(DecodeWide),
    F32,
}

impl DequantizePlan {
    /// The plan; `None` for elements of more than 8 bits.
    pub(crate) fn lower(isa: Isa, spec: &BlockSpec, tensor_scale: f32) -> Option<Self> {
        // Sub-scales, scales for each sign and codebooks have no kernel.
        if !spec.is_plain() {
            return None;
        }
        // Element kernels take codes of a byte.
        if spec.element.bits() > 8 {
            return None;
        }
        let elements = DecodeBytes::lower(isa, &spec.element);
        // A scale format without a kernel leaves the whole tensor to the reference path.
        let scale = match &spec.scale {
            Some(format) => Some(CodeDecoder::lower(isa, format)?),
            None => None,
        };
        let product = |negative_zero, steps: &[Step]| {
            // A step by 1 changes no scale.
            let steps = steps
                .iter()
                .filter(|step| !matches!(step, Step::Times(1.0) | Step::Over(1.0)))
                .copied()
                .collect();
            (RestoreKernel::Product(Product::new(negative_zero)), steps)
        };
        let (kernel, steps, offset) = match &spec.offset {
            // With an offset there is no tensor scale: the factor is the scale itself, without
            // steps. Zero points are codes of the element's format.
            Offset::ZeroPoint => (
                RestoreKernel::LessZeroPoint,
                Vec::new(),
                Some(CodeDecoder::Byte(Box::new(elements.clone()))),
            ),
            Offset::Minimum(format) => {
                (RestoreKernel::PlusMinimum, Vec::new(), Some(CodeDecoder::lower(isa, format)?))
            }
            Offset::None => {
                let target = spec.tensor_scale.target();
                // Steps keep the formula's order of operations, each rounded to f32.
                let (kernel, steps) = match spec.dequantization {
                    Dequantization::Product => {
                        product(NegativeZero::Keep, &[Step::Times(tensor_scale)])
                    }
                    Dequantization::ProductPlusZero => {
                        product(NegativeZero::Clear, &[Step::Times(tensor_scale)])
                    }
                    Dequantization::Quotient => {
                        product(NegativeZero::Keep, &[Step::Over(tensor_scale)])
                    }
                    Dequantization::AmaxProduct => product(
                        NegativeZero::Keep,
                        &[Step::Times(tensor_scale), Step::Times(1.0 / target)],
                    ),
                    Dequantization::AmaxQuotient => (
                        RestoreKernel::AmaxQuotient(AmaxQuotient { amax: tensor_scale, target }),
                        Vec::new(),
                    ),
                };
                (kernel, steps, None)
            }
        };
        Some(Self { elements, kernel, scale, steps, offset, isa })
    }

    /// Factors and offsets of some blocks, from the stored codes of all.
    pub(crate) fn factors(
        &self,
        stored: [&[u8]; 2],
        blocks: Range<usize>,
        factors: &mut Vec<f32>,
        offsets: &mut Vec<f32>,
        wide: &mut Vec<u16>,
    ) {
        let [scale_codes, offset_codes] = stored;
        factors.resize(blocks.len(), 1.0);
        match &self.scale {
            Some(scale) => scale.decode(self.isa, scale_codes, blocks.clone(), wide, factors),
            None => factors.fill(1.0),
        }
        // Each step is one vector pass over the factors of all blocks.
        self.steps.iter().for_each(|step| kernel::apply(self.isa, *step, factors));
        // Empty without offsets: the memory may be another scheme's.
        offsets.resize(if self.offset.is_some() { blocks.len() } else { 0 }, 0.0);
        if let Some(offset) = &self.offset {
            offset.decode(self.isa, offset_codes, blocks, wide, offsets);
        }
    }
}

impl CodeDecoder {
    fn lower(isa: Isa, format: &FormatSpec) -> Option<Self> {
        // The two formats with kernels of their own first; other 8-bit formats are tables.
        match format.bits() {
            _ if *format == FormatSpec::E8M0 => Some(Self::E8M0),
            _ if *format == FormatSpec::F32 => Some(Self::F32),
            0..=8 => Some(Self::Byte(Box::new(DecodeBytes::lower(isa, format)))),
            9..=16 => DecodeWide::lower(isa, format).map(Self::Half),
            _ => None,
        }
    }

    /// The numbers of some of the codes.
    fn decode(
        &self,
        isa: Isa,
        bytes: &[u8],
        blocks: Range<usize>,
        wide: &mut Vec<u16>,
        numbers: &mut [f32],
    ) {
        let of = |width: usize| &bytes[blocks.start * width..blocks.end * width];
        match self {
            Self::E8M0 => kernel::e8m0(isa, of(1), numbers),
            Self::Byte(decode) => decode.decode(of(1), numbers),
            Self::Half(decode) => {
                // Stored bytes have any alignment; the kernel takes u16s.
                wide.clear();
                wide.extend(of(2).as_chunks().0.iter().map(|code| u16::from_le_bytes(*code)));
                decode.decode(wide, numbers);
            }
            Self::F32 => {
                let codes = of(4).as_chunks().0.iter().map(|code| f32::from_le_bytes(*code));
                numbers.iter_mut().zip(codes).for_each(|(number, x)| *number = x);
            }
        }
    }
}
