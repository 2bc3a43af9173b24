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
    AInt8, AInt8Rows, AInt8Words, BlockFactors, Factors, GEMV_MR, Gemv, GemvPanel, Isa,
    NegativeZero, Nibbles, PANELS,
};
use crate::mma::{Sum, Takes};
use crate::ops::matmul::job::MatmulJob;
use crate::ops::matmul::pack_a::{a_i8x4_of_numbers, a_i8x4_of_pairs, tiles};
use crate::ops::matmul::packed::PackedMatrix;
use crate::ops::matmul::panel::{Data, Panel, PanelRestore};
use crate::ops::matmul::plan::{ChainKernel, Int8, Plan};
use crate::ops::matmul::read::{Reader, numbers_of_4_bits};
use crate::ops::matmul::tile::TileA;
use crate::ops::real::Real;
use alloc::vec;
use alloc::vec::Vec;

/// Fills the product, if it is one of few rows that these kernels are quicker for than tiles are.
pub(in crate::ops::matmul) fn run<D: Real>(
    job: &MatmulJob<'_>,
    plan: &Plan,
    readers: &[Reader; 2],
    dst: &mut [D],
) -> bool {
    match plan {
        Plan::Chain(kernel @ (ChainKernel::F32 | ChainKernel::F64))
            if job.shape.m == 1 && job.shape.n == 1 =>
        {
            // Panels of B would be one row in 16.
            single_rows(job, matches!(kernel, ChainKernel::F64), readers, dst);
            true
        }
        Plan::Chain(ChainKernel::F32) | Plan::F32Blocks { .. } | Plan::Int8(_) => {
            by_packed(job, plan, readers, dst)
        }
        Plan::Chain(_)
        | Plan::Chunked { .. }
        | Plan::Blocks { .. }
        | Plan::Integers { .. }
        | Plan::Exact
        | Plan::Steps => false,
    }
}

/// Fills a product of single rows: panels would be one row in 16.
fn single_rows<D: Real>(
    job: &MatmulJob<'_>,
    in_f64: bool,
    [reader_a, reader_b]: &[Reader; 2],
    dst: &mut [D],
) {
    let (isa, depth) = (job.exec.isa(), job.shape.k);
    // Kept over the matrices of a batch.
    let (mut x, mut y) = (vec![0.0; depth], vec![0.0; depth]);
    for (matrix, to) in dst.iter_mut().enumerate() {
        let [line_a, line_b] = job.lines(matrix);
        reader_a.row(&job.a, line_a, &mut x);
        reader_b.row(&job.b, line_b, &mut y);
        let sum = if in_f64 {
            let mut sum = 0.0;
            dot_f64(isa, &x, &y, &mut sum);
            Sum::F64(sum)
        } else {
            let mut sum = 0.0;
            dot_f32(isa, &x, &y, &mut sum);
            Sum::F32(sum)
        };
        *to = job.finish.apply(matrix, sum);
    }
}

