//! What a block-scaled tensor kept of its references: small tensors by hand, larger ones against
//! sums written out here.

use subhalf::{
    BlockSpec, Convert, Dither, Exec, Extent, FormatSpec, Offset, QuantTensor, QuantView,
    Quantizer, Ratio, ScaleRule, Sqnr, TensorStats, philox4x32_10, preset,
};

/// E2M1 in blocks of four, one E8M0 scale each.
fn fours() -> BlockSpec {
    BlockSpec::new(
        FormatSpec::F4E2M1,
        Some(FormatSpec::E8M0),
        Extent::Block { rows: 1, cols: 4 },
        ScaleRule::Floor,
    )
}

fn counts(counters: &[u64]) -> Vec<(usize, u64)> {
    counters.iter().copied().enumerate().filter(|&(_, count)| count > 0).collect()
}

#[test]
fn two_blocks_by_hand() {
    // Scales 2^(floor(log2 7) - 2) = 1 and 2^(floor(log2 0.6) - 2) = 1/8. Restored: 6 0 -1 3 | 0.5
    // -0.5 0 0; 0.6 / 0.125 = 4.8 goes to 4.
    let x = [7.0f32, 0.25, -1.0, 2.5001, 0.6, -0.5, 0.03, 0.0];
    let tensor = QuantTensor::quantize(&fours(), &x, &[2, 4]).unwrap();
    assert_eq!(tensor.dequantize(), [6.0, 0.0, -1.0, 3.0, 0.5, -0.5, 0.0, 0.0]);
    let stats = tensor.stats(&x).unwrap();
    let errors = stats.errors();
    assert_eq!((errors.count(), errors.measured()), (8, 8));
    // 7 came back as 6, the largest; 0.6 as 0.5, but that is 4 · 1/8 and not the largest.
    assert_eq!((errors.saturated(), errors.flushed(), errors.nan()), (1, 2, 0));
    let each = x.map(f64::from);
    let back = [6.0, 0.0, -1.0, 3.0, 0.5, -0.5, 0.0, 0.0];
    let noise: f64 = (0..8).map(|i| (each[i] - back[i]).powi(2)).sum();
    assert_eq!(
        (errors.noise(), errors.mean_squared_error(), errors.max_abs_error()),
        (noise, noise / 8.0, 1.0)
    );
    assert_eq!(
        errors.mean_abs_error(),
        (0..8).map(|i| (each[i] - back[i]).abs()).sum::<f64>() / 8.0
    );
    let product: f64 = (0..8).map(|i| each[i] * back[i]).sum();
    let (signal, stored): (f64, f64) =
        (each.iter().map(|x| x * x).sum(), back.iter().map(|x| x * x).sum());
    assert!((errors.cosine().unwrap() - product / (signal * stored).sqrt()).abs() < 1e-15);
    // Codes of 6 0 -1 3 4 -4 0 0, E2M1 as OCP lists them.
    assert_eq!(counts(stats.codes()), [(0, 3), (5, 1), (6, 1), (7, 1), (10, 1), (14, 1)]);
    assert_eq!(stats.codes().len(), 16);
    assert_eq!((counts(stats.scales()), stats.scales().len()), (vec![(124, 1), (127, 1)], 256));
    let worst = stats.worst().unwrap();
    let first = (0..4).map(|i| (each[i] - back[i]).powi(2)).sum::<f64>();
    assert_eq!((worst.index, worst.scale, worst.noise), (0, 1.0, first));
    assert_eq!((worst.region.rows.clone(), worst.region.cols.clone()), (0..1, 0..4));
    assert!(worst.inputs(&x).eq(x[..4].iter().copied()));
}

#[test]
fn nothing_lost_has_no_worst_block() {
    let x = [4.0f32, -6.0, 0.5, 0.0];
    let stats = QuantTensor::quantize(&fours(), &x, &[4]).unwrap().stats(&x).unwrap();
    assert_eq!(
        (stats.errors().sqnr_db(), stats.errors().cosine(), stats.worst()),
        (Sqnr::Exact, Some(1.0), None)
    );
    let zeros =
        QuantTensor::quantize(&fours(), &[0.0f32; 4], &[4]).unwrap().stats(&[0.0f32; 4]).unwrap();
    assert_eq!((zeros.errors().cosine(), zeros.worst()), (None, None));
    let empty = QuantTensor::quantize(&fours(), &[0.0f32; 0], &[0, 4])
        .unwrap()
        .stats(&[0.0f32; 0])
        .unwrap();
    assert_eq!(
        (empty.errors().count(), empty.codes().iter().sum::<u64>(), empty.worst()),
        (0, 0, None)
    );
    assert!(QuantTensor::quantize(&fours(), &x, &[4]).unwrap().stats(&x[1..]).is_err());
}

