//! Valid schemes put together at random, from a seed: what users may write.

use std::format;
use std::string::String;
use std::vec::Vec;

use subhalf::{
    BlockSpec, CustomRule, Division, ElementRounding, Extent, FormatSpec, Metric, Offset, Ratio,
    Round, ScaleRule, Search, Table, TensorScale, philox4x32_10, preset,
};

/// Random choices by a counter, so that schemes are the same on every machine.
struct Choices(u32);

impl Choices {
    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        self.0 += 1;
        let [word, ..] = philox4x32_10([self.0, 0, 0, 0], [2026, 22]);
        from[word as usize % from.len()]
    }
}

/// The first valid schemes of the generator, with names that say what they are.
pub(crate) fn specs(count: usize) -> Vec<(String, BlockSpec)> {
    let mut choices = Choices(0);
    let mut found = Vec::new();
    while found.len() < count {
        let spec = spec(&mut choices);
        if spec.validate().is_ok() {
            let scale = spec.scale.as_ref().map_or("nothing", |scale| scale.name());
            let candidates = spec
                .search
                .map_or(String::new(), |search| format!(", search of {}", search.factors.len()));
            let (element, index) = (spec.element.name(), found.len());
            let parts = format!(
                "{element} under {scale}, {:?}, {:?}, {:?}, {:?}{candidates}",
                spec.rule, spec.division, spec.element_rounding, spec.extent
            );
            found.push((format!("random {index}: {parts}"), spec));
        }
    }
    found
}

fn spec(choices: &mut Choices) -> BlockSpec {
    use FormatSpec as F;
    let element = choices.pick(&[
        F::F8E4M3,
        F::F8E5M2,
        F::F6E2M3,
        F::F6E3M2,
        F::F4E2M1,
        F::INT8,
        F::INT5,
        F::INT4,
        F::UINT4,
        F::HIF8,
        F::NF4,
        F::POSIT8,
        F::BNBDYNAMIC8,
        preset::microxcaling::INT8,
    ]);
    let scale = choices.pick(&[F::E8M0, F::E8M0, F::F32, F::F16, F::BF16, F::UE4M3]);
    let target = choices.pick(&[448.0f32, 6.0, 127.0, 1.0]);
    let ratio = choices.pick(&[Ratio::Divide, Ratio::Multiply, Ratio::DivideTwice]);
    let rule = choices.pick(&[
        ScaleRule::Floor,
        ScaleRule::RoundUp,
        ScaleRule::Even { mantissa_bits: 1 },
        ScaleRule::Log2Floor,
        ScaleRule::Log2Ceil { target },
        ScaleRule::Amax { target, ratio },
        ScaleRule::Amax { target, ratio: Ratio::Divide },
        ScaleRule::SignedMax { target: -target },
        ScaleRule::Range { steps: 15.0, with_zero: true },
        ScaleRule::Range { steps: 15.0, with_zero: false },
        ScaleRule::Custom(CustomRule::of_amax(|amax| amax / 5.5)),
    ]);
    let extent = choices.pick(&[
        Extent::Block { rows: 1, cols: 16 },
        Extent::MX,
        Extent::BLOCK_1X128,
        Extent::TILE_16X16,
        Extent::Row,
        Extent::Flat(64),
        Extent::Column,
    ]);
    let offset = match rule {
        ScaleRule::Range { with_zero: true, .. } => {
            choices.pick(&[Offset::None, Offset::ZeroPoint])
        }
        ScaleRule::Range { .. } => Offset::Minimum(F::F16),
        _ => Offset::None,
    };
    let round = choices.pick(&[
        Round::NearestEven,
        Round::NearestEven,
        Round::NearestAway,
        Round::TowardZero,
        Round::Up,
    ]);
    let rounding = choices.pick(&[
        ElementRounding::Round,
        ElementRounding::Round,
        ElementRounding::Round,
        ElementRounding::AddHalfTruncate,
        ElementRounding::Microxcaling,
        ElementRounding::LeastError,
        ElementRounding::Midpoints,
    ]);
    let division = choices.pick(&[
        Division::Exact,
        Division::Divide,
        Division::Reciprocal,
        Division::UnroundedReciprocal,
    ]);
    let search = choices.pick(&[
        None,
        None,
        None,
        Some(Search::new(Table::of(&[1.0, 0.75, 1.5]), Metric::Mse)),
    ]);
    let tensor_scale = choices.pick(&[
        TensorScale::None,
        TensorScale::None,
        TensorScale::None,
        TensorScale::Multiplier { target: 2688.0 },
    ]);
    BlockSpec::new(element, Some(scale), extent, rule)
        .with_round(round)
        .with_element_rounding(rounding)
        .with_division(division)
        .with_offset(offset)
        .with_search(search)
        .with_tensor_scale(tensor_scale)
        .with_zero_block_scale(1.0)
}
