//! The sums of some work, one file for each kind of sum.

mod aligned;
mod blocks;
mod exact;
mod float;
pub(super) mod gemv;
mod int8;
mod steps;
mod words;

use super::plan::Plan;
use super::scratch::WorkScratch;
use super::sums::Sink;
use super::work::Work;

/// Makes the sums by a plan.
pub(super) fn run_plan(
    plan: &Plan,
    work: &Work<'_>,
    scratch: &mut WorkScratch,
    sink: &mut dyn Sink,
) {
    // Parameters go as references: a plan belongs to the product and is shared by all units.
    match plan {
        Plan::Chain(kernel) => float::chain(work, kernel, scratch, sink),
        Plan::Chunked { k, inner, outer } => {
            float::chunked(work, (*k, inner, outer), scratch, sink);
        }
        Plan::F32Blocks { block_k } => blocks::in_f32(work, *block_k, scratch, sink),
        Plan::Blocks { block_k, exponent, wide } => {
            blocks::by_steps(work, (*block_k, *exponent, *wide), scratch, sink);
        }
        Plan::Int8(int8) => int8::run(work, int8, scratch, sink),
        Plan::Integers { bits, exponent } => {
            exact::integers(work, (*bits, *exponent), scratch, sink);
        }
        Plan::Exact => exact::exact(work, scratch, sink),
        Plan::Aligned(unit) => aligned::run(work, unit, scratch, sink),
        Plan::Words(dots) => words::run(work, dots, scratch, sink),
        // The definition itself, with operands packed: stochastic roundings, saturating integers, C
        // in the sum.
        Plan::Steps => steps::run(work, scratch, sink),
    }
}
