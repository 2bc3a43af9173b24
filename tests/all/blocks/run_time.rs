//! Schemes and formats that are made at run time have the bits of those that are constants.

use super::inputs::Random;
use subhalf::{
    BlockSpec, BlockStats, CustomRule, Dequantization, Dither, Division, Encoding, Error, Extent,
    FormatSpec, Metric, QuantTensor, Quantizer, Round, ScaleRule, Search, Stochastic, Table,
    preset,
};

fn numbers(seed: u64, len: usize) -> Vec<f32> {
    let mut random = Random::new(seed);
    (0..len).map(|_| random.number()).collect()
}

#[test]
fn tables_are_equal_by_their_entries() {
    static LASTING: [u32; 3] = [1, 2, 3];
    let held = Table::<u32, 16>::held(&LASTING).unwrap();
    assert_eq!(held, Table::of(&LASTING));
    assert_eq!((held.as_slice(), format!("{held:?}").as_str()), (&LASTING[..], "[1, 2, 3]"));
    assert_ne!(held, Table::held(&[1, 2]).unwrap());
    assert!(Table::<u32, 16>::held(&[]).unwrap().is_empty());
    assert_eq!(Table::<u8, 16>::held(&[7; 16]).unwrap().len(), 16);
    let refused = Table::<u8, 16>::held(&[7; 17]).unwrap_err();
    let range =
        Error::SpecRange { what: "entries of a table held in place", found: 17, low: 0, high: 16 };
    assert_eq!(refused, range);
}

#[test]
fn codebooks_made_at_run_time_encode_as_constants_do() {
    let Encoding::Codebook(table) = FormatSpec::NF4.encoding() else { panic!("a codebook") };
    let values: Vec<f32> = table.iter().map(|bits| f32::from_bits(*bits)).collect();
    let made = FormatSpec::codebook("made", &values).unwrap();
    assert_eq!(made, FormatSpec::NF4);
    for x in numbers(1, 5000) {
        assert_eq!(made.encode_f32(x), FormatSpec::NF4.encode_f32(x));
    }
    // In blocks too, on every path: the same scheme.
    let mut spec = preset::bitsandbytes::NF4;
    spec.element = made;
    let x = numbers(2, 64 * 129);
    assert_eq!(spec, preset::bitsandbytes::NF4);
    let tensor = QuantTensor::quantize(&spec, &x, &[129, 64]).unwrap();
    assert_eq!(tensor, QuantTensor::quantize(&preset::bitsandbytes::NF4, &x, &[129, 64]).unwrap());
    assert!(FormatSpec::codebook("long", &[0.5; 17]).is_err());
    assert!(FormatSpec::codebook("one", &[0.5]).is_err());
    assert!(FormatSpec::codebook("same", &[0.5; 4]).is_err());
    let nan = FormatSpec::codebook("nan", &[0.5, f32::NAN]).unwrap_err();
    assert!(matches!(nan, Error::Codebook { index: 1, .. }), "{nan}");
}

#[test]
fn searches_take_factors_from_a_table_in_place_or_from_the_call() {
    static FACTORS: [f32; 5] = [1.0, 0.9, 0.8, 1.1, 0.5];
    let base = preset::generic::INT4_G32;
    let with = |factors| base.with_search(Some(Search::new(factors, Metric::Mse)));
    let lasting = with(Table::of(&FACTORS));
    let held = with(Table::held(&FACTORS).unwrap());
    let x = numbers(3, 96 * 40);
    let expected = QuantTensor::quantize(&lasting, &x, &[40, 96]).unwrap();
    assert_eq!(QuantTensor::quantize(&held, &x, &[40, 96]).unwrap(), expected);
    let other = with(Table::of(&[1.0]));
    let call = Quantizer::new(&other).search_factors(&FACTORS);
    let got = call.quantize(&x, &[40, 96]).unwrap();
    assert_eq!((got.codes(), got.scales()), (expected.codes(), expected.scales()));
    let slow = call.quantize_reference(&x, &[40, 96]).unwrap();
    assert_eq!((slow.codes(), slow.scales()), (expected.codes(), expected.scales()));
    // As many as one likes, and the first of them is not better than all.
    let many: Vec<f32> = (0..100).map(|i| 1.0 - i as f32 / 200.0).collect();
    let noise = |tensor: &QuantTensor| tensor.stats(&x).unwrap().errors().noise();
    let best = Quantizer::new(&other).search_factors(&many).quantize(&x, &[40, 96]).unwrap();
    assert!(noise(&best) < noise(&QuantTensor::quantize(&base, &x, &[40, 96]).unwrap()));
    let refused = |quantizer: Quantizer<'_>| quantizer.quantize(&x, &[40, 96]).unwrap_err();
    assert_eq!(
        refused(Quantizer::new(&base).search_factors(&many)).to_string(),
        "search factors: expected a scheme with a search, at least one factor, and no given scales"
    );
    assert!(matches!(refused(Quantizer::new(&other).search_factors(&[])), Error::Scheme { .. }));
    assert_eq!(
        refused(Quantizer::new(&other).search_factors(&[1.0, f32::INFINITY])).to_string(),
        "search factor 1: expected a finite number, found inf"
    );
}

