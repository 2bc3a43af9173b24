//! Tensors made of pieces: rows under rows, columns beside columns, matrices in a stack. Codes and
//! scales are copied; nothing is rounded.
//!
//! The whole begins as zeros, with a flag for each block, sub-scale and codebook. Pieces are put at
//! their rows and columns one after the other: codes are copied, and with them the scale of each
//! block whose flag is not set. Where the flag is set, an earlier piece has elements of the same
//! block, and both must have the same bytes for it.

use super::geometry::{Geometry, codebook_bytes};
use super::pack::{packed_bytes, put};
use super::parts::{Lengths, Parts};
use super::scheme::{Codebooks, Extent, TensorScale};
use super::spec::{BlockSpec, code_bytes};
use super::tensor::QuantTensor;
use super::view::QuantView;
use crate::error::Error;
use alloc::vec;
use alloc::vec::Vec;

/// What an error expects where two pieces meet.
const SHARED: &str = "what the piece before has for a block of both";

impl QuantTensor {
    /// Joins tensors of one scheme under each other, into one of shape `[rows, columns]`. A block
    /// may have rows of two pieces if both store the same scale and offset for it. Pieces cut from
    /// one tensor by [`QuantView::rows`] do.
    ///
    /// ```
    /// use subhalf::{QuantTensor, preset};
    /// let x: Vec<f32> = (0..96).map(|i| i as f32).collect();
    /// let whole = QuantTensor::quantize(&preset::ocp::MXFP4, &x, &[3, 32])?;
    /// let shards = [whole.view().rows(0..1)?, whole.view().rows(1..3)?];
    /// assert_eq!(QuantTensor::concat_rows(&shards)?, whole);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] for no pieces or pieces of other columns; [`Error::Scheme`] for pieces of
    /// other schemes, for stacks whose blocks have several rows, and for a piece with a block that
    /// would reach over two blocks of the whole; [`Error::Stored`] if two pieces store different
    /// scales, offsets or codebooks for one block, or different tensor scales; [`Error::TooLarge`]
    /// beyond the address space.
    pub fn concat_rows(pieces: &[QuantView<'_>]) -> Result<Self, Error> {
        let first = first_of(pieces)?;
        let cols = first.shape().last().copied().unwrap_or(1);
        let flat = matches!(first.spec().extent, Extent::Flat(_));
        let mut rows = 0usize;
        for piece in pieces {
            let axes = piece.shape();
            Error::check_length("columns of a piece", cols, axes.last().copied().unwrap_or(1))?;
            // A stack begins new tiles with each matrix, which rows of one matrix do not.
            let tall = !flat && piece.geometry().block_rows > 1;
            if tall && piece.geometry().matrices > 1 {
                return Err(Error::Scheme {
                    what: "stack to join under others",
                    expected: "blocks of one row",
                });
            }
            let lines = rows_of(axes);
            rows = rows.checked_add(lines).ok_or(Error::TooLarge)?;
        }
        let mut whole = Whole::new(whole_of(pieces, first), &[rows, cols])?;
        let mut above = 0;
        for (index, piece) in pieces.iter().enumerate() {
            // Flat blocks have one row of elements, on which pieces follow each other.
            let at = if flat { [0, above * cols] } else { [above, 0] };
            whole.put(index, piece, at)?;
            above += rows_of(piece.shape());
        }
        Ok(whole.tensor)
    }

    /// Joins tensors of one scheme beside each other: the shape of the first with a longer last
    /// axis. A block may have columns of two pieces if both store the same scale and offset for it.
    /// Pieces cut from one tensor by [`QuantView::cols`] do.
    ///
    /// # Errors
    /// [`Error::Length`] for no pieces or pieces of other rows; [`Error::Scheme`] for pieces of
    /// other schemes, for flat blocks, and for a piece with a block that would reach over two
    /// blocks of the whole; [`Error::Stored`] if two pieces store different scales, offsets or
    /// codebooks for one block, or different tensor scales; [`Error::TooLarge`] beyond the address
    /// space.
    pub fn concat_cols(pieces: &[QuantView<'_>]) -> Result<Self, Error> {
        let first = first_of(pieces)?;
        if matches!(first.spec().extent, Extent::Flat(_)) {
            return Err(Error::Scheme {
                what: "tensors to join beside each other",
                expected: "blocks that do not reach over rows",
            });
        }
        // Axes but the last must be equal, not only their product: pieces may be stacks.
        let leading = |axes: &'_ [usize]| axes[..axes.len().saturating_sub(1)].to_vec();
        let mut shape = leading(first.shape());
        let mut cols = 0usize;
        for piece in pieces {
            Error::check_length("rows of a piece", rows_of(first.shape()), rows_of(piece.shape()))?;
            if leading(piece.shape()) != shape {
                return Err(Error::Scheme {
                    what: "tensors to join beside each other",
                    expected: "shapes that differ in the last axis alone",
                });
            }
            let more = piece.shape().last().copied().unwrap_or(1);
            cols = cols.checked_add(more).ok_or(Error::TooLarge)?;
        }
        shape.push(cols);
        let mut whole = Whole::new(whole_of(pieces, first), &shape)?;
        let mut left = 0;
        for (index, piece) in pieces.iter().enumerate() {
            whole.put(index, piece, [0, left])?;
            left += piece.shape().last().copied().unwrap_or(1);
        }
        Ok(whole.tensor)
    }

    /// Stacks matrices of one scheme and shape: a tensor of shape `[matrices, rows, columns]`, with
    /// a tensor scale for each matrix where the scheme has one. The experts of a layer are such a
    /// stack.
    ///
    /// ```
    /// use subhalf::{QuantTensor, preset};
    /// let expert = |largest: f32| {
    ///     QuantTensor::quantize(&preset::torchao::NVFP4, &[largest; 32], &[2, 16])
    /// };
    /// let (a, b) = (expert(1.0)?, expert(84.0)?);
    /// let stack = QuantTensor::stack(&[a.view(), b.view()])?;
    /// assert_eq!((stack.shape(), stack.tensor_scales()[1]), (&[2, 2, 16][..], 0.03125));
    /// assert_eq!(stack.view().matrix(1)?.to_owned(), b);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] for no matrices or matrices of other rows or columns; [`Error::Scheme`]
    /// for other schemes, for blocks that reach over matrices, for more axes than two, and for
    /// matrices that begin inside a block; [`Error::Stored`] for two codebooks of one tensor;
    /// [`Error::TooLarge`] beyond the address space.
    pub fn stack(matrices: &[QuantView<'_>]) -> Result<Self, Error> {
        let first = first_of(matrices)?;
        let axes = |view: &QuantView<'_>| {
            let axes = view.shape();
            [rows_of(axes), axes.last().copied().unwrap_or(1)]
        };
        let [rows, cols] = axes(first);
        for view in matrices {
            Error::check_length("rows of a matrix", rows, axes(view)[0])?;
            Error::check_length("columns of a matrix", cols, axes(view)[1])?;
            // Blocks of the whole tensor, and flat ones, would reach over matrices.
            let apart = !matches!(view.spec().extent, Extent::Tensor | Extent::Flat(_));
            if !apart || view.geometry().matrices > 1 || view.origin() != [0, 0] {
                return Err(Error::Scheme {
                    what: "matrix of a stack",
                    expected: "two axes at most, from the start of a block, with blocks of its own",
                });
            }
        }
        let mut whole = Whole::new(first, &[matrices.len(), rows, cols])?;
        if first.spec().tensor_scale != TensorScale::None && rows * cols > 0 {
            // The single tensor scale is 1 beside one for each matrix. A stack without elements has
            // no matrices, and keeps that of the first.
            whole.tensor.tensor_scale = 1.0;
            whole.tensor.tensor_scales = matrices.iter().map(|view| view.tensor_scale(0)).collect();
        }
        for (index, view) in matrices.iter().enumerate() {
            whole.place(view, [index * rows, 0])?;
        }
        Ok(whole.tensor)
    }
}

impl QuantView<'_> {
    /// The tensor with rows that follow each other without gaps.
    pub(super) fn gathered(&self) -> QuantTensor {
        // The origin stays: the copy begins inside a block where the view does.
        let geometry = self.geometry.without_gaps(self.spec.element.bits());
        let mut whole = Whole::empty(self.spec, self.shape(), geometry);
        whole.tensor.tensor_scale = self.parts.tensor_scale;
        whole.tensor.tensor_scales = self.parts.tensor_scales.to_vec();
        whole.put_codes(self, [0, 0]);
        // A view's own blocks are those of its copy.
        let _same_blocks = whole.put_blocks(self, [0, 0]);
        let _same_books = whole.put_codebooks(self, 0);
        whole.tensor
    }
}

/// Rows of all matrices of a shape.
fn rows_of(axes: &[usize]) -> usize {
    axes[..axes.len().saturating_sub(1)].iter().product()
}

fn first_of<'v, 'a>(pieces: &'v [QuantView<'a>]) -> Result<&'v QuantView<'a>, Error> {
    let Some(first) = pieces.first() else {
        return Err(Error::Length { what: "tensors to join", expected: 1, found: 0 });
    };
    match pieces.iter().all(|piece| piece.spec() == first.spec()) {
        true => Ok(first),
        false => Err(Error::Scheme { what: "tensors to join", expected: "one scheme for all" }),
    }
}

