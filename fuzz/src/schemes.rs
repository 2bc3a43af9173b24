//! Block-scaled schemes of every kind, most of which do not contradict themselves, and what a
//! caller may give beside the numbers.

use crate::{Choices, convert, format};
use subhalf::{
    BlockSpec, Codebooks, CustomRule, Dequantization, Division, ElementRounding, Encoding, Error,
    Extent, FormatSpec, IntSpec, Metric, Nonfinite, Offset, Overflow, Ratio, Round, ScaleRule,
    ScaleSigns, Search, SubScale, Table, TensorScale, ZeroMinimum, ZeroSign, preset,
};

const RULES: [CustomRule; 3] = [
    CustomRule::of_amax(|amax| (amax * 0.3).min(1e30)),
    CustomRule::new(|stats| (stats.max - stats.min) / 12.0),
    CustomRule::with_elements(|stats| stats.magnitude_quantile(0.9) / 6.0),
];

fn unsigned(bits: u8) -> FormatSpec {
    let layout = IntSpec { signed: false, bits, fraction_bits: 0, symmetric: false };
    FormatSpec::new("unsigned", Encoding::Int(layout)).expect("1 to 8 bits")
}

fn element(choices: &mut Choices<'_>) -> Result<FormatSpec, Error> {
    use FormatSpec as F;
    let usual = [
        F::F8E4M3,
        F::F8E5M2,
        F::F6E2M3,
        F::F6E3M2,
        F::F4E2M1,
        F::INT8,
        F::INT4,
        F::INT5,
        F::UINT4,
        F::UINT8,
        F::HIF8,
        F::NF4,
        F::BNBFP4,
        F::BNBDYNAMIC8,
        F::MXINT8,
        F::MXINT8SYM,
        F::POSIT8,
        F::BF16,
        F::F16,
        preset::microxcaling::INT4,
    ];
    let element = if choices.one_in(3) { format(choices)? } else { choices.one_of(&usual) };
    // No scheme has wider ones.
    Ok(if element.bits() <= 16 { element } else { F::F4E2M1 })
}

fn extent(choices: &mut Choices<'_>) -> Extent {
    let axis = |choices: &mut Choices<'_>| 1 + choices.below(9) as u32;
    match choices.below(9) {
        0 => Extent::MX,
        1 => Extent::NVFP4,
        2 => Extent::Block { rows: 1, cols: 1 + choices.below(70) as u32 },
        3 => Extent::Block { rows: axis(choices), cols: axis(choices) },
        4 => Extent::Flat(1 + choices.below(70) as u32),
        5 => Extent::Row,
        6 => Extent::Column,
        7 => Extent::Tensor,
        _ => choices.one_of(&[Extent::BLOCK_1X128, Extent::TILE_16X16, Extent::TILE_128X128]),
    }
}

/// A positive target: one that programs have, or any.
fn target(choices: &mut Choices<'_>) -> f32 {
    if choices.one_in(4) {
        let x = f32::from_bits(choices.u64() as u32 & 0x7FFF_FFFF);
        return if x > 0.0 && x.is_finite() { x } else { 3.3 };
    }
    choices.one_of(&[6.0, 448.0, 57344.0, 7.0, 7.5, 28.0, 1.0, 127.0, 15.0, 8.0])
}

fn tensor_scale(choices: &mut Choices<'_>) -> TensorScale {
    let target = choices.one_of(&[2688.0, 1536.0, 448.0, 1.0]);
    match choices.below(8) {
        5 => TensorScale::Multiplier { target },
        6 => TensorScale::Divisor { target },
        7 => TensorScale::Amax { target },
        _ => TensorScale::None,
    }
}

