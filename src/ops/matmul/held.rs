//! [`held`]: an operand as kernels read it. Numbers that are quantized on the way, transposed
//! operands and tensors that no kernel reads are made here, once a product, in memory that is kept
//! until the next.

use super::operand::{Operand, Stored};
use crate::block::{Extent, QuantTensor, QuantView};
use crate::error::Error;
use crate::kernel::Isa;
use crate::ops::Exec;
use crate::ops::numbers::Numbers;
use crate::ops::quantize::Quantizer;
use crate::spec::CodeSlice;
use alloc::vec::Vec;

/// Memory for copies of one operand.
#[derive(Default)]
pub(super) struct HeldMemory {
    tensor: Option<QuantTensor>,
    /// Numbers in the order of the operand.
    numbers: Vec<f32>,
    /// Numbers in the order given, before rows and columns are exchanged.
    given: Vec<f32>,
    u8s: Vec<u8>,
    u16s: Vec<u16>,
    u32s: Vec<u32>,
}

/// Returns the operand that the product is of: rows of K numbers, the caller's own where kernels
/// read it where it lies.
pub(super) fn held<'m>(
    operand: Operand<'m>,
    exec: Exec,
    memory: &'m mut HeldMemory,
) -> Result<Operand<'m>, Error> {
    let [batch, rows, cols] = [operand.batch(), operand.rows(), operand.cols()];
    let shape = [batch, rows, cols];
    // A transposed operand has its rows and columns exchanged; its numbers lie as given.
    let given = if operand.is_transposed() { [batch, cols, rows] } else { shape };
    match operand.source {
        Stored::Quantize(quantizer, numbers) => {
            // Quantized in the order given, since blocks lie along the given rows.
            let HeldMemory { tensor, numbers: values, given: unturned, .. } = memory;
            quantize(quantizer, numbers, &given, tensor)?;
            let Some(made) = tensor else { return Ok(operand) };
            if !operand.is_transposed() {
                return Ok(Operand::over(Stored::Tensor(made.view()), shape));
            }
            if has_numbers_alone(&made.view(), true) {
                return numbers_of(&made.view(), exec, true, shape, [values, unturned]);
            }
            // In its own place, so that a later product quantizes into new buffers.
            *made = made.view().transposed()?;
            Ok(Operand::over(Stored::Tensor(made.view()), shape))
        }
        Stored::Tensor(view) if needs_copy(&view) || operand.is_transposed() => {
            let transposed = operand.is_transposed();
            let HeldMemory { tensor, numbers, given: unturned, .. } = memory;
            if has_numbers_alone(&view, transposed) {
                return numbers_of(&view, exec, transposed, shape, [numbers, unturned]);
            }
            let made = tensor.insert(if transposed { view.transposed()? } else { view.to_owned() });
            Ok(Operand::over(Stored::Tensor(made.view()), shape))
        }
        // Panels are packed along K; they would have to be unpacked.
        Stored::Packed(_) if operand.is_transposed() => Err(Error::Scheme {
            what: "operand to transpose",
            expected: "numbers, codes or a tensor; a packed matrix has its order",
        }),
        Stored::Numbers(numbers) if operand.is_transposed() => {
            // A transposed operand costs a copy of itself; other numbers than f32s are widened first.
            if let Numbers::F32(numbers) = numbers {
                exchange(numbers, given, &mut memory.numbers);
            } else {
                memory.given.resize(batch * rows * cols, 0.0);
                numbers.widen(Isa::portable(), &mut memory.given);
                exchange(&memory.given, given, &mut memory.numbers);
            }
            Ok(Operand::over(Stored::Numbers(Numbers::F32(&memory.numbers)), shape))
        }
        Stored::Codes(spec, codes) if operand.is_transposed() => {
            let codes = match codes {
                CodeSlice::U8(codes) => CodeSlice::U8(exchange(codes, given, &mut memory.u8s)),
                CodeSlice::U16(codes) => CodeSlice::U16(exchange(codes, given, &mut memory.u16s)),
                CodeSlice::U32(codes) => CodeSlice::U32(exchange(codes, given, &mut memory.u32s)),
            };
            Ok(Operand::over(Stored::Codes(spec, codes), shape))
        }
        Stored::Numbers(_) | Stored::Codes(..) | Stored::Tensor(_) | Stored::Packed(_) => {
            Ok(operand)
        }
    }
}

/// Quantizes into the tensor of the product before, if it is one of this shape and scheme.
fn quantize(
    quantizer: &Quantizer<'_>,
    numbers: Numbers<'_>,
    shape: &[usize; 3],
    tensor: &mut Option<QuantTensor>,
) -> Result<(), Error> {
    match tensor {
        Some(tensor) if tensor.shape() == shape && tensor.spec() == quantizer.spec => {
            quantizer.quantize_over(numbers, tensor)
        }
        _ => {
            *tensor = Some(quantizer.quantize_any(numbers, shape)?);
            Ok(())
        }
    }
}

/// The numbers that a tensor stands for, as an operand.
fn numbers_of<'m>(
    view: &QuantView<'_>,
    exec: Exec,
    transposed: bool,
    shape: [usize; 3],
    [numbers, unturned]: [&'m mut Vec<f32>; 2],
) -> Result<Operand<'m>, Error> {
    let [batch, rows, cols] = shape;
    let to = if transposed { &mut *unturned } else { &mut *numbers };
    to.resize(view.len(), 0.0);
    view.dequantize_into(to, exec)?;
    if transposed {
        exchange(unturned, [batch, cols, rows], numbers);
    }
    Ok(Operand::over(Stored::Numbers(Numbers::F32(numbers)), shape))
}

/// Whether a tensor takes part as the numbers that it stands for: these are not elements times
/// scales, or flat blocks would have to be turned.
fn has_numbers_alone(view: &QuantView<'_>, transposed: bool) -> bool {
    let flat = matches!(view.spec().extent, Extent::Flat(_));
    // Numbers have no blocks that would have to be turned.
    !view.spec().is_plain() || (transposed && flat)
}

/// Whether a tensor's numbers are not elements times scales, or its rows begin inside a byte.
fn needs_copy(view: &QuantView<'_>) -> bool {
    // A view of some columns may start within a byte of its rows.
    !view.spec().is_plain() || view.geometry().first_bit != 0
}

/// Exchanges rows and columns of matrices, into the memory of others. Sixteen columns at a time: a
/// line of a cache is read once, and sixteen rows of the result are written along.
fn exchange<'m, T: Copy>(all: &[T], [_, rows, cols]: [usize; 3], to: &'m mut Vec<T>) -> &'m [T] {
    /// Columns that are exchanged together.
    const COLUMNS: usize = 16;
    to.clear();
    let Some(first) = all.first() else { return to };
    to.resize(all.len(), *first);
    for (all, to) in all.chunks_exact(rows * cols).zip(to.chunks_exact_mut(rows * cols)) {
        for (band, to) in to.chunks_mut(COLUMNS * rows).enumerate() {
            let columns = band * COLUMNS..band * COLUMNS + to.len() / rows;
            for (row, all) in all.chunks_exact(cols).enumerate() {
                for (to, x) in to.chunks_exact_mut(rows).zip(&all[columns.clone()]) {
                    to[row] = *x;
                }
            }
        }
    }
    to
}