/// The piece whose origin and tensor scale the whole has: the first with elements.
fn whole_of<'v, 'a>(pieces: &'v [QuantView<'a>], first: &'v QuantView<'a>) -> &'v QuantView<'a> {
    pieces.iter().find(|piece| !piece.is_empty()).unwrap_or(first)
}

/// A tensor that is put together, and what of it is there.
struct Whole {
    tensor: QuantTensor,
    /// Whether each block is there.
    blocks: Vec<bool>,
    /// Whether each sub-scale is there; empty in schemes without them.
    sub_scales: Vec<bool>,
    /// Whether each codebook is there; empty in schemes without them.
    codebooks: Vec<bool>,
}

impl Whole {
    fn new(first: &QuantView<'_>, shape: &[usize]) -> Result<Self, Error> {
        let geometry = Geometry::at(first.spec(), shape, first.origin())?;
        let mut whole = Self::empty(first.spec(), shape, geometry);
        whole.tensor.tensor_scale = first.tensor_scale(0);
        if !first.parts.tensor_scales.is_empty() {
            let each = first.parts.tensor_scales;
            // Compared by bits: parts are copied, not computed with.
            let all_same = each.iter().all(|scale| scale.to_bits() == each[0].to_bits());
            // Stacks joined along columns stay stacks. Joined along rows they become one matrix.
            if each.len() == geometry.matrices && each.len() > 1 {
                whole.tensor.tensor_scale = 1.0;
                whole.tensor.tensor_scales = each.to_vec();
            } else if !all_same {
                return Err(Error::Scheme {
                    what: "stack to join under others",
                    expected: "one tensor scale for all matrices",
                });
            }
        }
        Ok(whole)
    }

