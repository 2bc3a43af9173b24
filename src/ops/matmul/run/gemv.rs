//! Products of few rows: the chains of tiles, in another order.
//!
//! ```text
//! for a piece of 4 panels, 64 columns          pieces on all threads
//!     for 1 to 8 rows of A                     packed, in L1 or L2
//!         for k upward                         codes of B become numbers in registers
//!             rows x 64 sums in registers
//! ```
//!
//! The product of few rows is bound by reading B, so B is read once, as codes, and never decoded to
//! memory. One row by one row is a single chain.

use crate::kernel::gemm::{Lanes, MR, NR, dot_f32, dot_f64};
use crate::kernel::{
    AInt8, AInt8Rows, BlockFactors, Factors, GEMV_MR, Gemv, GemvPanel, Isa, NegativeZero, Nibbles,
    PANELS,
};
use crate::mem::Aligned;
use crate::mma::{Sum, Takes};
use crate::ops::matmul::job::MatmulJob;
use crate::ops::matmul::pack_a::{a_i8x4_of_numbers, a_i8x4_of_pairs, tiles};
use crate::ops::matmul::packed::PackedMatrix;
use crate::ops::matmul::panel::{Data, PANELS_OF_UNIT, Panel, PanelRestore};
use crate::ops::matmul::plan::{ChainKernel, Int8, Plan};
use crate::ops::matmul::read::{Reader, numbers_of_4_bits};
use crate::ops::matmul::scratch::{StepScratch, WorkScratch};
use crate::ops::matmul::tile::TileA;
use crate::ops::matmul::workspace::ProductMemory;
use crate::ops::numbers::NumbersMut;
use crate::ops::par::one_of;
use alloc::vec::Vec;

/// Fills the product, if it is one of few rows that these kernels are quicker for than tiles are.
pub(in crate::ops::matmul) fn run(
    job: &MatmulJob<'_>,
    plan: &Plan,
    readers: &[Reader; 2],
    dst: &mut NumbersMut<'_>,
    memory: &mut ProductMemory,
) -> bool {
    match plan {
        Plan::Chain(kernel @ (ChainKernel::F32 | ChainKernel::F64))
            if job.shape.m == 1 && job.shape.n == 1 =>
        {
            // Panels of B would be one row in 16.
            single_rows(job, matches!(kernel, ChainKernel::F64), readers, dst, memory);
            true
        }
        Plan::Chain(ChainKernel::F32) | Plan::F32Blocks { .. } | Plan::Int8(_) => {
            by_packed(job, plan, readers, dst, memory)
        }
        Plan::Chain(_)
        | Plan::Chunked { .. }
        | Plan::Blocks { .. }
        | Plan::Integers { .. }
        | Plan::Exact
        | Plan::Aligned(_)
        | Plan::Words(_)
        | Plan::Steps => false,
    }
}

/// Fills a product of single rows: panels would be one row in 16.
fn single_rows(
    job: &MatmulJob<'_>,
    in_f64: bool,
    [reader_a, reader_b]: &[Reader; 2],
    dst: &mut NumbersMut<'_>,
    memory: &mut ProductMemory,
) {
    let (isa, depth) = (job.exec.isa(), job.shape.k);
    // Kept over the matrices of a batch.
    let WorkScratch { rows, steps: StepScratch { a: x, b: y, .. }, .. } =
        one_of(&mut memory.threads);
    x.resize(depth, 0.0);
    y.resize(depth, 0.0);
    for matrix in 0..dst.len() {
        let [line_a, line_b] = job.lines(matrix);
        reader_a.row(&job.a, line_a, &mut rows.codes, x);
        reader_b.row(&job.b, line_b, &mut rows.codes, y);
        let sum = if in_f64 {
            let mut sum = 0.0;
            dot_f64(isa, x, y, &mut sum);
            Sum::F64(sum)
        } else {
            let mut sum = 0.0;
            dot_f32(isa, x, y, &mut sum);
            Sum::F32(sum)
        };
        dst.set(matrix, job.finish.apply(matrix, sum));
    }
}