/// NaN and infinity poison their block; another block is the worst, as only measured pairs count.
#[test]
fn poisoned_blocks_are_counted_and_not_measured() {
    let x = [1.0f32, f32::INFINITY, f32::NAN, 2.0, 0.25, 7.0, 0.0, 0.0];
    let stats = QuantTensor::quantize(&fours(), &x, &[2, 4]).unwrap().stats(&x).unwrap();
    let errors = stats.errors();
    assert_eq!(
        (errors.measured(), errors.nan(), errors.nan_references(), errors.infinite_references()),
        (4, 3, 1, 1)
    );
    // The infinity is gone, and 7 came back as 6.
    assert_eq!((errors.saturated(), errors.flushed(), errors.sqnr_db()), (2, 1, Sqnr::Undefined));
    assert_eq!((stats.scales()[255], stats.worst().unwrap().index), (1, 1));
}

/// Under a negative scale the largest code is the smallest number.
#[test]
fn both_ends_saturate_under_either_sign_of_the_scale() {
    let rule = ScaleRule::SignedMax { target: -8.0 };
    let spec = BlockSpec::new(
        FormatSpec::INT4,
        Some(FormatSpec::F16),
        Extent::Block { rows: 1, cols: 2 },
        rule,
    );
    // Scales 8 / -8 and -8 / -8: codes -8, 7 (8 clamped) and -8, 7.
    let x = [8.0f32, -8.0, -8.0, 8.0];
    let tensor = QuantTensor::quantize(&spec, &x, &[2, 2]).unwrap();
    assert_eq!(tensor.dequantize(), [8.0, -7.0, -8.0, 7.0]);
    assert_eq!(tensor.stats(&x).unwrap().errors().saturated(), 2);
    // Codes -8 (8.5 beyond), 7 (-7.5 beyond), and their neighbours inside.
    let beyond = [8.5f32, -7.5, -8.5, 7.5];
    assert_eq!(tensor.stats(&beyond).unwrap().errors().saturated(), 4);
    let within = [7.9f32, -6.9, -7.9, 6.9];
    assert_eq!(tensor.stats(&within).unwrap().errors().saturated(), 0);
}

#[test]
fn wide_scales_are_counted_by_their_exponent() {
    let rule = ScaleRule::Amax { target: 448.0, ratio: Ratio::Divide };
    let spec = BlockSpec::new(FormatSpec::F8E4M3, Some(FormatSpec::F32), Extent::Row, rule);
    // Scales 448/448, 3·448/448 and the one of zeros.
    let x = [448.0f32, 1.0, 1344.0, 3.0, 0.0, 0.0];
    let stats = QuantTensor::quantize(&spec, &x, &[3, 2]).unwrap().stats(&x).unwrap();
    assert_eq!(counts(stats.scales()), [(0, 1), (127, 1), (128, 1)]);
    assert_eq!(stats.codes().len(), 256);
    let bare = BlockSpec::new(FormatSpec::BF16, None, Extent::Tensor, ScaleRule::Unit);
    let stats = QuantTensor::quantize(&bare, &x, &[3, 2]).unwrap().stats(&x).unwrap();
    assert_eq!((stats.codes().len(), stats.scales().len()), (0, 0));
}

/// Numbers of many magnitudes, some zero, from the seed alone.
fn numbers(count: usize) -> Vec<f32> {
    let number = |index: usize| {
        let [a, b, ..] = philox4x32_10([index as u32, 0, 0, 0], [4, 0]);
        if b % 50 == 0 { 0.0 } else { f32::from_bits((a & 0x807F_FFFF) | (117 + b % 12) << 23) }
    };
    (0..count).map(number).collect()
}

