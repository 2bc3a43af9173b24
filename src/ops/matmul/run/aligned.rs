//! Sums of matrix units by the aligned kernel.
//!
//! ```text
//! the loops of `Work`: chunks of K, pairs of panels, tiles of A
//!     once a pair       columns of both panels as numbers and ranks
//!     four rows         numbers and ranks, then the groups of the chunk for each panel
//! at the end            sums of rows and columns that the kernel marked, by the model's steps
//! ```
//!
//! Sums are f32s that the accumulator's format has, put back between chunks: an instruction ends
//! where a chunk does.

use crate::codec::Unpacked;
use crate::kernel::gemm::{
    AlignedResult, Lanes, MR, MicroTile, NR, ROWS, SIXTEEN, aligned_sums, fill_lanes, fill_rows,
    sixteen_sums,
};
use crate::mma::{Sum, UnitSum};
use crate::ops::matmul::scratch::{AlignedScratch, StepScratch, WorkScratch};
use crate::ops::matmul::sums::{Pair, Sink, hand_over_f32s};
use crate::ops::matmul::tile::TileA;
use crate::ops::matmul::unit_plan::{PlanScales, UnitPlan};
use crate::ops::matmul::work::{SumMemory, Work};
use crate::spec::FormatSpec;
use core::ops::Range;

/// All sums of some work.
pub(super) fn run(
    work: &Work<'_>,
    plan: &UnitPlan,
    scratch: &mut WorkScratch,
    sink: &mut dyn Sink,
) {
    let (depth, first) = (work.job.shape.k, work.tiles[0].rows.start);
    let (mut decoded, SumMemory { scales, sums, aligned, .. }) = work.decoded(scratch);
    let panels = decoded.panels;
    let scales = plan.block_k.map(|block_k| panels.scales_by(block_k, depth, scales));
    aligned.marked_a.clear();
    aligned.marked_a.resize(work.tiles.len(), [0; MR]);
    aligned.marked_b.clear();
    aligned.marked_b.resize(work.columns.len().next_multiple_of(2), [0; NR]);
    let whole = plan.whole_k();
    work.by_chunks(&mut decoded, 0..depth, whole, sums, |pair, tile, k, b, sums| {
        let index = (tile.rows.start - first) / MR;
        let of_panel =
            |panel: usize| scales.as_ref().map_or(&[][..], |scales| scales[2 * pair + panel]);
        let chunk = UnitChunk { work, plan, k, scales: [of_panel(0), of_panel(1 % b.len())] };
        if chunk.k.start == 0 {
            chunk.start(pair, tile, sums);
        }
        if index == 0 {
            chunk.columns(2 * pair, b, aligned);
        }
        for row in (0..tile.mr()).step_by(ROWS) {
            chunk.rows(tile, (index, row), aligned);
            for (panel, sums) in sums.iter_mut().enumerate().take(b.len()) {
                chunk.sums(tile, (row, panel), aligned, sums);
            }
        }
    });
    by_steps(work, scratch);
    let sums = &scratch.sums;
    hand_over_f32s(work.tiles, work.columns.len(), sums, sink);
}

/// A chunk of K for a pair of panels.
struct UnitChunk<'a> {
    work: &'a Work<'a>,
    plan: &'a UnitPlan,
    k: Range<usize>,
    /// The scales of both panels, block by block.
    scales: [&'a [Lanes<f32>]; 2],
}

/// The exponent of an E8M0 scale, `None` for NaN.
fn exponent_of(scale: f32) -> Option<i32> {
    // The smallest, 2^-127, is the one that is subnormal as an f32.
    let field = (scale.to_bits() >> 23 & 0xFF) as i32;
    (!scale.is_nan()).then_some(field - 127)
}