/// Fills a product of a few rows by a packed B.
fn by_packed(
    job: &MatmulJob<'_>,
    plan: &Plan,
    [reader_a, reader_b]: &[Reader; 2],
    dst: &mut NumbersMut<'_>,
    ProductMemory { tiles: all_of_a, parts, threads }: &mut ProductMemory,
) -> bool {
    let shape = job.shape;
    // With MR rows or more a whole tile uses a decoded panel, and tiles are faster.
    let Some(packed) = job.b.packed().filter(|_| shape.m < MR && shape.k > 0) else { return false };
    let block_k = plan.block_k().unwrap_or(job.b.block_k()).min(shape.k);
    let Some(path) = GemvPath::of(job, packed, plan, reader_b, block_k) else { return false };
    let tiles = tiles(job, reader_a, None, plan.block_k(), all_of_a, threads);
    let rows = path.rows(job.exec.isa(), tiles, parts);
    // Every matrix of A has as many rows, and so as many parts.
    let parts_of_matrix = rows.len() / job.matrices_of_a();
    let panels = shape.n.div_ceil(NR);
    let piece = GemvPiece { job, packed, path: &path, block_k, rows, parts_of_matrix, panels };
    if !job.exec.uses_threads() {
        let WorkScratch { scales, .. } = one_of(threads);
        for matrix in 0..dst.len() / (shape.m * shape.n) {
            for index in 0..panels.div_ceil(PANELS) {
                piece.fill(matrix, index, scales, |row, place, sums| {
                    let start = (matrix * shape.m + row) * shape.n + index * PANELS * NR;
                    job.finish.apply_f32s(place, sums, dst.range(start..start + sums.len()));
                });
            }
        }
        return true;
    }
    // Each piece has its columns of all rows, so that threads write to disjoint slices.
    let mut pieces = Vec::new();
    let whole = dst.range(0..dst.len());
    for (matrix, of_matrix) in whole.chunks(shape.m * shape.n).enumerate() {
        let first = pieces.len();
        pieces.extend(
            (0..panels.div_ceil(PANELS)).map(|index| (matrix, index, Vec::with_capacity(shape.m))),
        );
        for row in of_matrix.chunks(shape.n) {
            pieces[first..]
                .iter_mut()
                .zip(row.chunks(PANELS * NR))
                .for_each(|((.., rows), columns)| rows.push(columns));
        }
    }
    job.exec.each_with(pieces.into_iter(), threads, |scratch, (matrix, index, mut rows)| {
        piece.fill(matrix, index, &mut scratch.scales, |row, place, sums| {
            let columns = 0..sums.len();
            job.finish.apply_f32s(place, sums, rows[row].range(columns));
        });
    });
    true
}

/// What all pieces of a product are made with: a piece is 4 panels, 64 columns of all rows.
struct GemvPiece<'p> {
    job: &'p MatmulJob<'p>,
    packed: &'p PackedMatrix,
    path: &'p GemvPath<'p>,
    block_k: usize,
    /// Rows of A that are worked on together, those of one matrix after those of another.
    rows: &'p [TileA],
    parts_of_matrix: usize,
    panels: usize,
}

