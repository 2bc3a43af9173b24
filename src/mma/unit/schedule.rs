//! [`KSchedule`]: how a program takes a unit through K; and the model of both for products.

use super::spec::{MmaSpec, UnitAcc};
use super::step::StepGroup;
use crate::bits::fma_f32;
use crate::error::Error;
use crate::mma::accumulate::{Accumulate, GroupLen, Products, Sum, Takes};
use crate::spec::FormatSpec;
use alloc::vec::Vec;

/// How the partial sums of a matrix unit become one sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Combine {
    /// `acc = acc + part`, rounded to f32: CUTLASS's slow accumulation of FP8, and the sum of a
    /// split K.
    Add,
    /// `acc = fma(s_a · s_b, part, acc)`, the product of the scales rounded to f32: `DeepGEMM`'s
    /// blocks of 128. The scales are those of the blocks that the part is in, 1 without any.
    FmaOfScales,
    /// `acc = fma(part · s_b, s_a, acc)`, the product rounded to f32: a variant of `DeepGEMM`.
    FmaOfPart,
}

/// How a program takes a matrix unit through K. It belongs to the program, not to the hardware:
/// libraries split K, and move partial sums out of an accumulator of few bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KSchedule {
    /// One chain over all of K; C is the first accumulator.
    InOrder,
    /// Partial sums of `every` products (and to the end of a block that the unit does not scale by
    /// itself), each from zero; an f32 takes them up, from zero. C is added to the finished sum.
    #[non_exhaustive]
    Promoted {
        /// Products of a partial sum, a multiple of the unit's step.
        every: usize,
        /// What takes up the partial sums.
        combine: Combine,
    },
}

impl KSchedule {
    /// CUTLASS's accumulation of FP8 on Hopper without `fast_accum`: every 128 products the sum is
    /// added to an f32.
    pub const CUTLASS_FP8: Self = Self::promoted(128, Combine::Add);
    /// `DeepGEMM`'s accumulation of FP8 with scales for each 128 products.
    pub const DEEP_GEMM_FP8: Self = Self::promoted(128, Combine::FmaOfScales);

    /// Partial sums of `every` products, taken up by an f32.
    #[must_use]
    pub const fn promoted(every: usize, combine: Combine) -> Self {
        Self::Promoted { every, combine }
    }

    /// K in parts of `k` products, whose sums are added in f32, the first part's first.
    #[must_use]
    pub const fn split_k(k: usize) -> Self {
        Self::promoted(k, Combine::Add)
    }

    /// Refuses partial sums that end inside a step of a unit, and promotion of integers.
    pub(crate) const fn validate(&self, unit: &MmaSpec) -> Result<(), Error> {
        let Self::Promoted { every, .. } = self else { return Ok(()) };
        if matches!(unit.acc(), UnitAcc::I32) {
            return Err(Error::Scheme {
                what: "schedule of a matrix unit",
                expected: "InOrder for integers, which lose nothing",
            });
        }
        if *every == 0 || !every.is_multiple_of(unit.step_len()) {
            return Err(Error::Scheme {
                what: "schedule of a matrix unit",
                expected: "partial sums of whole steps of the unit",
            });
        }
        Ok(())
    }

    /// Whether scales that the unit does not apply have a place.
    pub(crate) const fn applies_scales(&self) -> bool {
        matches!(self, Self::Promoted { combine: Combine::FmaOfScales | Combine::FmaOfPart, .. })
    }
}

/// The model of a unit under a schedule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnitSum {
    pub(crate) unit: MmaSpec,
    pub(crate) schedule: KSchedule,
}

/// What a unit's sum keeps from one group to the next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum UnitState {
    /// The accumulator's code.
    Code(u32),
    /// The f32 that takes up partial sums.
    Promoted(f32),
}