/// A scheme whose parts are chosen so that they go together; one in sixteen has a part more that
/// need not.
///
/// `plain` schemes have no sub-scales, scales for each sign or codebooks, which tensors are not
/// quantized to.
pub fn scheme(choices: &mut Choices<'_>, plain: bool) -> Result<BlockSpec, Error> {
    if choices.one_in(6) {
        let presets: Vec<_> = preset::all().collect();
        let spec = choices.one_of(&presets).spec;
        let same = choices.one_in(2);
        return Ok(if same { spec } else { spec.with_extent(extent(choices)) });
    }
    let mut spec = scaled(choices)?;
    let element_convert = convert(choices, &spec.element);
    if choices.one_in(2) && !fixed_rounding(&spec) {
        spec = spec.with_element_convert(element_convert);
    }
    spec = spec
        .with_zero_sign(choices.one_of(&[
            ZeroSign::Keep,
            ZeroSign::Plus,
            ZeroSign::MinusBelowZero,
            ZeroSign::MinusUnlessAbove,
        ]))
        .with_flush_below(choices.one_of(&[0.0, 0.0, 0.0, 1e-38, 1e-4, 0.7]));
    if !plain {
        spec = with_parts(choices, spec);
    }
    if choices.one_in(16) {
        spec = odd(choices, spec);
    }
    Ok(spec)
}

/// Whether the way elements are rounded leaves no choice of a policy.
fn fixed_rounding(spec: &BlockSpec) -> bool {
    !matches!(
        spec.element_rounding,
        ElementRounding::Round | ElementRounding::AddThenRound | ElementRounding::LeastError
    ) || matches!(spec.offset, Offset::ZeroPoint)
}

fn scaled(choices: &mut Choices<'_>) -> Result<BlockSpec, Error> {
    use FormatSpec as F;
    let extent = extent(choices);
    if choices.one_in(12) {
        let spec = BlockSpec::new(element(choices)?, None, extent, ScaleRule::Unit);
        return Ok(spec.with_element_rounding(element_rounding(choices, &spec.element)));
    }
    let usual =
        [F::E8M0, F::E8M0, F::F32, F::F16, F::BF16, F::UE4M3, F::F8E4M3, F::F8E5M2, F::UE5M3];
    let scale = if choices.one_in(8) { format(choices)? } else { choices.one_of(&usual) };
    let offset = match choices.below(6) {
        4 => Offset::ZeroPoint,
        5 => Offset::Minimum(choices.one_of(&[F::F16, F::F32, F::BF16, F::F8E4M3])),
        _ => Offset::None,
    };
    let tensor_scale = match offset {
        Offset::None => tensor_scale(choices),
        _ => TensorScale::None,
    };
    let divided = matches!(tensor_scale, TensorScale::Divisor { .. } | TensorScale::Amax { .. });
    let element = match offset {
        Offset::None => element(choices)?,
        Offset::ZeroPoint => choices.one_of(&[F::UINT4, F::UINT8, F::INT4, F::INT8, F::UINT2]),
        Offset::Minimum(_) => unsigned(1 + choices.below(10) as u8),
        _ => F::UINT4,
    };
    let target = target(choices);
    let rule = match (offset, tensor_scale) {
        (Offset::None, TensorScale::None) => match choices.below(14) {
            0 => ScaleRule::Floor,
            1 => ScaleRule::Ceil,
            2 => ScaleRule::RoundUp,
            3 => ScaleRule::Even { mantissa_bits: choices.below(23) as u8 },
            4 => ScaleRule::Nearest,
            5 => ScaleRule::Log2Floor,
            6 => ScaleRule::Log2Ceil { target },
            7 if scale.is_signed() => {
                ScaleRule::SignedMax { target: choices.one_of(&[-8.0, 8.0, -1.0, 127.0]) }
            }
            8 => ScaleRule::Fixed(target),
            9 => ScaleRule::Given,
            10 => ScaleRule::Custom(choices.one_of(&RULES)),
            _ => ScaleRule::Amax {
                target,
                ratio: choices.one_of(&[
                    Ratio::Divide,
                    Ratio::Multiply,
                    Ratio::DivideTwice,
                    Ratio::MultiplyQuotient,
                    Ratio::Inverse,
                ]),
            },
        },
        (Offset::None, _) => match choices.below(8) {
            5 => ScaleRule::Fixed(target),
            6 => ScaleRule::Given,
            7 => ScaleRule::Custom(choices.one_of(&RULES)),
            _ => {
                let ratios = if divided {
                    [Ratio::Multiply, Ratio::MultiplyQuotient]
                } else {
                    [Ratio::Divide, Ratio::DivideTwice]
                };
                ScaleRule::Amax { target, ratio: choices.one_of(&ratios) }
            }
        },
        _ if choices.one_in(8) => ScaleRule::Given,
        _ => {
            let with_zero = matches!(offset, Offset::ZeroPoint) || choices.one_in(2);
            ScaleRule::Range { steps: choices.one_of(&[15.0, 255.0, 3.0, target]), with_zero }
        }
    };
    let division = if divided {
        choices.one_of(&[
            Division::DivideQuotient,
            Division::InverseReciprocal,
            Division::ClampedReciprocal,
        ])
    } else {
        match choices.below(8) {
            0 if offset == Offset::None => Division::Exact,
            1 => Division::Reciprocal,
            2 => Division::TensorReciprocal,
            3 => Division::FlooredReciprocal,
            4 => Division::DivideIeee,
            5 if matches!(tensor_scale, TensorScale::None) => Division::UnroundedReciprocal,
            6 if matches!(tensor_scale, TensorScale::None) => choices.one_of(&[
                Division::DivideQuotient,
                Division::InverseReciprocal,
                Division::ClampedReciprocal,
            ]),
            _ => Division::Divide,
        }
    };
    let forms = match tensor_scale {
        TensorScale::Divisor { .. } => [Dequantization::Quotient; 2],
        TensorScale::Amax { .. } => [Dequantization::AmaxProduct, Dequantization::AmaxQuotient],
        _ => [Dequantization::Product, Dequantization::ProductPlusZero],
    };
    let rounding = match offset {
        Offset::ZeroPoint => {
            choices.one_of(&[ElementRounding::Round, ElementRounding::AddThenRound])
        }
        _ => element_rounding(choices, &element),
    };
    let spec = BlockSpec::new(element, Some(scale), extent, rule)
        .with_tensor_scale(tensor_scale)
        .with_offset(offset)
        .with_division(division)
        .with_dequantization(choices.one_of(&forms))
        .with_element_rounding(rounding)
        .with_zero_minimum(choices.one_of(&[ZeroMinimum::First, ZeroMinimum::NumpyAvx512]))
        .with_zero_block_scale(choices.one_of(&[0.0, 0.0, 1.0, -0.0, 0.5, 4.0]))
        .with_underflow_scale(choices.one_of(&[0.0, 0.0, 0.0, 0.002, 1.0]))
        .with_scale_bounds(match choices.below(5) {
            3 => (1e-3, 448.0),
            4 => (target.min(1.0), f32::INFINITY),
            _ => (0.0, f32::INFINITY),
        });
    let search =
        Search::new(factors(choices), choices.one_of(&[Metric::Mse, Metric::Mae, Metric::Max]));
    let spec = if choices.one_in(5) { spec.with_search(Some(search)) } else { spec };
    let nonfinite = [
        spec.nonfinite,
        Nonfinite::Count,
        Nonfinite::CountInfinity,
        Nonfinite::CountAsInfinity,
        Nonfinite::CountNanAsZero,
        Nonfinite::Erase,
        Nonfinite::Ignore,
    ];
    let spec = spec.with_nonfinite(choices.one_of(&nonfinite));
    Ok(spec.with_scale_convert(scale_convert(choices, &spec, &scale)))
}

