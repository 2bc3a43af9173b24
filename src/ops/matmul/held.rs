//! [`Held`]: an operand as kernels read it. Numbers that are quantized on the way, transposed
//! operands and tensors that no kernel reads are made here, once a product, and kept until it is
//! done.

use super::operand::{Numbers, Operand, Stored};
use crate::block::{Extent, QuantTensor, QuantView};
use crate::error::Error;
use crate::spec::{CodeSlice, FormatSpec};
use alloc::vec::Vec;

/// An operand whose rows are rows of K numbers, and what it is over.
#[expect(clippy::large_enum_variant, reason = "a product has two, on the stack of one call")]
pub(super) enum Held<'a> {
    /// The caller's own: kernels read it where it lies.
    Given(Operand<'a>),
    Tensor(QuantTensor, [usize; 3]),
    Numbers(Vec<f32>, [usize; 3]),
    Codes(&'a FormatSpec, OwnedCodes, [usize; 3]),
}

/// Codes of some width.
pub(super) enum OwnedCodes {
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
}

impl<'a> Held<'a> {
    pub(super) fn new(operand: Operand<'a>) -> Result<Self, Error> {
        let [batch, rows, cols] = [operand.batch(), operand.rows(), operand.cols()];
        let shape = [batch, rows, cols];
        // A transposed operand has its rows and columns exchanged; its numbers lie as given.
        let given = if operand.is_transposed() { [batch, cols, rows] } else { shape };
        match operand.source {
            Stored::Quantize(quantizer, numbers) => {
                // Quantized in the order given, since blocks lie along the given rows.
                let tensor = match numbers {
                    Numbers::F32(numbers) => quantizer.quantize(numbers, &given),
                    #[cfg(feature = "half")]
                    Numbers::F16(numbers) => quantizer.quantize(numbers, &given),
                    #[cfg(feature = "half")]
                    Numbers::BF16(numbers) => quantizer.quantize(numbers, &given),
                }?;
                if operand.is_transposed() {
                    Self::of_view(&tensor.view(), true, shape)
                } else {
                    Ok(Self::Tensor(tensor, shape))
                }
            }
            Stored::Tensor(view) if needs_copy(&view) || operand.is_transposed() => {
                Self::of_view(&view, operand.is_transposed(), shape)
            }
            // Panels are packed along K; they would have to be unpacked.
            Stored::Packed(_) if operand.is_transposed() => Err(Error::Scheme {
                what: "operand to transpose",
                expected: "numbers, codes or a tensor; a packed matrix has its order",
            }),
            Stored::Numbers(numbers) if operand.is_transposed() => {
                // One pass to f32, one to exchange: a transposed operand costs a copy of itself.
                let mut all = alloc::vec![0.0; batch * rows * cols];
                numbers.read(0, &mut all);
                Ok(Self::Numbers(exchanged(&all, given), shape))
            }
            Stored::Codes(spec, codes) if operand.is_transposed() => {
                let codes = match codes {
                    CodeSlice::U8(codes) => OwnedCodes::U8(exchanged(codes, given)),
                    CodeSlice::U16(codes) => OwnedCodes::U16(exchanged(codes, given)),
                    CodeSlice::U32(codes) => OwnedCodes::U32(exchanged(codes, given)),
                };
                Ok(Self::Codes(spec, codes, shape))
            }
            Stored::Numbers(_) | Stored::Codes(..) | Stored::Tensor(_) | Stored::Packed(_) => {
                Ok(Self::Given(operand))
            }
        }
    }

    /// A tensor that is read from a copy: transposed, or with rows that begin at bytes, or as the
    /// numbers that it stands for where these are not elements times scales.
    fn of_view(view: &QuantView<'_>, transposed: bool, shape: [usize; 3]) -> Result<Self, Error> {
        let flat = matches!(view.spec().extent, Extent::Flat(_));
        // Numbers have no blocks that would have to be turned.
        if !view.spec().is_plain() || (transposed && flat) {
            let numbers = view.dequantize();
            let [batch, rows, cols] = shape;
            let turned = transposed.then(|| exchanged(&numbers, [batch, cols, rows]));
            return Ok(Self::Numbers(turned.unwrap_or(numbers), shape));
        }
        let tensor = if transposed { view.transposed()? } else { view.to_owned() };
        Ok(Self::Tensor(tensor, shape))
    }

    /// The operand that the product is of.
    pub(super) fn operand(&self) -> Operand<'_> {
        match self {
            Self::Given(operand) => *operand,
            Self::Tensor(tensor, shape) => Operand::over(Stored::Tensor(tensor.view()), *shape),
            Self::Numbers(numbers, shape) => {
                Operand::over(Stored::Numbers(Numbers::F32(numbers)), *shape)
            }
            Self::Codes(spec, codes, shape) => {
                let codes = match codes {
                    OwnedCodes::U8(codes) => CodeSlice::U8(codes),
                    OwnedCodes::U16(codes) => CodeSlice::U16(codes),
                    OwnedCodes::U32(codes) => CodeSlice::U32(codes),
                };
                Operand::over(Stored::Codes(spec, codes), *shape)
            }
        }
    }
}

/// Whether a tensor's numbers are not elements times scales, or its rows begin inside a byte.
fn needs_copy(view: &QuantView<'_>) -> bool {
    // A view of some columns may start within a byte of its rows.
    !view.spec().is_plain() || view.geometry().first_bit != 0
}

/// Matrices with rows and columns exchanged.
fn exchanged<T: Copy>(all: &[T], [batch, rows, cols]: [usize; 3]) -> Vec<T> {
    if all.is_empty() {
        return Vec::new();
    }
    // In the order of the result, so that it is collected without being zeroed first.
    let at = |matrix, row, col| all[(matrix * rows + row) * cols + col];
    (0..batch)
        .flat_map(|matrix| (0..cols).map(move |col| (matrix, col)))
        .flat_map(|(matrix, col)| (0..rows).map(move |row| at(matrix, row, col)))
        .collect()
}