    fn empty(spec: &BlockSpec, shape: &[usize], geometry: Geometry) -> Self {
        let lengths = Lengths::of(spec, &geometry);
        // A width of 0 is a part that the scheme does not have.
        let count = |bytes: usize, width: usize| bytes.checked_div(width).unwrap_or(0);
        let sub_scale_bytes = spec.sub_scale.map_or(0, |sub_scale| code_bytes(&sub_scale.format));
        Self {
            tensor: QuantTensor::zeroed_at(spec, shape, geometry),
            blocks: vec![false; geometry.blocks()],
            sub_scales: vec![false; count(lengths.sub_scales, sub_scale_bytes)],
            codebooks: vec![false; count(lengths.codebooks, codebook_bytes(spec))],
        }
    }

    /// Puts a piece at a row and a column.
    fn put(&mut self, index: usize, piece: &QuantView<'_>, at: [usize; 2]) -> Result<(), Error> {
        // An empty piece brings no part of the tensor.
        if piece.is_empty() {
            return Ok(());
        }
        // Pieces are of one tensor: each of its matrices has one tensor scale, whatever the piece.
        let (own, found) = (&self.tensor, piece.parts.tensor_scales.len());
        for matrix in 0..own.tensor_scales.len().max(found).max(1) {
            let expected = own.tensor_scales.get(matrix).unwrap_or(&own.tensor_scale).to_bits();
            let found = piece.tensor_scale(matrix).to_bits();
            if found != expected {
                let (what, expected) = ("tensor scale of piece", "that of the first piece");
                return Err(Error::Stored { what, index, expected, found });
            }
        }
        self.place(piece, at)
    }

    /// Puts the codes and blocks of a piece at a row and a column.
    fn place(&mut self, piece: &QuantView<'_>, at: [usize; 2]) -> Result<(), Error> {
        // An empty piece brings no part of any block.
        if piece.is_empty() {
            return Ok(());
        }
        self.put_blocks(piece, at)?;
        self.put_codebooks(piece, at[0])?;
        self.put_codes(piece, at);
        Ok(())
    }

