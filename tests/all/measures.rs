//! Measures of slices and tensors against the loop over elements that defines them, written out
//! here: every named format and preset, every instruction set, special values, ragged lengths.

use subhalf::{
    Accept, BlockSpec, Codebooks, Convert, Dither, Encoding, ErrorStats, Exec, Extent, Flags,
    FloatSpec, FormatSpec, Infinity, IntSpec, Isa, Negative, Nonfinite, Overflow, Parts, PositSpec,
    QuantTensor, QuantView, Quantizer, Round, ScaleRule, ScaleSigns, Sqnr, Stochastic, SubScale,
    SubnormalInputs, TensorStats, Zero, amax_scale, philox4x32_10, preset, storage_error,
};

/// Everything that statistics tell, floats as bits.
fn told(stats: &ErrorStats) -> ([u64; 7], [u64; 6], String) {
    let counts = [
        stats.count(),
        stats.measured(),
        stats.saturated(),
        stats.flushed(),
        stats.nan(),
        stats.nan_references(),
        stats.infinite_references(),
    ];
    let canonical = |x: f64| if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() };
    let sums = [
        stats.signal(),
        stats.noise(),
        stats.mean_abs_error(),
        stats.max_abs_error(),
        stats.mean_squared_error(),
        stats.cosine().unwrap_or(-7.0),
    ];
    (counts, sums.map(canonical), stats.sqnr_db().to_string())
}

/// Numbers of many magnitudes around 1 and, every few elements, what is special: zeros, NaNs,
/// infinities, subnormals, the largest numbers, ties.
fn tricky(count: usize, every: usize) -> Vec<f32> {
    const SPECIAL: [u32; 22] = [
        0,
        0x8000_0000,
        1,
        0x8000_0001,
        0x007F_FFFF,
        0x0080_0000,
        0x7F7F_FFFF,
        0xFF7F_FFFF,
        0x7F80_0000,
        0xFF80_0000,
        0x7FC0_0000,
        0xFFC0_0000,
        0x7F80_0001,
        0xFFFF_FFFF,
        0x43E8_0000,
        0xC3E8_0000,
        0x3F80_0000,
        0xBF80_0000,
        0x4220_0000,
        0x3A80_0000,
        0x2000_0000,
        0x5F00_0000,
    ];
    let number = |index: usize| {
        let [a, b, c, _] = philox4x32_10([index as u32, 0, 0, 0], [22, 0]);
        if every != 0 && (c as usize).is_multiple_of(every) {
            f32::from_bits(SPECIAL[b as usize % SPECIAL.len()])
        } else if b % 4 == 0 {
            // Few mantissa bits: ties, and numbers that formats have.
            f32::from_bits((a & 0x8078_0000) | (119 + b / 4 % 16) << 23)
        } else {
            f32::from_bits((a & 0x807F_FFFF) | (115 + b % 22) << 23)
        }
    };
    (0..count).map(number).collect()
}

/// The definition of `storage_error`.
fn storage_loop<T: Copy + Into<f64>>(
    spec: &FormatSpec,
    src: &[T],
    scale: f32,
    convert: &Convert,
    dither: Dither,
) -> ErrorStats {
    let mut stats = ErrorStats::new();
    let scale = f64::from(scale);
    for (index, x) in src.iter().enumerate() {
        let random = match convert.round {
            Round::Stochastic { bits, .. } => dither.word(index as u64, bits),
            _ => 0,
        };
        let x: f64 = (*x).into();
        let quotient = x / scale;
        let encoded = spec.encode_f64_with(quotient, convert, random);
        let left = x.is_finite() && quotient.is_infinite();
        let flags = if left { encoded.flags | Flags::OVERFLOW } else { encoded.flags };
        stats.push(x, spec.decode_f64(encoded.code) * scale, flags);
    }
    stats
}

fn assert_storage<T: Copy + Sync + Into<f64>>(
    spec: &FormatSpec,
    src: &[T],
    scale: f32,
    convert: &Convert,
    dither: Dither,
) {
    let expected = told(&storage_loop(spec, src, scale, convert, dither));
    for isa in Isa::available() {
        let exec = Exec::SERIAL.with_isa(isa);
        let found = told(&storage_error(spec, src, scale, convert, dither, exec).unwrap());
        assert_eq!(found, expected, "{spec} / {scale} {convert:?} {}", isa.name());
    }
    let found = storage_error(spec, src, scale, convert, dither, Exec::PARALLEL).unwrap();
    assert_eq!(told(&found), expected, "{spec} / {scale} {convert:?} threads");
}

