//! Codes in int32 words.

use crate::block::pack::{get, put};
use crate::block::{
    Accept, BlockSpec, Extent, Geometry, Parts, QuantTensor, QuantView, TensorScale,
};
use crate::error::Error;
use crate::spec::Encoding;
use alloc::vec;
use alloc::vec::Vec;

/// How the codes of a row-major matrix lie in little-endian 32-bit words. Every stream fills words
/// from the low bits; what is left of its last word is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WordOrder {
    /// A stream for each row; words of shape `[rows, ceil(cols · bits / 32)]`. compressed-tensors,
    /// GPTQ's `qzeros`.
    Along,
    /// A stream for each column; words of shape `[ceil(rows · bits / 32), cols]`. GPTQ's `qweight`.
    Down,
    /// Words along a row as in [`Along`](Self::Along), each of eight 4-bit codes in the order 0, 2,
    /// 4, 6, 1, 3, 5, 7; words of shape `[rows, cols / 8]`. AWQ.
    Awq,
}

impl WordOrder {
    /// The words of each stream and the number of streams.
    fn streams(self, bits: u32, rows: usize, cols: usize) -> Result<(usize, usize), Error> {
        // AWQ's order is one of eight nibbles.
        let high = if self == Self::Awq { 4 } else { 8 };
        let low = if self == Self::Awq { 4 } else { 1 };
        if !(low..=high).contains(&bits) {
            return Err(Error::SpecRange {
                what: "bits of a code in words",
                found: bits.into(),
                low: low.into(),
                high: high.into(),
            });
        }
        let (streams, length) = if self == Self::Down { (cols, rows) } else { (rows, cols) };
        if self == Self::Awq {
            Error::check_length(
                "columns of whole words",
                cols.div_ceil(8).saturating_mul(8),
                cols,
            )?;
        }
        // Each stream begins with a word of its own.
        let words = length.checked_mul(bits as usize).ok_or(Error::TooLarge)?.div_ceil(32);
        streams
            .checked_mul(words)
            .filter(|&count| count <= isize::MAX as usize / 4)
            .ok_or(Error::TooLarge)?;
        // The codes, a byte each, must fit the address space as the words do.
        rows.checked_mul(cols)
            .filter(|&count| count <= isize::MAX as usize)
            .ok_or(Error::TooLarge)?;
        Ok((words, streams))
    }

    /// The stream of an element, and its place there.
    const fn place(self, row: usize, col: usize) -> (usize, usize) {
        match self {
            Self::Along => (row, col),
            Self::Down => (col, row),
            // Code 2k is in nibble k, code 2k + 1 in nibble k + 4.
            Self::Awq => (row, col / 8 * 8 + col % 2 * 4 + col % 8 / 2),
        }
    }
}

/// Packs codes of 1 to 8 bits, one a byte, row-major `[rows, cols]`, into 32-bit words. Bits above
/// `bits` are dropped.
///
/// ```
/// use subhalf::layout::{WordOrder, pack_words, unpack_words};
/// let codes = [0, 1, 2, 3, 4, 5, 6, 7];
/// assert_eq!(pack_words(&codes, 4, [1, 8], WordOrder::Along)?, [0x7654_3210]);
/// assert_eq!(pack_words(&codes, 4, [8, 1], WordOrder::Down)?, [0x7654_3210]);
/// assert_eq!(pack_words(&codes, 4, [1, 8], WordOrder::Awq)?, [0x7531_6420]);
/// assert_eq!(unpack_words(&[0x7531_6420], 4, [1, 8], WordOrder::Awq)?, codes);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::Length`] unless there are `rows · cols` codes, and in AWQ's order whole words a row;
/// [`Error::SpecRange`] unless `bits` is in `1..=8` (4 in AWQ's order); [`Error::TooLarge`] if the
/// words would not fit the address space.
pub fn pack_words(
    codes: &[u8],
    bits: u32,
    [rows, cols]: [usize; 2],
    order: WordOrder,
) -> Result<Vec<i32>, Error> {
    let (words, streams) = order.streams(bits, rows, cols)?;
    Error::check_length("codes", rows * cols, codes.len())?;
    // Little-endian words are a byte stream with the first code in the low bits, which `put`
    // writes.
    let mut bytes = vec![0u8; 4 * words * streams];
    for (i, &code) in codes.iter().enumerate() {
        let (stream, place) = order.place(i / cols, i % cols);
        put(&mut bytes[stream * 4 * words..][..4 * words], bits, place, code.into());
    }
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, &byte| word << 8 | i32::from(byte));
    let packed: Vec<i32> = bytes.chunks_exact(4).map(word).collect();
    // Streams are written one after the other; words of columns lie side by side.
    Ok(if order == WordOrder::Down { transposed(&packed, streams, words) } else { packed })
}

/// Unpacks codes of 1 to 8 bits from 32-bit words, to one a byte, row-major `[rows, cols]`: the
/// opposite of [`pack_words`].
///
/// # Errors
/// [`Error::Length`] if the words are not those of the shape, or in AWQ's order not whole words a
/// row; [`Error::SpecRange`] unless `bits` is in `1..=8` (4 in AWQ's order); [`Error::TooLarge`] if
/// the words would not fit the address space.
pub fn unpack_words(
    words: &[i32],
    bits: u32,
    [rows, cols]: [usize; 2],
    order: WordOrder,
) -> Result<Vec<u8>, Error> {
    let (length, streams) = order.streams(bits, rows, cols)?;
    Error::check_length("words", length * streams, words.len())?;
    let turned =
        // Columns become streams that are read in order.
        if order == WordOrder::Down { transposed(words, length, streams) } else { words.to_vec() };
    let bytes: Vec<u8> = turned.iter().flat_map(|word| word.to_le_bytes()).collect();
    let code = |i: usize| {
        let (stream, place) = order.place(i / cols, i % cols);
        get(&bytes[stream * 4 * length..][..4 * length], bits, place) as u8
    };
    Ok((0..rows * cols).map(code).collect())
}