impl GemvPiece<'_> {
    /// Makes a piece of a matrix and hands it to `give(row, index in the product, sums)`.
    fn fill(
        &self,
        matrix: usize,
        piece: usize,
        memory: &mut [Aligned<Lanes<f32>>; PANELS_OF_UNIT],
        mut give: impl FnMut(usize, usize, &[f32]),
    ) {
        let Self { job, packed, block_k, panels, .. } = *self;
        let (shape, takes) = (job.shape, job.model.takes());
        let [_, of_b] = job.matrices(matrix);
        // Beyond the last panel it stands in, and its sums are not kept.
        let panel_at = |index: usize| packed.panel(of_b, (piece * PANELS + index).min(panels - 1));
        // Memory for the scales of each panel and for its offsets.
        let [s0, s1, s2, s3, o0, o1, o2, o3] = memory;
        let mut index = 0;
        let memory = [(s0, o0), (s1, o1), (s2, o2), (s3, o3)];
        let four: [_; PANELS] = memory.map(|(memory, of_offsets)| {
            let panel = panel_at(index);
            index += 1;
            // The panel's scales as they are; otherwise copies cut to the blocks of the sum, 1
            // without scales.
            let own = block_k == panel.block_k && panel.scales.len() > 0;
            let factors = match &panel.restore {
                // Values are elements times factors, which have the tensor scale in them; elements
                // have scales alone.
                PanelRestore::Factors(_, factors) if takes == Takes::Values => {
                    BlockFactors::F32(factors)
                }
                _ if own => panel.scales.view(),
                _ => BlockFactors::F32(panel.scales_by(block_k, shape.k, memory)),
            };
            let offsets = panel.offsets_by(block_k, shape.k, of_offsets);
            GemvPanel { codes: panel.data.codes(), factors, offsets }
        });
        let first = job.place_of_a(matrix) * self.parts_of_matrix;
        for tile in &self.rows[first..first + self.parts_of_matrix] {
            // The sums of up to 8 rows in 4 panels; a micro-kernel keeps those that it works on in
            // registers, over all of K.
            let mut sums = [[[0.0; NR]; PANELS]; GEMV_MR];
            let sums = &mut sums[..tile.mr()];
            match self.path {
                GemvPath::Int8 { int8, paired } => {
                    let a = AInt8 {
                        words: &tile.a_i8x4.words,
                        compensation: &tile.a_i8x4.compensation,
                        scales: &tile.scales,
                    };
                    // A register has four positions of a column, so blocks count in fours.
                    let a = AInt8Rows {
                        paired: *paired,
                        block_words: int8.block_k.div_ceil(4),
                        unit: int8.unit(),
                        a,
                    };
                    int8.dots.rows(&int8.b, &a, &four, sums);
                }
                GemvPath::Numbers(kernel) => {
                    let factors = match takes {
                        Takes::Elements => Factors::Sums(&tile.scales),
                        Takes::Values => Factors::Elements,
                    };
                    kernel.sums(block_k, factors, &tile.numbers, &four, sums);
                }
            }
            // The last piece has fewer than 64 columns.
            let width = (PANELS * NR).min(shape.n - piece * PANELS * NR);
            for (row, sums) in tile.rows.clone().zip(sums) {
                let index = (matrix * shape.m + row) * shape.n + piece * PANELS * NR;
                give(row, index, &sums.as_flattened()[..width]);
            }
        }
    }
}

/// How the sums of a few rows are made.
#[expect(clippy::large_enum_variant, reason = "one lives on the stack for the length of a product")]
enum GemvPath<'a> {
    /// B's codes become numbers.
    Numbers(Gemv),
    /// B's codes, in pairs or one a byte, become integers.
    Int8 { int8: &'a Int8, paired: bool },
}

impl<'a> GemvPath<'a> {
    /// The path for all panels of a matrix, if there is one that is quicker than tiles.
    fn of(
        job: &MatmulJob<'_>,
        packed: &PackedMatrix,
        plan: &'a Plan,
        reader: &Reader,
        block_k: usize,
    ) -> Option<Self> {
        let paired = matches!(packed.panels.first()?.data, Data::Nibbles(_));
        if let Plan::Int8(int8) = plan {
            if takes_codes(int8, job, paired) {
                return Some(Self::Int8 { int8, paired });
            }
            // Tiles of integers are quicker than a few rows of f32s.
            if job.shape.m > 1 {
                return None;
            }
        }
        let takes = job.model.takes();
        // The kernels multiply the scales of both sides as they are; dot products fold the
        // elements' units in.
        let scales_fit = || {
            let wide = job.a.formats().has_f32_scales() || job.b.formats().has_f32_scales();
            wide || job.a.scale_range().times(job.b.scale_range()).is_f32()
        };
        let has_offsets = job.b.spec().is_some_and(|spec| spec.offset_bytes() > 0);
        let numbers = numbers(job, packed, reader, block_k)
            .filter(|kernel| job.shape.m <= kernel.max_rows(has_offsets));
        numbers.filter(|_| takes == Takes::Values || scales_fit()).map(Self::Numbers)
    }

