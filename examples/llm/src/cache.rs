//! The keys and values of one layer, token by token, in any format.

use crate::failure::Failure;
use crate::numerics::Scheme;
use subhalf::{
    BlockSpec, Exec, Extent, FormatSpec, Operand, Parts, PartsMut, QuantTensor, QuantView,
    Quantizer, TensorScale,
};

/// Rows that are kept: one for each token, of one head.
#[derive(Debug)]
pub(crate) struct Rows {
    width: usize,
    count: usize,
    store: Store,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "two for each head of a layer")]
enum Store {
    Numbers(Vec<f32>),
    Bytes(FormatSpec, Vec<u8>),
    Words(FormatSpec, Vec<u16>),
    Blocks { spec: BlockSpec, codes: Vec<u8>, scales: Vec<u8>, offsets: Vec<u8>, row: [usize; 3] },
}

impl Rows {
    /// No rows yet, each to be of `width` numbers.
    pub(crate) fn new(width: usize, scheme: &Scheme) -> Result<Self, Failure> {
        let store = match scheme {
            Scheme::AsShipped => Store::Numbers(Vec::new()),
            Scheme::Format(format) if *format == FormatSpec::F32 => Store::Numbers(Vec::new()),
            Scheme::Format(format) if format.bits() <= 8 => Store::Bytes(*format, Vec::new()),
            Scheme::Format(format) if format.bits() <= 16 => Store::Words(*format, Vec::new()),
            Scheme::Blocks(spec) if fits(spec) => {
                let row = QuantTensor::quantize(spec, &vec![0.0; width], &[1, width])?;
                let row = [row.codes().len(), row.scales().len(), row.offsets().len()];
                let (codes, scales, offsets) = (Vec::new(), Vec::new(), Vec::new());
                Store::Blocks { spec: *spec, codes, scales, offsets, row }
            }
            Scheme::Format(format) => {
                let expected = "a format of at most 16 bits, or F32";
                return Err(Failure::unfit("cache", expected, format.name()));
            }
            Scheme::Blocks(spec) => {
                let expected = "blocks within rows and no tensor scale, which later tokens change";
                let found = format!("{:?}, {:?}", spec.extent, spec.tensor_scale);
                return Err(Failure::unfit("cache", expected, found));
            }
        };
        Ok(Self { width, count: 0, store })
    }

    /// Adds rows.
    pub(crate) fn push(&mut self, rows: &[f32]) -> Result<(), Failure> {
        let count = rows.len() / self.width;
        match &mut self.store {
            Store::Numbers(numbers) => numbers.extend_from_slice(rows),
            Store::Bytes(format, codes) => format.encode_slice(rows, grown(codes, rows.len()))?,
            Store::Words(format, codes) => format.encode_slice(rows, grown(codes, rows.len()))?,
            Store::Blocks { spec, codes, scales, offsets, row } => {
                let [codes, scales, offsets] =
                    [(codes, row[0]), (scales, row[1]), (offsets, row[2])]
                        .map(|(part, of_row)| grown(part, of_row * count));
                let parts = PartsMut::new(codes, scales).with_offsets(offsets);
                let quantizer = Quantizer::new(spec).exec(Exec::SERIAL);
                quantizer.quantize_to(rows, &[count, self.width], parts)?;
            }
        }
        self.count += count;
        Ok(())
    }

    /// The first rows as a side of a product, of this shape: how many, and how wide.
    pub(crate) fn first<'a>(&'a self, shape: &'a [usize; 2]) -> Result<Operand<'a>, Failure> {
        let (count, len) = (shape[0], shape[0] * shape[1]);
        Ok(match &self.store {
            Store::Numbers(numbers) => Operand::numbers(&numbers[..len], shape)?,
            Store::Bytes(format, codes) => Operand::codes(format, &codes[..len], shape)?,
            Store::Words(format, codes) => Operand::codes(format, &codes[..len], shape)?,
            Store::Blocks { spec, codes, scales, offsets, row } => {
                let [codes, scales, offsets] =
                    [(codes, row[0]), (scales, row[1]), (offsets, row[2])]
                        .map(|(part, of_row)| &part[..of_row * count]);
                let parts = Parts::new(codes, scales).with_offsets(offsets);
                QuantView::from_parts(spec, shape, parts)?.into()
            }
        })
    }
}

/// Whether a token's row can be quantized before the next one is known.
fn fits(spec: &BlockSpec) -> bool {
    let in_rows = matches!(spec.extent, Extent::Row | Extent::Block { rows: 1, .. });
    in_rows && matches!(spec.tensor_scale, TensorScale::None)
}

/// The new end of a vector that has grown.
fn grown<T: Copy + Default>(vector: &mut Vec<T>, by: usize) -> &mut [T] {
    let len = vector.len();
    vector.resize(len + by, T::default());
    &mut vector[len..]
}