/// Formats without a name that take other ways: wider than f32, without zero, on one side of zero,
/// integers and posits of any width.
fn unnamed() -> Vec<FormatSpec> {
    let float = |name, layout| FormatSpec::new(name, Encoding::Float(layout)).unwrap();
    let int = |name, signed, bits, fraction_bits, symmetric| {
        let layout = IntSpec { signed, bits, fraction_bits, symmetric };
        FormatSpec::new(name, Encoding::Int(layout)).unwrap()
    };
    let posit = |name, bits, exponent_bits| {
        FormatSpec::new(name, Encoding::Posit(PositSpec { bits, exponent_bits })).unwrap()
    };
    let codebook = |name, numbers: &[f32]| FormatSpec::codebook(name, numbers).unwrap();
    vec![
        FormatSpec::by_name("Binary8p3se").unwrap(),
        FormatSpec::by_name("Binary8p1uf").unwrap(),
        FormatSpec::by_name("Binary5p2sf").unwrap(),
        FormatSpec::by_name("Binary12p4se").unwrap(),
        float("far", FloatSpec { bias: 300, ..FloatSpec::finite(4, 3) }),
        float("near", FloatSpec { bias: -200, ..FloatSpec::ieee(4, 3) }),
        int("INT16", true, 16, 3, false),
        int("UINT12", false, 12, 0, false),
        int("INT32", true, 32, 20, true),
        posit("POSIT6", 6, 1),
        posit("POSIT16", 16, 2),
        codebook("no zero", &[-3.0, -0.75, 1.0, 2.5]),
        codebook("no minus", &[0.0, 0.25, 1.0, 0.25]),
        codebook("above", &[0.5, 1.0, 2.0]),
        codebook("double zero", &[-1.0, 0.0, -0.0, 0.3, -0.1, 0.7, 0.7]),
        codebook("wide", &[-16_777_215.0, 0.1, 0.0, 16_777_215.0, 3.0, -0.3]),
    ]
}

#[test]
fn storage_errors_are_those_of_the_loop_for_every_format() {
    let x = tricky(5000, 9);
    let doubles: Vec<f64> = x
        .iter()
        .enumerate()
        .map(|(i, x)| f64::from(*x) * (1.0 + f64::from(i as u32 % 5) * 2f64.powi(-40)))
        .chain([f64::MAX, -f64::MAX, f64::MIN_POSITIVE / 8.0, -5e-324, 464.0f64.next_down()])
        .collect();
    for spec in FormatSpec::ALL.iter().chain(&unnamed()) {
        let policy = spec.default_convert();
        for scale in [1.0, 0.0123, 3.0, 0.25] {
            assert_storage(spec, &x, scale, &policy, Dither::NONE);
        }
        assert_storage(spec, &doubles, 1.0, &policy, Dither::NONE);
        assert_storage(spec, &doubles, 0.7, &policy, Dither::NONE);
    }
}