    fn put_codes(&mut self, piece: &QuantView<'_>, [above, left]: [usize; 2]) {
        let (from, to) = (*piece.geometry(), self.tensor.geometry);
        let bits = self.tensor.spec.element.bits();
        // No overflow: the geometry has made this product before.
        let bytes = packed_bytes(from.cols, bits).unwrap_or(0);
        let start = left * bits as usize;
        // Whole bytes are copied; codes beside others in a byte are put one by one.
        let aligned = from.first_bit == 0
            && start.is_multiple_of(8)
            && (from.cols * bits as usize).is_multiple_of(8);
        let codes = self.tensor.codes.as_mut_slice();
        for line in 0..from.lines() {
            let row = &mut codes[(above + line) * to.row_bytes..][..to.row_bytes];
            if aligned {
                let source = &piece.parts.codes[line * from.row_bytes..][..bytes];
                row[start / 8..][..bytes].copy_from_slice(source);
            } else {
                (0..from.cols).for_each(|col| put(row, bits, left + col, piece.code_at(line, col)));
            }
        }
    }

    fn put_blocks(&mut self, piece: &QuantView<'_>, at: [usize; 2]) -> Result<(), Error> {
        let (from, to) = (*piece.geometry(), self.tensor.geometry);
        let spec = self.tensor.spec;
        let [above, left] = at;
        let scale_bytes = spec.scales_per_block() * spec.scale_bytes();
        // Walks the blocks of the piece. Each lies in one block of the whole, which its first and
        // its last element must agree on.
        for grid_row in 0..from.matrices * from.grid_rows {
            let lines = from.band(grid_row);
            for grid_col in 0..from.grid_cols {
                let cols = from.block_cols(grid_col);
                let source = from.block_at(grid_row, grid_col);
                let block = to.block(above + lines.start, left + cols.start);
                if to.block(above + lines.end - 1, left + cols.end - 1) != block {
                    return Err(Error::Scheme {
                        what: "tensors to join",
                        expected: "pieces that begin where a block ends, or where it goes on",
                    });
                }
                // The first piece of a block brings its scale and offset; others must have the
                // same.
                let is_there = core::mem::replace(&mut self.blocks[block], true);
                let tensor = &mut self.tensor;
                let Parts { scales, offsets, .. } = *piece.bytes();
                let refuse = |what| stored_twice(what, block);
                copy(scales, tensor.scales.as_mut_slice(), scale_bytes, [source, block], is_there)
                    .map_err(|found| refuse("scale")(found))?;
                let width = spec.offset_bytes();
                copy(offsets, tensor.offsets.as_mut_slice(), width, [source, block], is_there)
                    .map_err(|found| refuse("offset")(found))?;
                if let Some(sub_scale) = &spec.sub_scale {
                    let (blocks, width) =
                        (sub_scale.blocks as usize, code_bytes(&sub_scale.format));
                    let [source, target] = [from.group(source, blocks), to.group(block, blocks)];
                    let is_there = core::mem::replace(&mut self.sub_scales[target], true);
                    let (bytes, all) = (piece.bytes().sub_scales, tensor.sub_scales.as_mut_slice());
                    copy(bytes, all, width, [source, target], is_there)
                        .map_err(|found| refuse("sub-scale")(found))?;
                }
            }
        }
        Ok(())
    }

    fn put_codebooks(&mut self, piece: &QuantView<'_>, above: usize) -> Result<(), Error> {
        let width = codebook_bytes(&self.tensor.spec);
        let books = match self.tensor.spec.codebooks {
            Codebooks::Format => return Ok(()),
            Codebooks::Tensor(_) => 0..1,
            Codebooks::Row(_) => 0..piece.geometry().lines(),
        };
        // A codebook for all rows is entry 0 of every piece.
        let first = if matches!(self.tensor.spec.codebooks, Codebooks::Row(_)) { above } else { 0 };
        for book in books {
            let target = first + book;
            let is_there = core::mem::replace(&mut self.codebooks[target], true);
            let all = self.tensor.codebooks.as_mut_slice();
            copy(piece.bytes().codebooks, all, width, [book, target], is_there)
                .map_err(|found| stored_twice("codebook", target)(found))?;
        }
        Ok(())
    }
}

/// The refusal of a part that two pieces have, and have differently.
fn stored_twice(what: &'static str, index: usize) -> impl Fn(u32) -> Error {
    move |found| Error::Stored { what, index, expected: SHARED, found }
}

/// Copies an entry, or compares it with the entry that is there. The error is the first bytes of
/// an entry that differs.
fn copy(
    from: &[u8],
    to: &mut [u8],
    width: usize,
    [source, target]: [usize; 2],
    is_there: bool,
) -> Result<(), u32> {
    let from = &from[source * width..][..width];
    let to = &mut to[target * width..][..width];
    if is_there && from != to {
        // The entry as a little-endian number, as far as an error can hold it.
        return Err(from.iter().take(4).rev().fold(0, |code, &byte| code << 8 | u32::from(byte)));
    }
    to.copy_from_slice(from);
    Ok(())
}
