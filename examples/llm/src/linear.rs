//! A linear layer: packed weights times activations under the chosen numerics. What is quantized
//! goes into the product as codes; the accumulator sees elements and scales.

use crate::calibrate::Fit;
use crate::failure::Failure;
use crate::numerics::{Numerics, Scheme};
use std::borrow::Cow;
use subhalf::io::GgufWeight;
use subhalf::{
    Accumulator, BitOrder, Exec, FormatSpec, Matmul, Offset, Operand, PackedMatrix, QuantTensor,
    Quantizer, Workspace, unpack,
};

/// A weight of shape `[outputs, inputs]`, ready for products.
#[derive(Debug)]
pub(crate) struct Linear {
    weight: PackedMatrix,
    outputs: usize,
    inputs: usize,
    accumulator: Option<Accumulator>,
    /// Scales that multiply the columns of the finished sums.
    scales: Option<Vec<f32>>,
}

impl Linear {
    /// The layer of a weight of a GGUF file under some numerics.
    pub(crate) fn new(
        shipped: &GgufWeight<'_>,
        shape: [usize; 2],
        numerics: &Numerics,
        fit: Option<&Fit>,
    ) -> Result<Self, Failure> {
        match (&numerics.weights, shipped, numerics.rotated) {
            (Scheme::AsShipped, GgufWeight::Quantized(tensor), None) => {
                let has_minima = !matches!(tensor.spec().offset, Offset::None);
                Self::packed(PackedMatrix::new(&**tensor)?, shape, None, has_minima, numerics)
            }
            _ => Self::of_numbers(&shipped.to_f32(), shape, numerics, fit),
        }
    }

    /// The layer of a weight's numbers under some numerics, and what a recipe found for its input.
    pub(crate) fn of_numbers(
        numbers: &[f32],
        shape: [usize; 2],
        numerics: &Numerics,
        fit: Option<&Fit>,
    ) -> Result<Self, Failure> {
        let scheme = &numerics.weights;
        let has_minima =
            matches!(scheme, Scheme::Blocks(spec) if matches!(spec.offset, Offset::Minimum(_)));
        let numbers = match fit {
            Some(Fit::Channels(factors)) => {
                let rows = numbers.chunks(shape[1]);
                rows.flat_map(|row| row.iter().zip(factors).map(|(w, s)| w * s)).collect()
            }
            _ => numbers.into(),
        };
        let numbers = numerics.rotate(numbers, shape[1])?;
        let made = match (fit, scheme) {
            (Some(fit), Scheme::Blocks(spec)) => fit.quantize(&numbers, shape[0], spec)?,
            _ => None,
        };
        let kept = match made {
            Some(tensor) => Kept::of_tensor(tensor, shape, numerics.scales_last())?,
            None => Kept::new(&numbers, shape, scheme, numerics.scales_last(), numerics.exec)?,
        };
        let weight = PackedMatrix::new(kept.operand(&numbers, shape)?)?;
        Self::packed(weight, shape, kept.scales, has_minima, numerics)
    }

    fn packed(
        weight: PackedMatrix,
        [outputs, inputs]: [usize; 2],
        scales: Option<Vec<f32>>,
        has_minima: bool,
        numerics: &Numerics,
    ) -> Result<Self, Failure> {
        let accumulator = numerics.accumulator(has_minima)?;
        Ok(Self { weight, outputs, inputs, accumulator, scales })
    }

    /// Writes the outputs for rows of inputs.
    pub(crate) fn apply(
        &self,
        x: &Inputs<'_>,
        out: &mut Vec<f32>,
        workspace: &mut Workspace,
        exec: Exec,
    ) -> Result<(), Failure> {
        let rows = x.numbers.len() / self.inputs;
        out.resize(rows * self.outputs, 0.0);
        let a = x.kept.operand(&x.numbers, [rows, self.inputs])?;
        let mut matmul = Matmul::new().exec(exec);
        if let Some(accumulator) = self.accumulator {
            matmul = matmul.accumulator(accumulator);
        }
        matmul.multiply_with(a, &self.weight, out, workspace)?;
        if let Some(columns) = &self.scales {
            let ones = [1.0];
            let of_rows = x.kept.scales.as_deref().unwrap_or(&ones).iter().cycle();
            for (row, scale) in out.chunks_mut(self.outputs).zip(of_rows) {
                row.iter_mut().zip(columns).for_each(|(y, column)| *y = *y * column * scale);
            }
        }
        Ok(())
    }
}

/// Rows of activations, quantized once for all layers that take them.
#[derive(Debug)]
pub(crate) struct Inputs<'a> {
    numbers: Cow<'a, [f32]>,
    kept: Kept,
}

