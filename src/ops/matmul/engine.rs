//! The fast path: tiles of 16 rows of A by panels of 16 rows of B, by kernels. Every sum takes its
//! products in the order of the model, so it has the model's bits.
//!
//! ```text
//! pack A                                  all of it, once
//! for a unit of MC rows, NC columns       units on all threads
//!     pack B                              the unit's panels, unless B is packed
//!     the loops of `Work`
//! ```

use super::job::MatmulJob;
use super::pack_a::pack_a;
use super::pack_b::Packer;
use super::plan::Plan;
use super::read::Reader;
use super::run::{gemv, run_plan};
use super::scratch::WorkScratch;
use super::unit::{Unit, UnitOutput, each_unit, units};
use super::work::Work;
use super::workspace::ProductMemory;
use crate::ops::numbers::NumbersMut;
use crate::ops::par::one_of;

/// Fills the product.
pub(super) fn run(job: &MatmulJob<'_>, mut dst: NumbersMut<'_>, memory: &mut ProductMemory) {
    memory.threads.iter_mut().for_each(|scratch| scratch.steps.count = 0);
    // Shapes without elements may have more rows than memory; no plan is made for them.
    if dst.is_empty() {
        return;
    }
    let (isa, takes) = (job.exec.isa(), job.model.takes());
    let readers = [&job.a, &job.b].map(|operand| Reader::new(operand, isa, takes));
    // One plan for the whole product: the bits of scales and the depth decide which arithmetic is
    // exact.
    let plan = Plan::new(job);
    // Tiles would be nearly empty: a product of few rows is bound by reading B.
    if gemv::run(job, &plan, &readers, &mut dst, memory) {
        return;
    }
    let [reader_a, reader] = &readers;
    let ProductMemory { tiles: a, threads, .. } = memory;
    let slicing = pack_a(job, reader_a, &plan, a, threads);
    let packer = Packer::new(job.b, isa, takes);
    let work = |scratch: &mut WorkScratch, mut unit: Unit<'_>| {
        let (tiles, columns) = (unit.tiles(job, a), unit.columns(job, &packer));
        let columns = columns.as_slice();
        let slicing = slicing.as_ref();
        let work = Work { job, reader, matrix: unit.matrix, tiles, slicing, columns };
        run_plan(&plan, &work, scratch, &mut UnitOutput { job, columns, unit: &mut unit });
    };
    if job.exec.uses_threads() {
        // A thread keeps its `WorkScratch` over all its units, so memory is touched once.
        job.exec.each_with(units(job, dst).into_iter(), threads, work);
    } else {
        let scratch = one_of(threads);
        each_unit(job, dst, |unit| work(scratch, unit));
    }
}