impl UnitChunk<'_> {
    /// Positions of the chunk, filled up with zeros to whole instructions.
    fn positions(&self) -> usize {
        self.k.len().next_multiple_of(self.plan.step_k)
    }

    /// Starts the sums of a tile with C, as the accumulator has it.
    fn start(&self, pair: usize, tile: &TileA, sums: &mut Pair<f32>) {
        self.work.start_with_c(pair, tile, sums, |c| match self.plan.unit.result {
            AlignedResult::NearestF16 => {
                let f16 = FormatSpec::F16;
                f16.decode_f32(f16.encode_f32(c))
            }
            // Groups may keep more bits of C than the result has.
            AlignedResult::CutF32(_) | AlignedResult::NearestF32 => c,
        });
    }

    /// Makes numbers and ranks of the columns of a pair of panels.
    fn columns(&self, panel: usize, b: &[&[Lanes<f32>]], scratch: &mut AlignedScratch) {
        let (isa, [_, format]) = (self.work.job.exec.isa(), self.plan.formats);
        for (i, b) in b.iter().enumerate() {
            let side = &mut scratch.b[i];
            side.clear(self.positions());
            fill_lanes(isa, b, format, self.plan.pairs_of_four, side);
            let marked = &mut scratch.marked_b[panel + i];
            marked.iter_mut().zip(side.marked()).for_each(|(all, marked)| *all |= marked);
            if let PlanScales::Sixteens { least } = self.plan.scales {
                let sixteens = &mut scratch.sixteens_b[i];
                sixteens.set(side, least, |group, lane| {
                    let scales = self.scales[i].get(self.block_of(group * SIXTEEN));
                    scales.map_or(1.0, |scales| scales[lane])
                });
                marked.iter_mut().zip(sixteens.marked()).for_each(|(all, mark)| *all |= mark);
            }
            if self.plan.scales == PlanScales::Moved {
                let ranks = &mut scratch.scales_b[i];
                ranks.clear();
                for group in self.groups() {
                    let scales = self.scales[i].get(group).copied().unwrap_or([1.0; NR]);
                    ranks.push(scales.map(|scale| exponent_of(scale).unwrap_or(0)));
                    marked
                        .iter_mut()
                        .zip(scales)
                        .for_each(|(all, scale)| *all |= u32::from(scale.is_nan()));
                }
            }
        }
    }

    /// The block of scales of each group of the chunk; that of a group without products, at the end
    /// of an instruction, may be beyond the last.
    fn groups(&self) -> impl Iterator<Item = usize> {
        let block_k = self.plan.block_k.unwrap_or(usize::MAX);
        let positions = self.k.start..self.k.start + self.positions();
        positions.step_by(self.plan.unit.fan_in).map(move |k| k / block_k)
    }

    /// The block of scales that a position of the chunk is in.
    fn block_of(&self, position: usize) -> usize {
        (self.k.start + position) / self.plan.block_k.unwrap_or(usize::MAX)
    }

    /// Makes numbers and ranks of four rows of a tile.
    fn rows(&self, tile: &TileA, (index, row): (usize, usize), scratch: &mut AlignedScratch) {
        let (isa, [format, _]) = (self.work.job.exec.isa(), self.plan.formats);
        let (side, mr) = (&mut scratch.a, tile.mr());
        side.clear(self.positions());
        fill_rows(isa, tile.at(self.k.clone()), mr, row, format, self.plan.pairs_of_four, side);
        let marked = &mut scratch.marked_a[index][row..row + ROWS];
        marked.iter_mut().zip(side.marked()).for_each(|(all, marked)| *all |= marked);
        if let PlanScales::Sixteens { least } = self.plan.scales {
            scratch.sixteens_a.set(side, least, |group, i| {
                let at = self.block_of(group * SIXTEEN) * mr + row + i;
                // Rows beyond the tile's height have no scales.
                if row + i < mr { tile.scales.get(at).copied().unwrap_or(1.0) } else { 1.0 }
            });
            let marks = scratch.sixteens_a.marked();
            marked.iter_mut().zip(marks).for_each(|(all, mark)| *all |= mark);
        }
        if self.plan.scales == PlanScales::Moved {
            scratch.scales_a.clear();
            for group in self.groups() {
                let scales = tile.scales.get(group * mr..(group + 1) * mr).unwrap_or_default();
                let scale = |i: usize| scales.get(row + i).copied().unwrap_or(1.0);
                scratch.scales_a.push(core::array::from_fn(|i| exponent_of(scale(i)).unwrap_or(0)));
                (0..ROWS).for_each(|i| marked[i] |= u32::from(scale(i).is_nan()));
            }
        }
    }

    /// Goes on with the sums of four rows in a panel.
    fn sums(
        &self,
        tile: &TileA,
        (row, panel): (usize, usize),
        scratch: &AlignedScratch,
        tile_sums: &mut MicroTile<f32>,
    ) {
        let (isa, unit) = (self.work.job.exec.isa(), &self.plan.unit);
        let moved = self.plan.scales == PlanScales::Moved;
        let scales = moved.then(|| (&scratch.scales_a[..], &scratch.scales_b[panel][..]));
        let (a, b) = (&scratch.a, &scratch.b[panel]);
        let of_groups = |range, sums: &mut [Lanes<f32>; ROWS]| {
            if let PlanScales::Sixteens { .. } = self.plan.scales {
                let a = (a, &scratch.sixteens_a);
                sixteen_sums(isa, unit, a, (b, &scratch.sixteens_b[panel]), range, sums);
            } else {
                aligned_sums(isa, unit, a, b, scales, range, sums);
            }
        };
        let sums: &mut [Lanes<f32>; ROWS] = match tile_sums[row..].first_chunk_mut() {
            Some(sums) => sums,
            None => return,
        };
        let groups = self.positions() / unit.fan_in;
        let Some((part, combine)) = self.plan.promoted else {
            of_groups(0..groups, sums);
            return;
        };
        // A part's groups, of whole instructions; the last part of K may be shorter than the others.
        let of_part = part.min(self.positions()).next_multiple_of(self.plan.step_k) / unit.fan_in;
        for start in (0..groups).step_by(of_part) {
            let mut parts = [[0.0; NR]; ROWS];
            let range = start..(start + of_part).min(groups);
            of_groups(range, &mut parts);
            let block =
                self.plan.block_k.map(|block_k| (self.k.start + start * unit.fan_in) / block_k);
            let applied = block.filter(|_| self.plan.scales == PlanScales::None);
            let of_row = |i: usize| {
                let at = applied.map(|block| block * tile.mr() + row + i);
                at.and_then(|at| tile.scales.get(at)).copied().unwrap_or(1.0)
            };
            let lanes = applied.and_then(|block| self.scales[panel].get(block));
            let lanes = lanes.copied().unwrap_or([1.0; NR]);
            for (i, (sums, parts)) in sums.iter_mut().zip(&parts).enumerate() {
                for ((sum, part), lane) in sums.iter_mut().zip(parts).zip(lanes) {
                    *sum = UnitSum::combined(combine, *sum, *part, [of_row(i), lane]);
                }
            }
        }
    }
}