/// The definition again, with sums over chunks and blocks found by looking at every element's
/// region.
fn assert_naive(view: QuantView<'_>, x: &[f32], stats: &TensorStats, name: &str) {
    let restored = view.dequantize();
    let sum = |term: &dyn Fn(f64, f64) -> f64| {
        let pairs: Vec<f64> =
            x.iter().zip(&restored).map(|(&x, &back)| term(x.into(), back.into())).collect();
        pairs
            .chunks(4096)
            .map(|chunk| chunk.iter().fold(0.0, |a, b| a + b))
            .fold(0.0, |a: f64, b: f64| a + b)
    };
    let noise = sum(&|x, back| (x - back) * (x - back));
    let (signal, stored, product) =
        (sum(&|x, _| x * x), sum(&|_, back| back * back), sum(&|x, back| x * back));
    let errors = stats.errors();
    assert_eq!((errors.noise(), errors.signal()), (noise, signal), "{name}");
    // The product under the root is rounded here, and exact in the definition.
    let cosine = product / (signal * stored).sqrt();
    assert!((errors.cosine().unwrap() - cosine).abs() < 1e-15, "{name}");
    let flushed = x.iter().zip(&restored).filter(|&(&x, &back)| x != 0.0 && back == 0.0).count();
    assert_eq!((errors.flushed(), errors.nan()), (flushed as u64, 0), "{name}");
    let element = &view.spec().element;
    let saturated = (0..x.len()).filter(|&index| {
        let q = element.decode_f32(view.code(index).unwrap());
        let up = view.scale(index).unwrap() >= 0.0;
        let above = x[index] > restored[index];
        let below = x[index] < restored[index];
        (q == element.max().to_f32() && if up { above } else { below })
            || (q == element.min().to_f32() && if up { below } else { above })
    });
    assert_eq!(errors.saturated(), saturated.count() as u64, "{name}");

    for (code, &count) in stats.codes().iter().enumerate() {
        let found = (0..x.len()).filter(|&index| view.code(index) == Some(code as u32)).count();
        assert_eq!(count, found as u64, "{name} code {code}");
    }
    assert_eq!(
        stats.scales().iter().sum::<u64>(),
        if view.spec().scale.is_some() { view.blocks() as u64 } else { 0 },
        "{name}"
    );

    let mut covered = vec![0; x.len()];
    let noises: Vec<f64> = (0..view.blocks())
        .map(|block| {
            let region = view.region(block).unwrap();
            region.indices().for_each(|index| covered[index] += 1);
            region
                .indices()
                .map(|index| (f64::from(x[index]) - f64::from(restored[index])).powi(2))
                .fold(0.0, |a, b| a + b)
        })
        .collect();
    assert!(covered.iter().all(|&times| times == 1), "{name}: blocks do not partition the tensor");
    assert!(view.region(view.blocks()).is_none());
    let worst = noises
        .iter()
        .copied()
        .enumerate()
        .fold((0, 0.0), |best, next| if next.1 > best.1 { next } else { best });
    match stats.worst() {
        Some(found) => {
            assert_eq!((found.index, found.noise), worst, "{name}");
            let inside = found.region.indices().next().unwrap();
            assert_eq!(
                (Some(found.scale), found.scale),
                (view.scale(inside), view.block_scale(found.index)),
                "{name}"
            );
        }
        None => assert_eq!(worst.1, 0.0, "{name}"),
    }
}

/// Every preset, and every extent, on a ragged tensor of three axes; on one thread, on all, and on
/// three.
#[test]
fn sums_and_counts_are_the_definition_for_every_preset_and_thread_count() {
    let shape = [3, 37, 91];
    let x = numbers(shape.iter().product());
    let extents = [
        Extent::Tensor,
        Extent::Row,
        Extent::Column,
        Extent::Block { rows: 1, cols: 16 },
        Extent::Block { rows: 16, cols: 16 },
        Extent::Flat(64),
    ];
    let rule = ScaleRule::Amax { target: 448.0, ratio: Ratio::Divide };
    let scaled = extents
        .map(|extent| BlockSpec::new(FormatSpec::F8E4M3, Some(FormatSpec::F32), extent, rule));
    let minimum = BlockSpec::new(
        FormatSpec::UINT4,
        Some(FormatSpec::F16),
        Extent::Flat(32),
        ScaleRule::Range { steps: 15.0, with_zero: false },
    )
    .with_offset(Offset::Minimum(FormatSpec::F16))
    .with_division(subhalf::Division::Divide);
    let named = preset::all()
        .filter(|preset| !matches!(preset.spec.rule, ScaleRule::Given))
        .map(|preset| (preset.name, preset.spec));
    let own = scaled.into_iter().chain([minimum]).map(|spec| ("own", spec));
    for (name, spec) in named.chain(own) {
        let tensor = Quantizer::new(&spec).dither(Dither::new(1)).quantize(&x, &shape).unwrap();
        let stats = tensor.view().stats(&x, Exec::SERIAL).unwrap();
        assert_naive(tensor.view(), &x, &stats, name);
        let told = format!("{stats:?}");
        assert_eq!(
            told,
            format!("{:?}", tensor.view().stats(&x, Exec::PARALLEL).unwrap()),
            "{name}"
        );
        #[cfg(feature = "rayon")]
        {
            let three = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
            assert_eq!(
                told,
                format!("{:?}", three.install(|| tensor.stats(&x)).unwrap()),
                "{name}"
            );
        }
    }
}

/// A slice of rows is a tensor of its own.
#[test]
fn rows_are_measured_alone() {
    let x = numbers(64 * 40);
    let tensor = QuantTensor::quantize(&preset::ocp::MXFP4, &x, &[64, 40]).unwrap();
    let rows = tensor.view().rows(20..30).unwrap();
    let stats = rows.stats(&x[800..1200], Exec::default()).unwrap();
    assert_naive(rows, &x[800..1200], &stats, "rows");
    assert_eq!(stats.errors().count(), 400);
}

/// References may be wider than what the tensor was made of.
#[test]
fn references_are_f64s() {
    let x = [1.0 / 3.0, 2.0f64.powi(-80)];
    let narrow = x.map(|x| x as f32);
    let spec = BlockSpec::new(FormatSpec::BF16, None, Extent::Tensor, ScaleRule::Unit)
        .with_element_convert(Convert::IEEE);
    let tensor = QuantTensor::quantize(&spec, &narrow, &[2]).unwrap();
    let stats = tensor.stats(&x).unwrap();
    assert_eq!(stats.errors().max_abs_error(), 0.333984375 - 1.0 / 3.0);
}