fn scale_convert(
    choices: &mut Choices<'_>,
    spec: &BlockSpec,
    scale: &FormatSpec,
) -> subhalf::Convert {
    let any = convert(choices, scale);
    let drawn = matches!(any.round, Round::Stochastic { .. });
    if drawn || any.overflow == Overflow::Wrap || choices.one_in(2) {
        let rounds = [Round::NearestEven, Round::NearestAway, Round::Up, Round::TowardZero];
        return spec.scale_convert.with_round(choices.one_of(&rounds));
    }
    any
}

fn factors(choices: &mut Choices<'_>) -> Table<f32, 16> {
    match choices.below(5) {
        0 => Table::of(&[1.0]),
        1 => Table::of(&[1.0, 1.5, 0.75]),
        2 => Table::of(&[0.9, 1.0, 0.5, 2.0]),
        3 => Table::of(&[1.0, -1.0]),
        _ => Table::of(&[0.05, 1.0, 0.98, 0.96, 0.94, 0.92]),
    }
}

fn element_rounding(choices: &mut Choices<'_>, element: &FormatSpec) -> ElementRounding {
    let integer = matches!(element.encoding(), Encoding::Int(layout) if layout.fraction_bits == 0);
    let codebook = matches!(element.encoding(), Encoding::Codebook(_));
    match choices.below(12) {
        6 if integer => ElementRounding::AddThenRound,
        7 if integer => ElementRounding::AddHalfTruncate,
        8 => ElementRounding::Microxcaling,
        9 if element.bits() <= 8 => ElementRounding::LeastError,
        10 if codebook => ElementRounding::Midpoints,
        11 => ElementRounding::Steps(choices.one_of(&[255, 15, 1, 1 << 23])),
        _ => ElementRounding::Round,
    }
}