/// A row-major matrix with its axes exchanged.
fn transposed(words: &[i32], rows: usize, cols: usize) -> Vec<i32> {
    (0..words.len()).map(|i| words[i % rows * cols + i / rows]).collect()
}

/// compressed-tensors' `weight_packed` of a tensor of signed integers: each row a stream of
/// `q + 2^(bits − 1)` in words, of shape `[rows, ceil(cols · bits / 32)]` with the rows of all
/// matrices.
///
/// ```
/// use subhalf::{QuantTensor, layout, preset};
/// let spec = preset::compressed_tensors::INT4_G32;
/// let tensor = QuantTensor::quantize(&spec, &[7.5f32, -7.5, 1.0, 0.0], &[1, 4])?;
/// let words = layout::to_compressed_tensors(&tensor.view())?;
/// assert_eq!(words, [0x890F]);
/// let same = layout::from_compressed_tensors(&spec, &words, tensor.scales(), &[], &[1, 4])?;
/// assert_eq!(same, tensor);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::Scheme`] unless the elements are signed integers of at most 8 bits without a tensor
/// scale, in another extent than [`Extent::Flat`](crate::Extent::Flat).
pub fn to_compressed_tensors(tensor: &QuantView<'_>) -> Result<Vec<i32>, Error> {
    let bits = signed_bits(tensor.spec())?;
    tensor.for_layout("words of compressed-tensors")?;
    let geometry = tensor.geometry();
    let codes: Vec<u8> = (0..geometry.lines())
        .flat_map(|line| {
            // Two's complement with the sign bit flipped is q + 2^(bits − 1).
            (0..geometry.cols).map(move |col| tensor.code_at(line, col) as u8 ^ 1 << (bits - 1))
        })
        .collect();
    pack_words(&codes, bits, [geometry.lines(), geometry.cols], WordOrder::Along)
}

/// Reads a tensor of this format and shape from compressed-tensors' `weight_packed`: each row a
/// stream of `q + 2^(bits − 1)` in words. Scales and zero points are bytes, row-major over the grid
/// of blocks, as in [`Parts`]. The type of the scales is that of the format: for BF16 in a
/// checkpoint take the format [`with_scale(FormatSpec::BF16)`](BlockSpec::with_scale).
///
/// # Errors
/// [`Error::Scheme`] unless the elements are signed integers of at most 8 bits without a tensor
/// scale, in another extent than [`Extent::Flat`](crate::Extent::Flat); [`Error::Length`] if the
/// words, scales or zero points are not those of the shape; the other errors of
/// [`QuantTensor::from_parts`].
pub fn from_compressed_tensors(
    spec: &BlockSpec,
    words: &[i32],
    scales: &[u8],
    offsets: &[u8],
    shape: &[usize],
) -> Result<QuantTensor, Error> {
    from_compressed_tensors_with(spec, words, scales, offsets, shape, Accept::Finite)
}

/// Reads a tensor of this format and shape from compressed-tensors' `weight_packed`, each row a
/// stream of `q + 2^(bits − 1)` in words, with scales and zero points as bytes, row-major over the
/// grid of blocks; `accept` says whether scales may be NaN or infinite.
///
/// # Errors
/// [`Error::Stored`] for a scale that `accept` excludes, [`Error::Length`] if the words, scales or
/// zero points are not those of the shape, and the other errors of [`from_compressed_tensors`].
pub fn from_compressed_tensors_with(
    spec: &BlockSpec,
    words: &[i32],
    scales: &[u8],
    offsets: &[u8],
    shape: &[usize],
    accept: Accept,
) -> Result<QuantTensor, Error> {
    spec.validate()?;
    let bits = signed_bits(spec)?;
    let geometry = Geometry::of(spec, shape)?;
    let codes = unpack_words(words, bits, [geometry.lines(), geometry.cols], WordOrder::Along)?;
    // Words pad a row to 32 bits, the tensor to 8: rows are packed anew.
    let mut packed = vec![0; geometry.lines() * geometry.row_bytes];
    for (i, &code) in codes.iter().enumerate() {
        let row = &mut packed[i / geometry.cols * geometry.row_bytes..][..geometry.row_bytes];
        put(row, bits, i % geometry.cols, u32::from(code ^ 1 << (bits - 1)));
    }
    QuantTensor::from_parts_with(
        spec,
        shape,
        Parts::new(&packed, scales).with_offsets(offsets),
        accept,
    )
}

fn signed_bits(spec: &BlockSpec) -> Result<u32, Error> {
    match spec.element.encoding() {
        Encoding::Int(layout)
            // Rows are streams of their own, and a checkpoint has no place for a tensor scale.
            if layout.signed
                && layout.bits <= 8
                && !matches!(spec.extent, Extent::Flat(_))
                && matches!(spec.tensor_scale, TensorScale::None) =>
        {
            Ok(layout.bits.into())
        }
        _ => Err(Error::Scheme {
            what: "words of compressed-tensors",
            expected: "signed integers of at most 8 bits, in rows, no tensor scale",
        }),
    }
}