#[test]
fn divisors_held_in_place_divide_as_constant_ones() {
    static DIVISORS: [(u32, f32); 2] = [(0x00, 3.0), (0x83, 0.75)];
    let base = preset::ocp::MXFP4.with_division(Division::Divide);
    let lasting = base.with_divisors(Table::of(&DIVISORS));
    let held = base.with_divisors(Table::held(&DIVISORS).unwrap());
    let x = numbers(4, 32 * 200);
    let tensor = QuantTensor::quantize(&held, &x, &[200, 32]).unwrap();
    assert_eq!(tensor, QuantTensor::quantize(&lasting, &x, &[200, 32]).unwrap());
    assert_ne!(tensor.codes(), QuantTensor::quantize(&base, &x, &[200, 32]).unwrap().codes());
}

#[test]
fn rules_see_sums_and_order_statistics_of_the_elements() {
    let x = [3.0f32, -1.0, f32::INFINITY, 0.5, f32::NAN, -4.0, 2.0];
    let stats = BlockStats::of_slice(&x);
    assert_eq!(
        (stats.sum(), stats.sum_of_magnitudes(), stats.sum_of_squares()),
        (0.5, 10.5, 30.25)
    );
    // 0.5, 1, 2, 3, 4: fractions of five.
    for (fraction, expected) in [
        (-1.0, 0.5),
        (0.0, 0.5),
        (0.2, 0.5),
        (0.21, 1.0),
        (0.4, 1.0),
        (0.6, 2.0),
        (0.8, 3.0),
        (0.81, 4.0),
        (1.0, 4.0),
        (7.0, 4.0),
        (f64::NAN, 0.0),
    ] {
        assert_eq!(stats.magnitude_quantile(fraction), expected, "{fraction}");
    }
    assert_eq!(BlockStats::of(x).sum(), 0.0);
    assert_eq!(BlockStats::EMPTY.magnitude_quantile(0.5), 0.0);
    // Sums of 4,096 each: 2^53 and so many ones, of which one at a time would be lost.
    let mut long = vec![1.0f32; 3 * 4096];
    long[0] = f32::powi(2.0, 53);
    assert_eq!(BlockStats::of_slice(&long).sum(), f64::powi(2.0, 53) + 8192.0);

    let scheme = |rule| {
        let extent = Extent::Block { rows: 1, cols: 16 };
        BlockSpec::new(FormatSpec::F4E2M1, Some(FormatSpec::F32), extent, ScaleRule::Custom(rule))
            .with_dequantization(Dequantization::Product)
    };
    let by_elements = scheme(CustomRule::with_elements(|stats| {
        stats.elements.iter().fold(0.0f32, |amax, x| amax.max(x.abs())) / 6.0
    }));
    let by_stats = scheme(CustomRule::new(|stats| stats.amax / 6.0));
    let x = numbers(5, 16 * 300);
    let [a, b] =
        [by_elements, by_stats].map(|spec| QuantTensor::quantize(&spec, &x, &[300, 16]).unwrap());
    assert_eq!((a.codes(), a.scales()), (b.codes(), b.scales()));
    // A rule that did not ask for the elements has none.
    let blind = scheme(CustomRule::new(|stats| 1.0 + stats.elements.len() as f32));
    let tensor = QuantTensor::quantize(&blind, &x, &[300, 16]).unwrap();
    assert_eq!(tensor.view().block_scale(0), 1.0);
    let mean = scheme(CustomRule::with_elements(|stats| {
        (stats.sum_of_magnitudes() / stats.finite as f64) as f32
    }));
    let tensor = QuantTensor::quantize(&mean, &x, &[300, 16]).unwrap();
    let first: f64 = x[..16].iter().map(|x| f64::from(x.abs())).sum();
    assert_eq!(tensor.view().block_scale(0), (first / 16.0) as f32);
}