/// Fills a product of a few rows by a packed B.
fn by_packed<D: Real>(
    job: &MatmulJob<'_>,
    plan: &Plan,
    [reader_a, reader_b]: &[Reader; 2],
    dst: &mut [D],
) -> bool {
    let shape = job.shape;
    // With MR rows or more a whole tile uses a decoded panel, and tiles are faster.
    let Some(packed) = job.b.packed().filter(|_| shape.m < MR && shape.k > 0) else { return false };
    let block_k = plan.block_k().unwrap_or(job.b.block_k()).min(shape.k);
    let Some(path) = GemvPath::of(job, packed, plan, reader_b, block_k) else { return false };
    let tiles = tiles(job, reader_a, None, plan.block_k());
    let rows_of_a: Vec<Vec<Rows>> =
        tiles.iter().map(|tiles| path.rows(job.exec.isa(), tiles)).collect();
    let panels = shape.n.div_ceil(NR);
    // Each piece has its columns of all rows, so that threads write to disjoint slices.
    let mut pieces = Vec::new();
    for (matrix, of_matrix) in dst.chunks_mut(shape.m * shape.n).enumerate() {
        let first = pieces.len();
        pieces.extend(
            (0..panels.div_ceil(PANELS)).map(|piece| (matrix, piece, Vec::with_capacity(shape.m))),
        );
        for row in of_matrix.chunks_mut(shape.n) {
            pieces[first..]
                .iter_mut()
                .zip(row.chunks_mut(PANELS * NR))
                .for_each(|((.., rows), columns)| rows.push(columns));
        }
    }
    let takes = job.model.takes();
    job.exec.each(pieces, |(matrix, piece, mut rows)| {
        let [of_a, of_b] = job.matrices(matrix);
        // Beyond the last panel it stands in, and its sums are not kept.
        let four: [&Panel; PANELS] = core::array::from_fn(|index| {
            packed.panel(of_b, (piece * PANELS + index).min(panels - 1))
        });
        let made: [Option<Vec<Lanes<f32>>>; PANELS] = four.map(|panel| {
            // The panel's scales as they are; otherwise copies cut to the blocks of the sum, 1
            // without scales.
            let own = block_k == panel.block_k && panel.scales.len() > 0;
            (!own).then(|| panel.scales_by(block_k, shape.k).into_owned())
        });
        let four = core::array::from_fn(|index| {
            let panel = four[index];
            let factors = match (&panel.restore, &made[index]) {
                // Values are elements times factors, which have the tensor scale in them; elements
                // have scales alone.
                (PanelRestore::Factors(_, factors), _) if takes == Takes::Values => {
                    BlockFactors::F32(factors)
                }
                (_, Some(made)) => BlockFactors::F32(made),
                _ => panel.scales.view(),
            };
            GemvPanel { codes: panel.data.codes(), factors }
        });
        for Rows { tile, a_i8x4 } in &rows_of_a[of_a] {
            // The sums of up to 8 rows in 4 panels; a micro-kernel keeps those that it works on in
            // registers, over all of K.
            let mut sums = [[[0.0; NR]; PANELS]; GEMV_MR];
            let sums = &mut sums[..tile.mr()];
            match &path {
                GemvPath::Int8 { int8, paired } => {
                    let a = AInt8 {
                        words: &a_i8x4.words,
                        compensation: &a_i8x4.compensation,
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
            for (row, sums) in tile.rows.clone().zip(sums) {
                let index = (matrix * shape.m + row) * shape.n + piece * PANELS * NR;
                // The last piece has fewer than 64 columns.
                let columns = &mut rows[row];
                job.finish.apply_f32s(index, &sums.as_flattened()[..columns.len()], columns);
            }
        }
    });
    true
}

/// Rows of A that are worked on together; the words of their integers for dot products of bytes.
struct Rows {
    tile: TileA,
    a_i8x4: AInt8Words,
}

/// How the sums of a few rows are made.
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
        let numbers =
            numbers(job, packed, reader, block_k).filter(|kernel| job.shape.m <= kernel.max_rows());
        numbers.filter(|_| takes == Takes::Values || scales_fit()).map(Self::Numbers)
    }

    /// A matrix of A in rows that are worked on together.
    fn rows(&self, isa: Isa, tiles: &[TileA]) -> Vec<Rows> {
        // The number of rows whose sums fit in registers beside the codes of four panels.
        let together = match self {
            Self::Numbers(kernel) => kernel.height(),
            Self::Int8 { int8, .. } => int8.dots.height(),
        };
        let a_i8x4 = |tile: &TileA| match self {
            Self::Numbers(_) => AInt8Words::default(),
            Self::Int8 { int8, paired: true } => a_i8x4_of_pairs(int8, tile, isa),
            Self::Int8 { int8, paired: false } => a_i8x4_of_numbers(int8, tile, isa),
        };
        let split = |tile: &TileA| {
            if tile.mr() > together { tile.split(together) } else { vec![tile.clone()] }
        };
        tiles.iter().flat_map(split).map(|tile| Rows { a_i8x4: a_i8x4(&tile), tile }).collect()
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
