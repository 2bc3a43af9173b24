//! Matrix units of every kind.

use crate::Choices;
use subhalf::{
    Adder, Error, FormatSpec, InputFlush, IntegerAdder, Join, KOrder, MmaSpec, ResultFlush, Round,
    RoundedOrder, ScaleUse, UnitAcc, UnitScales, unit as known,
};

fn float(choices: &mut Choices<'_>) -> FormatSpec {
    use FormatSpec as F;
    choices.one_of(&[
        F::F8E4M3,
        F::F8E5M2,
        F::F16,
        F::BF16,
        F::TF32,
        F::F6E2M3,
        F::F6E3M2,
        F::F4E2M1,
        F::F8E4M3FNUZ,
        F::F8E5M2FNUZ,
        F::F8E3M4,
        F::UE4M3,
        F::F4E0M3,
    ])
}

fn integer(choices: &mut Choices<'_>) -> FormatSpec {
    use FormatSpec as F;
    choices.one_of(&[F::INT8, F::UINT8, F::INT4, F::UINT4, F::INT5, F::UINT1])
}

/// A unit of a known machine, such a unit with parts changed, or any; parts that contradict each
/// other are refused.
pub fn unit(choices: &mut Choices<'_>) -> Result<MmaSpec, Error> {
    match choices.below(8) {
        0..=2 => {
            let units: Vec<_> = known::all().collect();
            let unit = choices.one_of(&units);
            let (a, b) = (choices.one_of(unit.inputs), choices.one_of(unit.inputs));
            let spec = unit.spec(a, b)?;
            if choices.one_in(2) { changed(choices, spec) } else { Ok(spec) }
        }
        3 => {
            let adder = choices.one_of(&[
                IntegerAdder::Wrap,
                IntegerAdder::Saturate,
                IntegerAdder::SaturatedPairs,
            ]);
            let unit = MmaSpec::integer(integer(choices), integer(choices), adder);
            unit.fan_in(choices.one_of(&[4, 2, 8, 16, 32, 64])).build()
        }
        4 => {
            let order = choices.one_of(&[
                RoundedOrder::OddFirst,
                RoundedOrder::TwoLanes,
                RoundedOrder::Tree,
                RoundedOrder::Chain,
            ]);
            let rounds = [Round::NearestEven, Round::TowardZero, Round::Up, Round::ToOdd];
            MmaSpec::rounded(float(choices), float(choices), order)
                .fan_in(choices.one_of(&[2, 4, 8, 16]))
                .round(choices.one_of(&rounds), 23)
                .flush_inputs(choices.one_of(&[
                    InputFlush::Keep,
                    InputFlush::BelowF32,
                    InputFlush::OwnFormat,
                ]))
                .flush_results(choices.one_of(&[
                    ResultFlush::Keep,
                    ResultFlush::Subnormal,
                    ResultFlush::Tiny,
                ]))
                .build()
        }
        _ => fused(choices),
    }
}

fn fused(choices: &mut Choices<'_>) -> Result<MmaSpec, Error> {
    let keep = 1 + choices.below(40) as u8;
    let drop_below = choices.one_of(&[None, Some(24), Some(40), Some(0)]);
    let (adder, join) = match choices.below(8) {
        0..=2 => {
            (Adder::Aligned { keep }, choices.one_of(&[Join::Term, Join::Term, Join::Rounded]))
        }
        3 => (Adder::Aligned { keep }, Join::Floored { drop_below }),
        4 => (Adder::ToOdd { keep }, choices.one_of(&[Join::Term, Join::Rounded])),
        5 => (Adder::EvenOdd { keep }, Join::Floored { drop_below }),
        _ => (Adder::Exact, choices.one_of(&[Join::Term, Join::Rounded])),
    };
    let fan_in = choices.one_of(&[16, 4, 8, 32, 2, 1, 3, 64]);
    let mut unit = MmaSpec::fused(float(choices), float(choices))
        .fan_in(fan_in)
        .adder(adder)
        .join(join)
        .floor_exponent(choices.one_of(&[-133, -1000, -20, 0, -126]));
    if choices.one_in(4) {
        unit = unit.acc(UnitAcc::F16);
    } else {
        let bits = if choices.one_in(3) { 1 + choices.below(23) as u8 } else { 23 };
        unit = unit.round(choices.one_of(&Round::DETERMINISTIC), bits);
    }
    if choices.one_in(6) {
        unit = unit.shift(choices.below(128) as i8 - 64);
    }
    if choices.one_in(6) {
        unit = unit.late_c(fan_in * choices.one_of(&[1, 2, 4]));
    } else if choices.one_in(8) {
        unit = unit.late_c(2 * fan_in).order(KOrder::PairsOfFour);
    }
    if choices.one_in(4) {
        let block = choices.one_of(&[16, 32]);
        let at = choices.one_of(&[ScaleUse::Product, ScaleUse::Sixteen]);
        let scales = [UnitScales::E8M0 { block, at }, UnitScales::UE4M3 { block, at }];
        let narrow = [FormatSpec::F4E2M1, FormatSpec::F8E4M3, FormatSpec::F6E2M3];
        let sixteen = matches!(at, ScaleUse::Sixteen);
        let mut side = || if sixteen { narrow[0] } else { choices.one_of(&narrow) };
        unit = unit.formats(side(), side()).scales(choices.one_of(&scales)).shift(0);
        if !matches!(adder, Adder::Aligned { .. }) {
            unit = unit.adder(Adder::Exact).join(Join::Term);
        }
        unit = unit.fan_in(choices.one_of(&[32, 16, 64]));
    }
    unit.build()
}

/// A known unit with one part changed.
fn changed(choices: &mut Choices<'_>, spec: MmaSpec) -> Result<MmaSpec, Error> {
    let builder = spec.to_builder();
    let builder = match choices.below(7) {
        0 => builder.fan_in(choices.one_of(&[16, 8, 4, 32])),
        1 if spec.keep().is_some() => builder.keep(1 + choices.below(40) as u8),
        2 => builder.floor_exponent(choices.one_of(&[-133, -1000, 0])),
        3 if spec.acc() == UnitAcc::F32 && spec.keep().is_some() => {
            let bits = 1 + choices.below(23) as u8;
            builder.round(choices.one_of(&Round::DETERMINISTIC), bits)
        }
        4 => builder.late_c(spec.fan_in() as u16 * choices.one_of(&[1, 2])),
        5 => builder.shift(choices.below(16) as i8 - 8),
        _ => builder.nan(choices.one_of(&[0x7FC0_0000, 0xFFFF_FFFF, 0x7FFF])),
    };
    builder.build()
}