#[test]
fn columns_quantized_alone_get_the_random_words_of_the_whole() {
    let round = Round::stochastic(Stochastic::B, 12).unwrap();
    let scaled = preset::torchao::NVFP4;
    for (name, spec) in [
        ("rows", preset::ocp::MXFP4),
        ("tiles", preset::generic::FP8_E4M3_128X128),
        ("tensor scale", scaled),
        ("zero points", preset::generic::UINT4_G32),
        ("integers", preset::generic::INT8_G32),
    ] {
        let element = spec.element_convert.with_round(round);
        let tile = match spec.extent {
            Extent::Block { .. } => Extent::Block { rows: 2, cols: 32 },
            extent => extent,
        };
        let spec = spec.with_element_convert(element).with_extent(tile);
        spec.validate().unwrap();
        // Enough elements for kernels, and few.
        for (rows, cols, cut) in [(80, 256, 96), (6, 64, 32)] {
            let x = numbers(6, rows * cols);
            let dither = Dither::new(77).skip(5);
            let amax = x.iter().fold(0.0f32, |amax, x| amax.max(x.abs()));
            let job = || {
                let job = Quantizer::new(&spec).dither(dither);
                if name == "tensor scale" {
                    job.tensor_scale(spec.tensor_scale.of(amax))
                } else {
                    job
                }
            };
            let whole = job().quantize(&x, &[rows, cols]).unwrap();
            let shards = [0..cut, cut..cols].map(|range| {
                let part: Vec<f32> =
                    x.chunks(cols).flat_map(|row| row[range.clone()].to_vec()).collect();
                let shape = [rows, range.len()];
                let at = dither.skip(range.start as u64);
                let job = job().dither(at).row_length(cols);
                let shard = job.quantize(&part, &shape).unwrap();
                assert_eq!(shard, job.quantize_reference(&part, &shape).unwrap(), "{name}");
                shard
            });
            let joined = QuantTensor::concat_cols(&[shards[0].view(), shards[1].view()]).unwrap();
            assert_eq!(joined, whole, "{name} {rows} × {cols}");
        }
    }
    let spec = preset::ocp::MXFP4;
    assert!(Quantizer::new(&spec).row_length(31).quantize(&[0.0f32; 32], &[32]).is_err());
    let flat = spec.with_extent(Extent::Flat(8));
    assert!(Quantizer::new(&flat).row_length(33).quantize(&[0.0f32; 32], &[32]).is_err());
}

/// Lists of any length that are made at run time: as good as those that live as long as the
/// program, and kept once.
#[cfg(feature = "std")]
#[test]
fn long_tables_made_at_run_time_are_shared() {
    static ENTRIES: [u32; 256] = {
        let (mut entries, mut i) = ([0; 256], 0);
        while i < 256 {
            entries[i] = ((i as f32 - 128.0) / 128.0).to_bits();
            i += 1;
        }
        entries
    };
    let read: Vec<u32> = ENTRIES.to_vec();
    let factors: Vec<f32> = (0..40).map(|i| 1.0 - i as f32 / 80.0).collect();
    let scheme = |table, factors| {
        let element = FormatSpec::new("learned", Encoding::Codebook(table)).unwrap();
        let rule = ScaleRule::Amax { target: 1.0, ratio: subhalf::Ratio::Divide };
        BlockSpec::new(element, Some(FormatSpec::F32), Extent::Row, rule)
            .with_division(Division::Divide)
            .with_search(Some(Search::new(factors, Metric::Mse)))
    };
    static FACTORS: [f32; 40] = {
        let (mut factors, mut i) = ([0.0; 40], 0);
        while i < 40 {
            factors[i] = 1.0 - i as f32 / 80.0;
            i += 1;
        }
        factors
    };
    let made = scheme(Table::shared(&read), Table::shared(&factors));
    let lasting = scheme(Table::of(&ENTRIES), Table::of(&FACTORS));
    assert_eq!(made, lasting);
    let x = numbers(3, 4 * 200);
    let tensor = QuantTensor::quantize(&made, &x, &[4, 200]).unwrap();
    assert_eq!(tensor, QuantTensor::quantize(&lasting, &x, &[4, 200]).unwrap());
    // 16 entries are held in place, and so are 17 shared: by bits, so that −0 is not +0.
    let zeros: [Table<f32, 16>; 2] = [0.0f32, -0.0].map(|zero| Table::shared(&[zero; 17]));
    assert_eq!(zeros.map(|table| table[0].is_sign_negative()), [false, true]);
    let again: Table<f32, 16> = Table::shared(&[-0.0f32; 17]);
    assert_eq!(again.as_slice().as_ptr(), zeros[1].as_slice().as_ptr());
}

/// A tensor may be quantized while a thread's own values are dropped, in whatever order.
#[test]
fn a_thread_that_ends_may_quantize() {
    struct Last;
    impl Drop for Last {
        fn drop(&mut self) {
            assert!(QuantTensor::quantize(&preset::ocp::MXFP4, &[1.0f32; 64], &[2, 32]).is_ok());
        }
    }
    thread_local! {
        static LAST: Last = const { Last };
    }
    let thread = std::thread::spawn(|| {
        LAST.with(|_| ());
        QuantTensor::quantize(&preset::ocp::MXFP4, &[1.0f32; 64], &[2, 32]).unwrap()
    });
    assert_eq!(thread.join().unwrap().scales(), [125, 125]);
}