/// Makes the sums of marked rows and columns, and those that C starts with NaN.
fn by_steps(work: &Work<'_>, scratch: &mut WorkScratch) {
    let nan_c = work.job.c.is_some_and(|c| c.iter().any(|c| c.is_nan()));
    let AlignedScratch { marked_a, marked_b, .. } = &scratch.aligned;
    let any = |marked: &[[u32; 16]]| marked.as_flattened().iter().any(|mark| *mark != 0);
    if !nan_c && !any(marked_a) && !any(marked_b) {
        return;
    }
    let marked_a = core::mem::take(&mut scratch.aligned.marked_a);
    let marked_b = core::mem::take(&mut scratch.aligned.marked_b);
    let mut sums = core::mem::take(&mut scratch.sums);
    let job = work.job;
    work.each_panel(scratch, |index, _, numbers, memory| {
        let StepScratch { a, b, blocks, count, .. } = &mut *memory.steps;
        let columns = &work.columns[index];
        for lane in 0..columns.rows {
            b.clear();
            for (number, tile) in work.tiles.iter().enumerate() {
                for (i, row) in tile.rows.clone().enumerate() {
                    let place = (work.matrix, row, columns.first + lane);
                    let at = (work.matrix * job.shape.m + row) * job.shape.n + place.2;
                    let nan = nan_c && job.c.is_some_and(|c| c[at].is_nan());
                    if !nan && marked_a[number][i] == 0 && marked_b[index][lane] == 0 {
                        continue;
                    }
                    if b.is_empty() {
                        b.extend(numbers.iter().map(|numbers| numbers[lane]));
                    }
                    tile.row(row, a);
                    *count += 1;
                    let sum: &mut Pair<f32> = &mut sums[index / 2 * work.tiles.len() + number];
                    sum[index % 2][i][lane] = match job.sum(place, a, b, blocks) {
                        Sum::F32(sum) => sum,
                        // Units that align have f32 sums.
                        Sum::F64(sum) => Unpacked::from_f64(sum).to_f32(),
                        Sum::Exact(sum) => sum.value().to_f32(),
                    };
                }
            }
        }
    });
    (scratch.aligned.marked_a, scratch.aligned.marked_b) = (marked_a, marked_b);
    scratch.sums = sums;
}