#[test]
fn storage_errors_under_every_policy_and_scale() {
    let x = tricky(700, 5);
    let long = tricky(4500, 5);
    let roundings = [
        Round::NearestAway,
        Round::NearestTowardZero,
        Round::NearestUp,
        Round::TowardZero,
        Round::AwayFromZero,
        Round::Up,
        Round::Down,
        Round::ToOdd,
    ];
    let stochastic = [(Stochastic::A, 8), (Stochastic::B, 16), (Stochastic::C, 27)]
        .map(|(kind, bits)| Round::stochastic(kind, bits).unwrap());
    for spec in FormatSpec::ALL.iter().chain(&unnamed()) {
        let base = spec.default_convert();
        let mut policies: Vec<Convert> =
            roundings.iter().chain(&stochastic).map(|round| base.with_round(*round)).collect();
        policies.extend([
            Convert::IEEE,
            Convert::ML_DTYPES,
            Convert::ML_DTYPES_INT,
            Convert::CUDA_NOSAT,
            base.with_overflow(Overflow::Special).with_infinity(Infinity::Special),
            base.with_infinity(Infinity::Saturate),
            base.with_overflow(Overflow::Wrap).with_negative(Negative::Magnitude),
            base.with_negative(Negative::Clamp).with_zero(Zero::NanBelowSmallest),
            base.with_negative(Negative::Directed).with_round(Round::TowardZero),
            base.with_zero(Zero::Nan).with_subnormal_inputs(SubnormalInputs::Flush),
        ]);
        for policy in &policies {
            assert_storage(spec, &x, 1.0, policy, Dither::new(3));
            assert_storage(spec, &long, 0.37, policy, Dither::new(5).skip(1001));
        }
        for scale in [0.0, -0.0, -2.5, f32::INFINITY, f32::NAN, f32::MAX, f32::from_bits(3)] {
            assert_storage(spec, &x, scale, &base, Dither::NONE);
        }
        // Subnormal f64s, which the policy flushes.
        let flush = base.with_subnormal_inputs(SubnormalInputs::Flush).with_round(Round::Up);
        let tiny: Vec<f64> =
            (0..600u64).map(|i| f64::from_bits((i << 44) | ((i % 2) << 63))).collect();
        assert_storage(spec, &tiny, 1.0, &flush, Dither::NONE);
        // Indices of random words that begin again at 0.
        let late = Dither { seed: 4, first_index: u64::MAX - 100 };
        assert_storage(spec, &x, 1.0, &base.with_round(stochastic[0]), late);
    }
}

/// Lengths around chunks, partial sums and groups of partial sums.
#[test]
fn lengths_around_the_ends_of_sums() {
    let x = tricky(40_000, 97);
    let policy = FormatSpec::F8E4M3.default_convert();
    let lengths =
        [0, 1, 255, 256, 511, 512, 513, 4095, 4096, 4097, 8192, 12_289, 16_384, 16_385, 40_000];
    for length in lengths {
        let x = &x[..length];
        assert_storage(&FormatSpec::F8E4M3, x, 0.5, &policy, Dither::NONE);
        let stored: Vec<f64> = x.iter().map(|x| f64::from(x.to_bits() as f32)).collect();
        let mut expected = ErrorStats::new();
        for (x, stored) in x.iter().zip(&stored) {
            expected.push(f64::from(*x), *stored, Flags::NONE);
        }
        for isa in Isa::available() {
            let found = ErrorStats::of_with(x, &stored, Exec::SERIAL.with_isa(isa)).unwrap();
            assert_eq!(told(&found), told(&expected), "{length} {}", isa.name());
        }
        assert_eq!(told(&ErrorStats::of(x, &stored).unwrap()), told(&expected));
    }
    assert!(ErrorStats::of(&x, &x[1..]).is_err());
    let backward: Vec<f32> = x.iter().rev().copied().collect();
    let mut expected = ErrorStats::new();
    for (a, b) in x.iter().zip(&backward) {
        expected.push(f64::from(*a), f64::from(*b), Flags::NONE);
    }
    // NaN stored for numbers, numbers for NaN, infinities of either sign.
    let found = ErrorStats::of(&x, &backward).unwrap();
    assert_eq!(told(&found), told(&expected));
    assert!(found.nan() > 0 && found.nan_references() > 0 && found.sqnr_db() == Sqnr::Undefined);
}

#[test]
fn the_scale_of_the_largest_magnitude() {
    for (length, every) in [(1000, 7), (5001, 0), (20_000, 1000)] {
        let x = tricky(length, every);
        let finite = x.iter().map(|x| f64::from(x.abs())).filter(|x| x.is_finite());
        let amax = finite.fold(0.0, f64::max);
        for isa in Isa::available() {
            let scale = amax_scale(&FormatSpec::F8E5M2, &x, Exec::SERIAL.with_isa(isa));
            assert_eq!(scale, (amax / 57344.0) as f32, "{}", isa.name());
        }
    }
}