impl UnitSum {
    /// The products of a group on the unit, from an accumulator on.
    fn chain(&self, group: &Products<'_>, c: u32) -> u32 {
        let mut scales = Vec::new();
        if self.unit.scales().parts().is_some() {
            let blocks = group.groups(GroupLen::Block);
            // Scales have no sign: the bit that UE4M3 has in its place is not looked at.
            blocks.for_each(|block| {
                let of_block = block.scales().map(f32::abs);
                scales.resize(scales.len() + block.a.len(), of_block);
            });
        }
        let tf32 = [self.unit.a(), self.unit.b()].map(|format| *format == FormatSpec::TF32);
        if tf32 == [false; 2] {
            return self.unit.chain(&StepGroup { a: group.a, b: group.b, scales: &scales }, c);
        }
        // Hardware does not look at the low bits of an f32 that it takes as TF32.
        let cut = |numbers: &[f32], tf32: bool| -> Vec<f32> {
            let mask = if tf32 { !0x1FFF } else { !0 };
            numbers.iter().map(|x| f32::from_bits(x.to_bits() & mask)).collect()
        };
        let (a, b) = (cut(group.a, tf32[0]), cut(group.b, tf32[1]));
        self.unit.chain(&StepGroup { a: &a, b: &b, scales: &scales }, c)
    }

    /// `acc` with a partial sum in it.
    pub(crate) fn combined(combine: Combine, acc: f32, part: f32, [a, b]: [f32; 2]) -> f32 {
        match combine {
            Combine::Add => acc + part,
            Combine::FmaOfScales => fma_f32(a * b, part, acc),
            Combine::FmaOfPart => fma_f32(part * b, a, acc),
        }
    }

    /// The f32 that a code of the accumulator stands for.
    fn f32_of(&self, code: u32) -> f32 {
        self.unit.value(code).to_f32()
    }
}

impl Accumulate for UnitSum {
    type State = UnitState;

    fn takes(&self) -> Takes {
        Takes::Elements
    }

    fn group_len(&self) -> GroupLen {
        GroupLen::Products(match self.schedule {
            KSchedule::InOrder => self.unit.step_len(),
            KSchedule::Promoted { every, .. } => every,
        })
    }

    fn start(&self) -> UnitState {
        match self.schedule {
            KSchedule::InOrder => UnitState::Code(0),
            KSchedule::Promoted { .. } => UnitState::Promoted(0.0),
        }
    }

    fn start_with(&self, c: f32) -> Option<UnitState> {
        // An integer C would have to be an integer; promoted sums have no place for C.
        let takes_c = self.schedule == KSchedule::InOrder && self.unit.acc() != UnitAcc::I32;
        takes_c.then(|| {
            let c = crate::codec::Unpacked::from_f32(c);
            UnitState::Code(self.unit.code((!c.is_nan()).then_some(c)))
        })
    }

    fn step(&self, state: &mut UnitState, group: &Products<'_>) {
        match (state, self.schedule) {
            (UnitState::Promoted(acc), KSchedule::Promoted { combine, .. }) => {
                let own_scales = self.unit.scales().parts().is_some();
                let parts = if own_scales || !self.schedule.applies_scales() {
                    // The unit has seen the scales, or there are none.
                    GroupLen::Products(usize::MAX)
                } else {
                    GroupLen::Block
                };
                for part in group.groups(parts) {
                    let scales = if own_scales { [1.0; 2] } else { part.scales() };
                    let sum = self.f32_of(self.chain(&part, 0));
                    *acc = Self::combined(combine, *acc, sum, scales);
                }
            }
            (UnitState::Code(acc), _) => *acc = self.chain(group, *acc),
            (UnitState::Promoted(_), KSchedule::InOrder) => {}
        }
    }

    fn finish(&self, state: UnitState) -> Sum {
        match (state, self.unit.acc()) {
            (UnitState::Promoted(acc), _) => Sum::F32(acc),
            (UnitState::Code(code), UnitAcc::I32) => Sum::F64((code as i32).into()),
            (UnitState::Code(code), _) => Sum::F32(self.f32_of(code)),
        }
    }
}