/// A scheme with parts of a tensor that quantizing does not make.
fn with_parts(choices: &mut Choices<'_>, mut spec: BlockSpec) -> BlockSpec {
    use FormatSpec as F;
    if spec.scale.is_some() && choices.one_in(3) {
        let format = choices.one_of(&[F::F16, F::F32, F::UE4M3, F::E8M0]);
        let blocks = choices.one_of(&[1, 2, 3, 8, u32::MAX]);
        spec = spec.with_sub_scale(Some(SubScale::new(format, blocks)));
    }
    if spec.scale.is_some() && spec.offset == Offset::None && choices.one_in(4) {
        spec = spec.with_scale_signs(ScaleSigns::PerSign);
    }
    if spec.element.bits() <= 8 && spec.offset != Offset::ZeroPoint && choices.one_in(4) {
        let format = choices.one_of(&[F::F32, F::F16, F::F8E4M3, F::INT8]);
        let flat = matches!(spec.extent, Extent::Flat(_));
        let row = !flat && choices.one_in(2);
        let books = if row { Codebooks::Row(format) } else { Codebooks::Tensor(format) };
        spec = spec.with_codebooks(books);
    }
    spec
}

/// A part that may contradict the others.
fn odd(choices: &mut Choices<'_>, spec: BlockSpec) -> BlockSpec {
    let any = f32::from_bits(choices.u64() as u32);
    match choices.below(10) {
        0 => spec.with_rule(ScaleRule::Fixed(any)),
        1 => spec.with_scale_bounds((any, f32::MAX)),
        2 => spec.with_zero_block_scale(any),
        3 => spec.with_flush_below(any),
        4 => spec.with_rule(ScaleRule::Amax { target: any, ratio: Ratio::Divide }),
        5 => spec.with_element_rounding(ElementRounding::Steps(choices.u64() as u32)),
        6 => spec.with_extent(Extent::Block { rows: choices.u64() as u32, cols: 1 }),
        7 => spec.with_nonfinite(Nonfinite::Poison),
        8 => spec.with_underflow_scale(any),
        _ => spec.with_tensor_scale(TensorScale::Multiplier { target: any }),
    }
}

/// What a caller gives beside the numbers; empty where it gives nothing.
#[derive(Debug, Default)]
pub struct Given {
    pub scales: Vec<f32>,
    pub offsets: Vec<f32>,
    pub factors: Vec<f32>,
    pub tensor_scale: Option<f32>,
}

/// Scales of so many blocks and what goes with them, for a scheme that asks for them or takes them.
pub fn quantizer_parts(choices: &mut Choices<'_>, spec: &BlockSpec, blocks: usize) -> Given {
    let mut given = Given::default();
    if spec.rule == ScaleRule::Given || choices.one_in(6) {
        let some = [0.25f32, 1.0, 0.011, 7.3, 3e4, 2f32.powi(-20)];
        given.scales = (0..blocks).map(|_| choices.one_of(&some)).collect();
        let (low, high) = (spec.element.min().to_f32(), spec.element.max().to_f32());
        given.offsets = match spec.offset {
            Offset::None => Vec::new(),
            Offset::ZeroPoint => (0..blocks)
                .map(|_| choices.one_of(&[low, high, ((low + high) / 2.0).trunc()]))
                .collect(),
            _ => (0..blocks).map(|_| choices.one_of(&[-1.5f32, 0.0, 0.1, -300.7])).collect(),
        };
    } else if spec.search.is_some() && choices.one_in(3) {
        given.factors = (0..1 + choices.below(20)).map(|i| 1.0 - i as f32 / 32.0).collect();
    }
    if spec.tensor_scale != TensorScale::None && choices.one_in(3) {
        given.tensor_scale = Some(choices.one_of(&[1.0, 0.37, 1e-6, 300.0, 1e30]));
    }
    given
}