    /// The rows of all matrices of A that are worked on together, from their tiles; in `memory` if
    /// tiles have more rows than that.
    fn rows<'m>(
        &self,
        isa: Isa,
        tiles: &'m mut [TileA],
        memory: &'m mut Vec<TileA>,
    ) -> &'m [TileA] {
        // As many rows as have their sums in registers beside the codes of four panels.
        let together = match self {
            Self::Numbers(kernel) => kernel.height(),
            Self::Int8 { int8, .. } => int8.dots.height(),
        };
        let rows = if tiles.iter().all(|tile| tile.mr() <= together) {
            tiles
        } else {
            let count = tiles.iter().map(|tile| tile.rows.len().div_ceil(together)).sum();
            memory.resize_with(memory.len().max(count), TileA::default);
            let parts = tiles
                .iter()
                .flat_map(|tile| tile.rows.clone().step_by(together).map(move |row| (tile, row)));
            let memory = &mut memory[..count];
            memory.iter_mut().zip(parts).for_each(|(to, (tile, row))| tile.part(row, together, to));
            memory
        };
        for tile in &mut *rows {
            match self {
                Self::Numbers(_) => {}
                Self::Int8 { int8, paired: true } => a_i8x4_of_pairs(int8, tile, isa),
                Self::Int8 { int8, paired: false } => a_i8x4_of_numbers(int8, tile, isa),
            }
        }
        rows
    }
}

/// Whether the rows are few enough for dot products with codes in pairs or one a byte, and blocks
/// are whole registers of codes.
fn takes_codes(int8: &Int8, job: &MatmulJob<'_>, paired: bool) -> bool {
    let positions = if paired { 8 } else { 4 };
    let whole = job.shape.k.is_multiple_of(positions) && int8.is_whole(job.shape.k, positions);
    whole && job.shape.m <= int8.dots.max_rows(paired)
}

/// How the codes of all panels of a matrix become numbers, if there is one kernel for them.
fn numbers(
    job: &MatmulJob<'_>,
    packed: &PackedMatrix,
    reader: &Reader,
    block_k: usize,
) -> Option<Gemv> {
    let (first, element, takes) = (packed.panels.first()?, job.b.element()?, job.model.takes());
    let negative_zero = |panel: &Panel| match takes {
        Takes::Elements => NegativeZero::Keep,
        Takes::Values => panel.negative_zero(),
    };
    let all_zeros = negative_zero(first);
    let alike = packed.panels.iter().all(|panel| {
        !matches!(panel.restore, PanelRestore::Any(_)) && negative_zero(panel) == all_zeros
    });
    let depth = job.shape.k;
    // A kernel takes 8 positions of pairs or 4 of bytes at a time, all under one scale.
    let whole = |positions| {
        depth.is_multiple_of(positions) && (block_k.is_multiple_of(positions) || block_k >= depth)
    };
    match first.data {
        _ if !alike => None,
        Data::Nibbles(_) if whole(8) => {
            Nibbles::new(job.exec.isa(), numbers_of_4_bits(element).map(|x| x + all_zeros.addend()))
                .map(Gemv::nibbles)
        }
        Data::Bytes(_) if whole(4) && all_zeros == NegativeZero::Keep => {
            reader.decode().and_then(Gemv::bytes)
        }
        _ => None,
    }
}
