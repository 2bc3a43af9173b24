//! Weights in pieces: read, quantized or recoded, measured, and handed to the file.

use super::source::{Opened, SourceWeight};
use super::statics::NVFP4_MAX;
use super::target::{Codes, OutTensor};
use crate::failure::Failure;
use crate::report::Values;
use std::hash::{DefaultHasher, Hasher};
use std::ops::Range;
use subhalf::{
    BlockSpec, ErrorStats, Extent, FormatSpec, QuantTensor, QuantView, Quantizer, Recoded,
    ScaleRule, TensorScale,
};

/// Elements of a piece, about: what is in memory at once are some buffers of this many.
const PIECE: usize = 1 << 20;

/// What became of a weight.
pub(super) struct Done {
    pub(super) how: &'static str,
    pub(super) errors: ErrorStats,
    /// A hash of the numbers that the weight is to come back as.
    pub(super) hash: u64,
}

/// A hash of numbers in order, by their bits. How they are cut into pieces does not matter: the
/// hasher takes bytes as a stream.
#[derive(Default)]
pub(super) struct NumbersHash(DefaultHasher);

impl NumbersHash {
    pub(super) fn add(&mut self, numbers: &[f32]) {
        self.0.write(bytemuck::cast_slice(numbers));
    }

    pub(super) fn add_bytes(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    pub(super) fn end(&self) -> u64 {
        self.0.finish()
    }
}

/// Where bytes of tensors go.
pub(super) trait Sink {
    /// The next bytes of a tensor.
    fn bytes(&mut self, tensor: &str, bytes: &[u8]) -> Result<(), Failure>;
}

/// Pieces of rows: all of `step` rows or a multiple of it, but for the last.
pub(super) fn pieces(rows: usize, cols: usize, step: usize) -> impl Iterator<Item = Range<usize>> {
    let count = (PIECE / cols.max(1) / step * step).max(step);
    (0..rows).step_by(count).map(move |first| first..(first + count).min(rows))
}

fn errors_of(values: &Values, numbers: &[f32]) -> Result<ErrorStats, Failure> {
    Ok(match values {
        Values::F16(values) => ErrorStats::of(values, numbers)?,
        Values::Bf16(values) => ErrorStats::of(values, numbers)?,
        Values::F32(values) => ErrorStats::of(values, numbers)?,
        Values::F64(values) => ErrorStats::of(values, numbers)?,
    })
}

fn quantize(
    target: &Codes,
    quantizer: &Quantizer<'_>,
    values: &Values,
    shape: &[usize],
) -> Result<QuantTensor, subhalf::Error> {
    match (target, values) {
        // Superblocks have a search of their own.
        (Codes::Ggml(kind), _) if kind.spec().rule == ScaleRule::Given => {
            QuantTensor::quantize_ggml(*kind, &values.to_f32(), shape)
        }
        (_, Values::F16(values)) => quantizer.quantize(values, shape),
        (_, Values::Bf16(values)) => quantizer.quantize(values, shape),
        (_, Values::F32(values)) => quantizer.quantize(values, shape),
        (_, Values::F64(values)) => quantizer.quantize(values, shape),
    }
}

/// The tensors of a weight as they are being written.
struct Writing<'w> {
    target: &'w Codes,
    shape: &'w [usize],
    tensors: &'w [OutTensor],
    is_first: bool,
    errors: ErrorStats,
    hash: NumbersHash,
}

impl<'w> Writing<'w> {
    fn new(target: &'w Codes, shape: &'w [usize], tensors: &'w [OutTensor]) -> Self {
        let (errors, hash) = (ErrorStats::new(), NumbersHash::default());
        Self { target, shape, tensors, is_first: true, errors, hash }
    }

    fn rows(&mut self, view: &QuantView<'_>, sink: &mut dyn Sink) -> Result<(), Failure> {
        let bytes = self.target.bytes(view, self.shape)?;
        for (tensor, bytes) in self.tensors.iter().zip(&bytes) {
            if self.is_first || !tensor.is_constant {
                sink.bytes(&tensor.name, bytes)?;
            }
        }
        self.is_first = false;
        Ok(())
    }

    fn measure(&mut self, values: &Values, view: &QuantView<'_>) -> Result<(), Failure> {
        let numbers = view.dequantize();
        self.errors.merge(&errors_of(values, &numbers)?);
        self.hash.add(&numbers);
        Ok(())
    }

    fn done(self, how: &'static str) -> Done {
        Done { how, errors: self.errors, hash: self.hash.end() }
    }
}