/// The definition of `stats`, element by element, block by block.
fn assert_stats(view: QuantView<'_>, x: &[f32], stats: &TensorStats, name: &str) {
    let (spec, restored) = (view.spec(), view.dequantize());
    let element = &spec.element;
    let mut errors = ErrorStats::new();
    let mut codes = vec![0u64; if element.bits() <= 8 { 1 << element.bits() } else { 0 }];
    for (index, (x, back)) in x.iter().zip(&restored).enumerate() {
        let code = view.code(index).unwrap();
        let is = |end: u32| {
            let order = element.decode(code).compare(element.decode(end));
            order == Some(core::cmp::Ordering::Equal)
        };
        let up = view.scale(index).unwrap() >= 0.0;
        let outside = if is(element.max_code()) {
            if up { x > back } else { x < back }
        } else if is(element.min_code()) {
            if up { x < back } else { x > back }
        } else {
            false
        };
        let overflowed = x.is_finite() && (back.is_infinite() || outside);
        let flags = if overflowed { Flags::OVERFLOW } else { Flags::NONE };
        errors.push((*x).into(), (*back).into(), flags);
        if let Some(count) = codes.get_mut(code as usize) {
            *count += 1;
        }
    }
    assert_eq!(told(stats.errors()), told(&errors), "{name}");
    assert_eq!(stats.codes(), codes, "{name}");
    let mut scales = vec![0u64; stats.scales().len()];
    for code in (0..view.blocks()).flat_map(|block| view.scale_codes(block)) {
        let format = spec.scale.unwrap();
        let field = (format.decode_f32(code).abs().to_bits() >> 23) as usize;
        scales[if format.bits() <= 8 { code as usize } else { field }] += 1;
    }
    assert_eq!(stats.scales(), scales, "{name}");
    let mut worst: Option<(usize, f64)> = None;
    for block in 0..view.blocks() {
        let indices = view.region(block).unwrap().indices();
        let pairs = indices.map(|index| (f64::from(x[index]), f64::from(restored[index])));
        let measured = pairs.filter(|(x, back)| x.is_finite() && !back.is_nan());
        let noise = measured.fold(0.0, |sum, (x, back)| sum + (x - back) * (x - back));
        if noise > worst.map_or(0.0, |(_, most)| most) {
            worst = Some((block, noise));
        }
    }
    let found = stats.worst().map(|worst| (worst.index, worst.noise));
    assert_eq!(found, worst, "{name}");
    if let Some(found) = stats.worst() {
        assert_eq!(found.scale.to_bits(), view.block_scale(found.index).to_bits(), "{name}");
        assert_eq!(Some(&found.region), view.region(found.index).as_ref(), "{name}");
    }
}

fn assert_stats_by_every_isa(view: QuantView<'_>, x: &[f32], name: &str) {
    for isa in Isa::available() {
        let stats = view.stats(x, Exec::SERIAL.with_isa(isa)).unwrap();
        assert_stats(view, x, &stats, &format!("{name} {}", isa.name()));
    }
    assert_stats(view, x, &view.stats(x, Exec::PARALLEL).unwrap(), name);
}

/// Presets that are quantized without scales of the caller.
fn presets() -> impl Iterator<Item = (&'static str, BlockSpec)> {
    preset::all()
        .filter(|preset| !matches!(preset.spec.rule, ScaleRule::Given))
        .map(|preset| (preset.name, preset.spec))
}

/// Specs of other elements, scales and extents than presets have.
fn own() -> Vec<(&'static str, BlockSpec)> {
    let spec = |element, scale, extent, target| {
        BlockSpec::new(element, Some(scale), extent, ScaleRule::SignedMax { target })
    };
    let posit =
        FormatSpec::new("POSIT16", Encoding::Posit(PositSpec { bits: 16, exponent_bits: 2 }));
    let run = Extent::Flat(24);
    let tile = Extent::Block { rows: 5, cols: 3 };
    vec![
        ("3 bits", spec(FormatSpec::INT3, FormatSpec::F16, run, -4.0)),
        ("5 bits, bf16", spec(FormatSpec::INT5, FormatSpec::BF16, tile, -16.0)),
        ("5 bits, columns", spec(FormatSpec::INT5, FormatSpec::F32, Extent::Column, 15.0)),
        ("2 bits", spec(FormatSpec::INT2, FormatSpec::F8E5M2, Extent::Row, -2.0)),
        ("1 bit", spec(FormatSpec::INT1, FormatSpec::F32, tile, -1.0)),
        ("wide", spec(FormatSpec::BF16, FormatSpec::TF32, tile, 3.0)),
        ("posits", spec(posit.unwrap(), FormatSpec::F16, Extent::Tensor, 8.0)),
        (
            "bare",
            BlockSpec::new(FormatSpec::F16, None, Extent::Tensor, ScaleRule::Unit)
                .with_element_convert(Convert::IEEE),
        ),
    ]
}