impl<'a> Inputs<'a> {
    /// Rows of this many numbers, divided by factors of the columns, if there are any, and kept as
    /// the numerics say.
    pub(crate) fn new(
        numbers: &'a [f32],
        width: usize,
        factors: Option<&[f32]>,
        numerics: &Numerics,
    ) -> Result<Self, Failure> {
        let shape = [numbers.len() / width, width];
        let numbers = match factors {
            Some(factors) => {
                let rows = numbers.chunks(width);
                rows.flat_map(|row| row.iter().zip(factors).map(|(x, s)| x / s)).collect()
            }
            None => numbers.into(),
        };
        let numbers = numerics.rotate(numbers, width)?;
        let scheme = &numerics.activations;
        let kept = Kept::new(&numbers, shape, scheme, numerics.scales_last(), numerics.exec)?;
        Ok(Self { numbers, kept })
    }
}

/// Numbers as they enter a product.
#[derive(Debug)]
struct Kept {
    codes: Codes,
    /// Scales of rows that were taken off the codes.
    scales: Option<Vec<f32>>,
}

#[derive(Debug)]
enum Codes {
    Numbers,
    Bytes(FormatSpec, Vec<u8>),
    Words(FormatSpec, Vec<u16>),
    Blocks(Box<QuantTensor>),
}

impl Kept {
    fn new(
        numbers: &[f32],
        shape: [usize; 2],
        scheme: &Scheme,
        scales_last: bool,
        exec: Exec,
    ) -> Result<Self, Failure> {
        let codes = match scheme {
            Scheme::AsShipped => Codes::Numbers,
            Scheme::Format(format) if format.bits() <= 8 => {
                let mut codes = vec![0; numbers.len()];
                format.encode_slice(numbers, &mut codes)?;
                Codes::Bytes(*format, codes)
            }
            Scheme::Format(format) if format.bits() <= 16 => {
                let mut codes = vec![0; numbers.len()];
                format.encode_slice(numbers, &mut codes)?;
                Codes::Words(*format, codes)
            }
            Scheme::Format(format) if *format == FormatSpec::F32 => Codes::Numbers,
            Scheme::Format(format) => {
                let expected = "at most 16 bits, or F32";
                return Err(Failure::unfit("format without scales", expected, format.name()));
            }
            Scheme::Blocks(spec) => {
                let tensor = Quantizer::new(spec).exec(exec).quantize(numbers, &shape)?;
                return Self::of_tensor(tensor, shape, scales_last);
            }
        };
        Ok(Self { codes, scales: None })
    }

    /// A tensor as it enters a product; `scales_last` takes the scales of its rows off.
    fn of_tensor(
        tensor: QuantTensor,
        shape: [usize; 2],
        scales_last: bool,
    ) -> Result<Self, Failure> {
        if !scales_last {
            return Ok(Self { codes: Codes::Blocks(Box::new(tensor)), scales: None });
        }
        let view = tensor.view();
        // A scale for the tensor is that of each row.
        let last = view.blocks().saturating_sub(1);
        let scales = (0..shape[0]).map(|row| view.block_scale(row.min(last))).collect();
        let codes = Codes::Bytes(tensor.spec().element, one_a_byte(&tensor, shape)?);
        Ok(Self { codes, scales: Some(scales) })
    }

    fn operand<'k>(
        &'k self,
        numbers: &'k [f32],
        shape: [usize; 2],
    ) -> Result<Operand<'k>, Failure> {
        Ok(match &self.codes {
            Codes::Numbers => Operand::numbers(numbers, &shape)?,
            Codes::Bytes(format, codes) => Operand::codes(format, codes, &shape)?,
            Codes::Words(format, codes) => Operand::codes(format, codes, &shape)?,
            Codes::Blocks(tensor) => Operand::from(&**tensor),
        })
    }
}

/// The codes of a tensor, one a byte; its rows begin at bytes.
fn one_a_byte(tensor: &QuantTensor, [rows, cols]: [usize; 2]) -> Result<Vec<u8>, subhalf::Error> {
    let bits = tensor.spec().element.bits();
    let mut codes = vec![0; rows * cols];
    let used = (cols * bits as usize).div_ceil(8);
    let packed = tensor.codes().chunks(tensor.view().row_bytes().max(1));
    for (packed, codes) in packed.zip(codes.chunks_mut(cols.max(1))) {
        unpack(&packed[..used], bits, BitOrder::LsbFirst, codes)?;
    }
    Ok(codes)
}