/// Quantizes a weight, or keeps its codes where they mean something in the new scheme.
pub(super) fn convert(
    weight: &SourceWeight<'_>,
    target: &Codes,
    tensors: &[OutTensor],
    sink: &mut dyn Sink,
) -> Result<Done, Failure> {
    let opened = weight.open()?;
    let spec = target.spec(&weight.format());
    // ggml keeps the tensor scale of an NVFP4 weight in a tensor of its own.
    let spec = match (target, tensors.len()) {
        (Codes::Ggml(_), 2..) => {
            spec.with_tensor_scale(TensorScale::Multiplier { target: NVFP4_MAX })
        }
        _ => spec,
    };
    let shape = weight.shape_for(target);
    let mut writing = Writing::new(target, &shape, tensors);
    let [rows, cols] = weight.rows();
    if let Some(view) = opened.view() {
        let view = view?;
        if let Ok((kept, recoded)) = view.recode(&spec) {
            let kept = kept.view();
            for piece in pieces(rows, cols, target.row_step().unwrap_or(rows.max(1))) {
                let values = opened.rows(piece.clone())?;
                let part = if piece.len() == rows { kept } else { kept.rows(piece)? };
                writing.measure(&values, &part)?;
                writing.rows(&part, sink)?;
            }
            return Ok(writing.done(match recoded {
                Recoded::Numbers => "without loss",
                _ => "codes kept",
            }));
        }
    }
    // Matrices whose axes have to be exchanged are read one by one.
    let height = match weight.shape {
        [.., height, _] if shape != weight.shape => Some(*height),
        _ => None,
    };
    quantize_rows(&opened, &spec, [rows, cols], height, writing, sink)
}

fn quantize_rows(
    opened: &Opened<'_>,
    spec: &BlockSpec,
    [rows, cols]: [usize; 2],
    height: Option<usize>,
    mut writing: Writing<'_>,
    sink: &mut dyn Sink,
) -> Result<Done, Failure> {
    let step = writing.target.row_step();
    let all = pieces_or_matrices(rows, cols, step.unwrap_or(1), height);
    let mut quantizer = Quantizer::new(spec);
    // What a scale of the whole tensor is made from; one piece is the whole.
    let is_one = spec.extent == Extent::Tensor;
    let wants_amax = is_one || !matches!(spec.tensor_scale, TensorScale::None);
    let scale: [f32; 1];
    if wants_amax && all.len() > 1 {
        let mut amax = 0f32;
        for piece in &all {
            amax = amax.max(opened.rows(piece.clone())?.amax(&quantizer));
        }
        if !matches!(spec.tensor_scale, TensorScale::None) {
            quantizer = quantizer.tensor_scale(spec.tensor_scale.of(amax));
        }
        if is_one {
            let largest = quantizer.quantize(&[amax], &[1])?;
            scale = [largest.view().scale(0).unwrap_or(1.0)];
            quantizer = Quantizer::new(spec).scales(&scale, &[]);
        }
    }
    let mut whole = Vec::new();
    for piece in all {
        let values = turned_if(opened.rows(piece.clone())?, height);
        let shape = height.map_or([piece.len(), cols], |height| [cols, height]);
        let tensor = quantize(writing.target, &quantizer, &values, &shape)?;
        writing.measure(&values, &tensor.view())?;
        match step {
            Some(_) => writing.rows(&tensor.view(), sink)?,
            None => whole.push(tensor),
        }
    }
    if step.is_none() {
        let views: Vec<QuantView<'_>> = whole.iter().map(QuantTensor::view).collect();
        let joined = QuantTensor::concat_rows(&views)?;
        drop(views);
        drop(whole);
        writing.rows(&joined.view(), sink)?;
    }
    Ok(writing.done("quantized"))
}

/// Writes a quantized weight as plain numbers, rounded to nearest.
pub(super) fn numbers(
    weight: &SourceWeight<'_>,
    format: &FormatSpec,
    tensor: &OutTensor,
    sink: &mut dyn Sink,
) -> Result<Done, Failure> {
    let opened = weight.open()?;
    let [rows, cols] = weight.rows();
    let (mut errors, mut hash) = (ErrorStats::new(), NumbersHash::default());
    // gpt-oss has inputs first as numbers: one matrix after the other is turned.
    let height = match weight.shape {
        [.., height, _] if weight.is_turned() => Some(*height),
        _ => None,
    };
    for piece in pieces_or_matrices(rows, cols, 1, height) {
        let values = turned_if(opened.rows(piece)?, height);
        let numbers = values.to_f32();
        let (bytes, back) = if *format == FormatSpec::F32 {
            (bytemuck::cast_slice(&numbers).to_vec(), numbers.to_vec())
        } else {
            let mut codes = vec![0u16; numbers.len()];
            format.encode_slice(&numbers, &mut codes)?;
            let mut back = vec![0f32; numbers.len()];
            format.decode_slice(&codes, &mut back)?;
            (bytemuck::cast_slice(&codes).to_vec(), back)
        };
        errors.merge(&errors_of(&values, &back)?);
        hash.add(&back);
        sink.bytes(&tensor.name, &bytes)?;
    }
    Ok(Done { how: "as numbers", errors, hash: hash.end() })
}

/// Pieces of rows, or matrices of a stack if their height is given.
fn pieces_or_matrices(
    rows: usize,
    cols: usize,
    step: usize,
    height: Option<usize>,
) -> Vec<Range<usize>> {
    match height {
        Some(height) => (0..rows).step_by(height.max(1)).map(|row| row..row + height).collect(),
        None => pieces(rows, cols, step).collect(),
    }
}

/// A matrix of so many rows with its axes exchanged, or numbers as they are without a height.
fn turned_if(values: Values, height: Option<usize>) -> Values {
    let Some(rows) = height else { return values };
    let numbers = values.to_f32();
    let cols = numbers.len().checked_div(rows).unwrap_or(0);
    Values::F32((0..numbers.len()).map(|i| numbers[i % rows * cols + i / rows]).collect())
}