#[test]
fn stats_are_those_of_the_loop_for_every_preset() {
    let shape = [3, 11, 91];
    let count = shape.iter().product();
    for every in [0, 40] {
        let x = tricky(count, every);
        for (name, spec) in presets().chain(own()) {
            let tensor = Quantizer::new(&spec).dither(Dither::new(1)).quantize(&x, &shape).unwrap();
            assert_stats_by_every_isa(tensor.view(), &x, name);
            // References of another tensor: beyond both ends of every block.
            let other: Vec<f32> = x.iter().rev().map(|x| x * 1.5).collect();
            assert_stats(
                tensor.view(),
                &other,
                &tensor.view().stats(&other, Exec::default()).unwrap(),
                name,
            );
        }
    }
}

/// More than a group of partial sums, rows longer than a chunk, and single columns.
#[test]
fn stats_of_other_shapes() {
    let names = ["ocp::MXFP4", "ggml::Q4_0", "generic::FP8_E4M3_128X128", "generic::FP8_E4M3_ROW"];
    let specs = names.map(|name| (name, preset::by_name(name).unwrap().spec));
    for shape in [&[70, 300][..], &[1, 20_001], &[900, 1], &[5000], &[2, 1, 3]] {
        let x = tricky(shape.iter().product(), 200);
        for (name, spec) in specs.into_iter().chain(own()) {
            let tensor = QuantTensor::quantize(&spec, &x, shape).unwrap();
            assert_stats_by_every_isa(tensor.view(), &x, &format!("{name} {shape:?}"));
        }
    }
}

/// Views of some rows and columns, whose rows have gaps and begin within a block and a byte.
#[test]
fn stats_of_cut_views() {
    let (rows, cols) = (24, 130);
    let (x, mut cut) = (tricky(rows * cols, 100), 0);
    for (name, spec) in presets().chain(own()) {
        let tensor = QuantTensor::quantize(&spec, &x, &[rows, cols]).unwrap();
        for (within_rows, within_cols) in [(3..20, 5..98), (0..24, 64..130), (8..16, 3..4)] {
            let Ok(view) = tensor.view().rows(within_rows.clone()) else { continue };
            let Ok(view) = view.cols(within_cols.clone()) else { continue };
            let inside: Vec<f32> = within_rows
                .flat_map(|row| within_cols.clone().map(move |col| row * cols + col))
                .map(|index| x[index])
                .collect();
            assert_stats_by_every_isa(view, &inside, name);
            cut += 1;
        }
    }
    // Schemes whose blocks cannot be cut there refuse; most do not.
    assert!(cut > 100, "{cut} views");
}

