//! Sums block by block as dot products of bytes: the same bits as chains of f32, for elements whose partial sums f32 holds.

use super::Job;
use super::engine::Sums;
use super::left::Tile;
use super::packed::Panel;
use super::plan::{Sink, scales};
use super::read::Reader;
use crate::codec::Unpacked;
use crate::kernel::gemm::{LANES, Lanes, ROWS};
use crate::kernel::{Dots, Quad, Right, SmallIntegers};
use alloc::vec::Vec;

/// The formats of both sides and the instructions.
#[derive(Debug)]
pub(super) struct DotPlan {
    dots: Dots,
    run: usize,
    left: SmallIntegers,
    right: SmallIntegers,
}

impl DotPlan {
    /// For a machine, formats and scales that allow it.
    pub(super) fn of(job: &Job<'_>, run: usize, wide: bool) -> Option<Self> {
        let dots = Dots::new(job.exec.isa())?;
        let integers = |side: &super::Operand<'_>| {
            let offset = side.spec().is_some_and(|spec| spec.offset_bytes() > 0);
            side.element().filter(|_| !offset).and_then(SmallIntegers::lower)
        };
        let (left, right) = (integers(&job.a)?, integers(&job.b)?);
        let largest = u64::from(left.largest) * u64::from(right.largest) * run.min(job.shape.depth) as u64;
        // The right side's scales take up the units of both.
        let exponent = left.exponent + right.exponent;
        let (mine, theirs) = (job.a.scale_range(), job.b.scale_range().shifted(exponent));
        let scales_fit = if wide { exponent == 0 } else { theirs.is_f32() && mine.times(theirs).is_f32() };
        (largest <= 1 << 24 && scales_fit).then_some(Self { dots, run, left, right })
    }

    /// Makes a tile's words.
    pub(super) fn prepare(&self, tile: &mut Tile) {
        tile.make_quads(self.run, self.left.exponent);
    }

    /// Makes the sums of some tiles in the columns of a panel.
    pub(super) fn run(&self, job: &Job<'_>, reader: &Reader, tiles: &[Tile], panel: &Panel, sink: &mut Sink<'_>) {
        let depth = job.shape.depth;
        let (mut scratch, mut quads, mut excess): (_, Vec<Quad>, Vec<Lanes<i32>>) = (Vec::new(), Vec::new(), Vec::new());
        let codes = &reader.codes(panel, &mut scratch)[..depth];
        self.dots.quads(&self.right, codes, self.run, &mut quads, &mut excess);
        let unit = Unpacked::new(false, 1, self.left.exponent + self.right.exponent).to_f32();
        let scales: Vec<Lanes<f32>> = scales(panel, self.run, depth).iter().map(|lanes| lanes.map(|scale| scale * unit)).collect();
        let right = Right { run: self.run.div_ceil(4), quads: &quads, excess: &excess, scales: &scales };
        for tile in tiles {
            let mut sums = [[0.0; LANES]; ROWS];
            self.dots.chain(tile.rows.len(), &tile.quads, &tile.scales, &right, &mut sums);
            tile.rows.clone().zip(&sums).for_each(|(row, sums)| sink(row, Sums::Singles(sums)));
        }
    }
}