/// Parts that presets do not have, of random bytes: scales for each sign, sub-scales, codebooks;
/// negative scales and NaNs among them.
#[test]
fn stats_of_every_part() {
    let (rows, cols, shape) = (60, 16, [60, 16]);
    let word =
        |index: usize, stream: u64| philox4x32_10([index as u32, 0, 0, 0], [stream as u32, 1]);
    let bytes = |count: usize, stream: u64| -> Vec<u8> {
        (0..count).map(|index| word(index, stream)[0] as u8).collect()
    };
    let base = |element| {
        BlockSpec::new(
            element,
            Some(FormatSpec::F8E4M3),
            Extent::Block { rows: 1, cols: 4 },
            ScaleRule::Fixed(1.0),
        )
        .with_nonfinite(Nonfinite::Ignore)
    };
    let uint3 = IntSpec { signed: false, bits: 3, fraction_bits: 0, symmetric: false };
    let uint3 = FormatSpec::new("UINT3", Encoding::Int(uint3)).unwrap();
    let sub_scale = Some(SubScale::new(FormatSpec::F16, 3));
    let specs = [
        ("signs", base(FormatSpec::F4E2M1).with_scale_signs(ScaleSigns::PerSign)),
        ("sub-scales", base(FormatSpec::INT4).with_sub_scale(sub_scale)),
        (
            "both",
            base(FormatSpec::F4E2M1)
                .with_scale_signs(ScaleSigns::PerSign)
                .with_sub_scale(sub_scale),
        ),
        ("codebook", base(uint3).with_codebooks(Codebooks::Tensor(FormatSpec::BF16))),
        (
            "codebooks for signs",
            base(uint3)
                .with_codebooks(Codebooks::Row(FormatSpec::BF16))
                .with_scale_signs(ScaleSigns::PerSign),
        ),
    ];
    for (stream, (name, spec)) in specs.iter().enumerate() {
        let stream = 10 * stream as u64;
        let codes = bytes(rows * cols * spec.element.bits() as usize / 8, stream);
        let scales = bytes(rows * 4 * spec.scales_per_block(), stream + 1);
        // F16 and BF16 of some magnitudes with either sign, two bytes each.
        let halves = |count: usize| -> Vec<u8> {
            let half = |index| 0x3C00 + (word(index, stream + 2)[0] as u16 & 0x83FF);
            (0..count).flat_map(|index| half(index).to_le_bytes()).collect()
        };
        let sub_scales = halves(if spec.sub_scale.is_some() { 2 * rows } else { 0 });
        let books = match spec.codebooks {
            Codebooks::Tensor(_) => 1,
            Codebooks::Row(_) => rows,
            _ => 0,
        };
        let books = halves(8 * books);
        let parts = Parts::new(&codes, &scales).with_sub_scales(&sub_scales).with_codebooks(&books);
        let view = QuantView::from_parts_with(spec, &shape, parts, Accept::Nonfinite).unwrap();
        // Nearer to zero and further away than what the tensor has, on both sides.
        let factors = [0.5, 1.5, 1.0, -1.0, 1.01];
        let x: Vec<f32> = (0..)
            .zip(view.dequantize())
            .map(|(i, back)| if i % 31 == 0 { f32::INFINITY } else { back * factors[i % 5] })
            .collect();
        let stats = view.stats(&x, Exec::SERIAL).unwrap();
        assert!(stats.errors().saturated() > 10 && stats.errors().nan_references() > 0, "{name}");
        assert_stats_by_every_isa(view, &x, name);
        let cut = view.cols(12..16).unwrap();
        let inside: Vec<f32> =
            (0..rows).flat_map(|row| &x[row * cols + 12..][..4]).copied().collect();
        assert_stats_by_every_isa(cut, &inside, name);
    }
}

/// Tensors of one shape whose numbers are told apart by hand.
#[test]
fn differences_by_hand() {
    let bare = |element| {
        BlockSpec::new(element, None, Extent::Row, ScaleRule::Unit)
            .with_element_convert(Convert::IEEE)
    };
    let (f16, e5m2) = (bare(FormatSpec::F16), bare(FormatSpec::F8E5M2));
    let x = [1.0f32, 1.125, -0.0, f32::NAN, f32::INFINITY, 70_000.0, 5.0, 2049.0];
    let y = [1.0f32, 1.125, 0.0, f32::NAN, f32::NEG_INFINITY, 3.0, f32::NAN, 2049.0];
    let tensor = |spec: &BlockSpec, x: &[f32]| QuantTensor::quantize(spec, x, &[2, 4]).unwrap();
    let (a, b) = (tensor(&f16, &x), tensor(&f16, &y));
    assert_eq!(b.dequantize()[7], 2048.0);
    let diff = a.diff(&b).unwrap();
    // ±infinity, infinity and 3, 5 and NaN. NaN equals NaN, −0 equals 0.
    assert_eq!((diff.differing(), diff.zero_signs()), (3, 1));
    assert_eq!((diff.codes(), diff.scales()), (Some(4), None));
    let largest = diff.largest().unwrap();
    assert_eq!((largest.index, largest.magnitude()), (4, f64::INFINITY));
    assert_eq!((largest.first, largest.second), (f32::INFINITY, f32::NEG_INFINITY));
    assert_eq!((diff.errors().nan(), diff.errors().nan_references()), (1, 1));
    // Another format: codes are not comparable. 1.125 is a tie in E5M2 and goes to 1.
    let diff = a.diff(&tensor(&e5m2, &x)).unwrap();
    assert_eq!((diff.codes(), diff.scales(), diff.differing()), (None, None, 1));
    let largest = diff.largest().unwrap();
    assert_eq!((largest.index, largest.magnitude()), (1, 0.125));
    // Blocks of 32 beside blocks of 32 under another rule, and beside rows.
    let tensor = |name| {
        let spec = &preset::by_name(name).unwrap().spec;
        QuantTensor::quantize(spec, &[7.0f32; 64], &[2, 32]).unwrap()
    };
    let (floor, wide) = (tensor("ocp::MXFP4"), tensor("ocp::MXFP8_E4M3"));
    assert_eq!((floor.scales(), wide.scales()), (&[127, 127][..], &[121, 121][..]));
    let diff = floor.diff(&wide).unwrap();
    assert_eq!((diff.scales(), diff.codes(), diff.differing()), (Some(2), None, 64));
    assert_eq!(diff.largest().map(|most| (most.index, most.first)), Some((0, 6.0)));
    assert_eq!(floor.diff(&tensor("generic::FP8_E4M3_128X128")).unwrap().scales(), None);
    let other = QuantTensor::quantize(&f16, &x, &[4, 2]).unwrap();
    assert!(a.diff(&other).is_err());
}

/// Every preset beside three others, against a loop over elements and blocks.
#[test]
fn differences_are_those_of_the_loop() {
    let shape = [9, 97];
    let x = tricky(9 * 97, 60);
    let same = |a: f32, b: f32| a == b || (a.is_nan() && b.is_nan());
    let others = ["ocp::MXFP4", "generic::INT8_G32", "generic::FP8_E4M3_ROW"]
        .map(|name| ("other", preset::by_name(name).unwrap().spec));
    for (name, spec) in presets().chain(own()) {
        let a = QuantTensor::quantize(&spec, &x, &shape).unwrap();
        let shifted: Vec<f32> = x.iter().map(|x| if *x == 1.0 { 0.75 } else { *x }).collect();
        for (_, other) in others.iter().copied().chain([(name, spec)]) {
            let b = QuantTensor::quantize(&other, &shifted, &shape).unwrap();
            let (numbers, others) = (a.dequantize(), b.dequantize());
            let pairs = || numbers.iter().copied().zip(others.iter().copied());
            let (a, b) = (a.view(), b.view());
            let differing = pairs().filter(|(a, b)| !same(*a, *b)).count();
            let signs = pairs().filter(|(a, b)| a == b && a.to_bits() != b.to_bits()).count();
            let mut largest: Option<(usize, f64)> = None;
            for (index, (a, b)) in pairs().enumerate() {
                let magnitude = (f64::from(a) - f64::from(b)).abs();
                if magnitude > largest.map_or(0.0, |(_, most)| most) {
                    largest = Some((index, magnitude));
                }
            }
            let mut errors = ErrorStats::new();
            pairs().for_each(|(a, b)| errors.push(a.into(), b.into(), Flags::NONE));
            for isa in Isa::available() {
                let diff = a.diff(&b, Exec::SERIAL.with_isa(isa)).unwrap();
                assert_eq!(diff.differing(), differing as u64, "{name}");
                assert_eq!(diff.zero_signs(), signs as u64, "{name}");
                let found = diff.largest().map(|most| (most.index, most.magnitude()));
                assert_eq!(found, largest, "{name}");
                assert_eq!(told(diff.errors()), told(&errors), "{name}");
                if let Some(found) = diff.codes() {
                    let codes = (0..x.len()).filter(|i| a.code(*i) != b.code(*i)).count();
                    assert_eq!(found, codes as u64, "{name}");
                }
                if let Some(found) = diff.scales() {
                    let differ =
                        |block: &usize| !same(a.block_scale(*block), b.block_scale(*block));
                    assert_eq!(found, (0..a.blocks()).filter(differ).count() as u64, "{name}");
                    assert_eq!(a.blocks(), b.blocks(), "{name}");
                }
            }
            let whole = a.spec() == b.spec();
            assert!(!whole || (diff_has_all(&a, &b)), "{name}");
        }
    }
}

/// Tensors of one scheme have comparable scales, and codes unless their codebooks are their own.
fn diff_has_all(a: &QuantView<'_>, b: &QuantView<'_>) -> bool {
    let diff = a.diff(b, Exec::default()).unwrap();
    diff.scales().is_some() == a.spec().scale.is_some() && diff.codes().is_some()
}
