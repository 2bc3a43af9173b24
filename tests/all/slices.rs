//! Bulk calls beside plain encoding and decoding, each against the reference codec element by
//! element: packed streams, code to code, f64.

use subhalf::{
    BitOrder, Code, Convert, Dither, Encoding, Error, Exec, FloatSpec, Format, FormatSlice,
    FormatSpec, Isa, Nan, Round, SliceConverter, Stochastic, SubnormalInputs, pack,
};

/// Any f32s: every exponent, NaN and infinity among them; most near one.
fn numbers(count: usize) -> Vec<f32> {
    let word = |i: usize| subhalf::philox4x32_10([i as u32, 0, 0, 0], [77, 0]);
    (0..count)
        .map(|i| {
            let [bits, kind, ..] = word(i);
            if kind % 4 == 0 {
                f32::from_bits(bits)
            } else {
                (bits as i32 as f32) / 2.0f32.powi(29)
            }
        })
        .collect()
}

fn round_to_odd_traps() -> Vec<f64> {
    // Numbers between two f32s, on both sides of every f32 that a format could decide at: a plain
    // cast would put them on it.
    let mut all: Vec<f64> = numbers(3000)
        .into_iter()
        .flat_map(|x| {
            let x = f64::from(f32::from_bits(x.to_bits() & 0xFFFF_0000));
            [
                x,
                f64::from_bits(x.to_bits().wrapping_add(1)),
                f64::from_bits(x.to_bits().wrapping_sub(1)),
                x * (1.0 + 2.0f64.powi(-30)),
            ]
        })
        .collect();
    all.extend([
        f64::MAX,
        -f64::MAX,
        f64::MIN_POSITIVE,
        -1e-310,
        5e-324,
        3.5e38,
        -3.5e38,
        1e-46,
        f64::INFINITY,
        -f64::INFINITY,
    ]);
    all.extend([f64::NAN, -f64::NAN, 0.0, -0.0, f64::from(f32::MAX) * (1.0 + 2.0f64.powi(-26))]);
    all
}

#[test]
fn f64_slices_are_rounded_once_in_every_format() {
    let x = round_to_odd_traps();
    for spec in FormatSpec::ALL {
        let base = spec.default_convert();
        let stochastic = |bits| Round::stochastic(Stochastic::C, bits).unwrap();
        let rounds =
            Round::DETERMINISTIC.into_iter().chain([stochastic(8), stochastic(16), stochastic(24)]);
        let others = [Convert::ML_DTYPES, base.with_subnormal_inputs(SubnormalInputs::Flush)];
        for convert in rounds.map(|round| base.with_round(round)).chain(others) {
            let dither = Dither::new(5);
            let word = |i: usize| match convert.round {
                Round::Stochastic { bits, .. } => dither.word(i as u64, bits),
                _ => 0,
            };
            let expected: Vec<u32> = x
                .iter()
                .enumerate()
                .map(|(i, &x)| spec.encode_f64_with(x, &convert, word(i)).code)
                .collect();
            for isa in Isa::available() {
                let mut codes = vec![0u32; x.len()];
                SliceConverter::new(spec)
                    .convert(&convert)
                    .dither(dither)
                    .exec(Exec::SERIAL.with_isa(isa))
                    .encode(&x, &mut codes)
                    .unwrap();
                let wrong = (0..x.len()).find(|&i| codes[i] != expected[i]);
                assert_eq!(
                    wrong.map(|i| (x[i], codes[i], expected[i])),
                    None,
                    "{spec} {convert:?} {}",
                    isa.name()
                );
            }
        }
    }
}

#[test]
fn packed_streams_are_codes_packed() {
    let all = numbers(10_003);
    let finite: Vec<f32> = all.iter().copied().filter(|x| x.abs() < 1e9).collect();
    for (spec, x) in FormatSpec::ALL
        .iter()
        .filter(|spec| spec.bits() <= 8)
        .flat_map(|spec| [(spec, &all), (spec, &finite)])
    {
        for convert in [
            spec.default_convert(),
            spec.default_convert().with_round(Round::stochastic(Stochastic::B, 9).unwrap()),
        ] {
            for length in (0..=130).chain([255, 300, 2111, 4096, 4097, x.len()]) {
                let (x, dither) = (&x[..length], Dither::new(2).skip(7));
                let mut codes = vec![0u8; length];
                SliceConverter::new(spec)
                    .convert(&convert)
                    .dither(dither)
                    .exec(Exec::SERIAL)
                    .encode(x, &mut codes)
                    .unwrap();
                let values: Vec<u32> =
                    codes.iter().map(|&code| spec.decode_f32(code.into()).to_bits()).collect();
                for order in [BitOrder::LsbFirst, BitOrder::MsbFirst] {
                    let mut expected = vec![0u8; (length * spec.bits() as usize).div_ceil(8)];
                    pack(&codes, spec.bits(), order, &mut expected).unwrap();
                    for isa in Isa::available() {
                        let exec = Exec::SERIAL.with_isa(isa);
                        let mut bytes = vec![0xEE; expected.len()];
                        SliceConverter::new(spec)
                            .convert(&convert)
                            .dither(dither)
                            .exec(exec)
                            .encode_packed(x, &mut bytes, order)
                            .unwrap();
                        assert_eq!(bytes, expected, "{spec} {length} {order:?} {}", isa.name());
                        let mut y = vec![0.5f32; length];
                        SliceConverter::new(spec)
                            .exec(exec)
                            .decode_packed(&bytes, &mut y, order)
                            .unwrap();
                        assert!(
                            y.iter().map(|y| y.to_bits()).eq(values.iter().copied()),
                            "{spec} {length} {order:?} {}",
                            isa.name()
                        );
                    }
                }
            }
        }
    }
}

/// Bit by bit: the stream's bit of every code's bit.
#[test]
fn packing_puts_every_bit_where_the_order_says() {
    for bits in 1..=8u32 {
        for count in [0usize, 1, 2, 3, 4, 5, 7, 8, 9, 64, 65, 131] {
            let codes: Vec<u8> = (0..count).map(|i| (i * 89 + 41) as u8).collect();
            let mut low = vec![0xFF; (count * bits as usize).div_ceil(8)];
            let mut high = low.clone();
            pack(&codes, bits, BitOrder::LsbFirst, &mut low).unwrap();
            pack(&codes, bits, BitOrder::MsbFirst, &mut high).unwrap();
            let stream = low.len() * 8;
            let from_low = |at: usize| low[at / 8] >> (at % 8) & 1;
            let from_high = |at: usize| high[at / 8] >> (7 - at % 8) & 1;
            for at in 0..stream {
                let (code, bit) = (at / bits as usize, at as u32 % bits);
                let expected = |bit| codes.get(code).map_or(0, |code| code >> bit & 1);
                assert_eq!(
                    (from_low(at), from_high(at)),
                    (expected(bit), expected(bits - 1 - bit)),
                    "{bits} {count} {at}"
                );
            }
            let (mut back, mut back_high) = (vec![0xFF; count], vec![0xFF; count]);
            subhalf::unpack(&low, bits, BitOrder::LsbFirst, &mut back).unwrap();
            subhalf::unpack(&high, bits, BitOrder::MsbFirst, &mut back_high).unwrap();
            assert!(
                back.iter()
                    .zip(&codes)
                    .all(|(found, code)| *found == code & ((1u32 << bits) - 1) as u8)
            );
            assert_eq!(back, back_high);
        }
    }
}

#[test]
fn codes_are_converted_by_one_rounding() {
    use FormatSpec as F;
    let formats = [
        F::F8E4M3,
        F::F8E5M2,
        F::F4E2M1,
        F::HIF8,
        F::INT8,
        F::E8M0,
        F::NF4,
        F::POSIT8,
        F::BF16,
        F::F16,
        F::F6E3M2,
        F::F8E4M3FNUZ,
    ];
    for from in &formats {
        let codes: Vec<u16> = (0..4001u32).map(|i| (i * 40_503) as u16).collect();
        let bytes: Vec<u8> = codes.iter().map(|&code| code as u8).collect();
        for to in &formats {
            for convert in [
                to.default_convert(),
                Convert::ML_DTYPES,
                to.default_convert().with_nan(Nan::Signed),
            ] {
                let stochastic = convert.with_round(Round::stochastic(Stochastic::A, 5).unwrap());
                for (convert, bits) in [(convert, None), (stochastic, Some(5))] {
                    let dither = Dither::new(1).skip(1);
                    let word = |i: usize| bits.map_or(0, |bits| dither.word(i as u64, bits));
                    let expected = |i: usize| {
                        to.encode_with(from.decode(codes[i].into()), &convert, word(i)).code
                    };
                    for isa in Isa::available() {
                        let exec = Exec::SERIAL.with_isa(isa);
                        let mut found = vec![0u16; codes.len()];
                        SliceConverter::new(to)
                            .convert(&convert)
                            .dither(dither)
                            .exec(exec)
                            .convert_codes(from, &codes, &mut found)
                            .unwrap();
                        assert!(
                            (0..codes.len()).all(|i| u32::from(found[i]) == expected(i)),
                            "{from} to {to} {convert:?}"
                        );
                        if from.bits() <= 8 && to.bits() <= 8 {
                            let mut found = vec![0u8; codes.len()];
                            SliceConverter::new(to)
                                .convert(&convert)
                                .dither(dither)
                                .exec(exec)
                                .convert_codes(from, &bytes, &mut found)
                                .unwrap();
                            assert!(
                                (0..codes.len()).all(|i| u32::from(found[i]) == expected(i)),
                                "{from} to {to} {convert:?}"
                            );
                        }
                    }
                }
            }
        }
    }
}

/// What the bulk calls give does not depend on how many threads work, nor on where a slice is cut.
/// Of numbers that quick ways take, and of all.
#[cfg(feature = "rayon")]
#[test]
fn threads_and_cuts_change_nothing() {
    let any = numbers(300_007);
    let near_one: Vec<f32> = any.iter().map(|x| if x.abs() <= 4.0 { *x } else { 0.7 }).collect();
    let pools = [1, 2, 7]
        .map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap());
    for (spec, x) in [
        FormatSpec::F8E4M3,
        FormatSpec::F6E2M3,
        FormatSpec::F4E2M1,
        FormatSpec::HIF8,
        FormatSpec::INT8,
    ]
    .iter()
    .flat_map(|spec| [(spec, &any), (spec, &near_one)])
    {
        let stochastic =
            spec.default_convert().with_round(Round::stochastic(Stochastic::C, 14).unwrap());
        for (which, convert) in [spec.default_convert(), stochastic].into_iter().enumerate() {
            let all = || {
                let (mut codes, mut packed) =
                    (vec![0u8; x.len()], vec![0u8; (x.len() * spec.bits() as usize).div_ceil(8)]);
                let (mut y, mut z) = (vec![0f32; x.len()], vec![0f32; x.len()]);
                SliceConverter::new(spec)
                    .convert(&convert)
                    .dither(Dither::new(4))
                    .encode(x, &mut codes)
                    .unwrap();
                SliceConverter::new(spec)
                    .convert(&convert)
                    .dither(Dither::new(4))
                    .encode_packed(x, &mut packed, BitOrder::LsbFirst)
                    .unwrap();
                SliceConverter::new(spec)
                    .convert(&convert)
                    .dither(Dither::new(4))
                    .fake_quantize(x, &mut y)
                    .unwrap();
                SliceConverter::new(spec)
                    .decode_packed(&packed, &mut z, BitOrder::LsbFirst)
                    .unwrap();
                assert!(
                    y.iter().zip(&z).all(|(y, z)| y.to_bits() == z.to_bits()),
                    "{spec} {convert:?}"
                );
                (codes, packed)
            };
            let [once, twice, often] = pools.each_ref().map(|pool| pool.install(all));
            assert!(once == twice && once == often, "{spec} {convert:?}");
            let mut cuts = vec![0, 1, 8, 1000, 65_536, 65_543, 200_000, 299_999, x.len()];
            let words = Dither::new(which as u64);
            cuts.extend((0..200).map(|index| words.word(index, 32) as usize % x.len()));
            cuts.sort_unstable();
            for cut in cuts.windows(2) {
                let (mut codes, part) = (vec![0u8; cut[1] - cut[0]], &x[cut[0]..cut[1]]);
                let dither = Dither::new(4).skip(cut[0] as u64);
                SliceConverter::new(spec)
                    .convert(&convert)
                    .dither(dither)
                    .encode(part, &mut codes)
                    .unwrap();
                assert!(codes == once.0[cut[0]..cut[1]], "{spec} {convert:?} {cut:?}");
            }
        }
    }
}

/// Slices of a format's own type, beside the same by spec; a user's type among them.
#[test]
fn slices_of_types_are_those_of_their_specs() {
    subhalf::define_format! { struct Int8(u8) = FormatSpec::INT8; convert only; }
    subhalf::define_format! { struct Float11(u16) = FormatSpec::constant("mine E5M5", Encoding::Float(FloatSpec::ieee(5, 5))); }
    fn check<F: Format>() {
        let spec = F::SPEC;
        let stochastic = F::CONVERT.with_round(Round::stochastic(Stochastic::B, 12).unwrap());
        for (length, convert) in (0..=130)
            .chain([5000, 70_000])
            .flat_map(|length| [(length, F::CONVERT), (length, stochastic)])
        {
            let (x, dither) = (numbers(length), Dither::new(9));
            let wide: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
            let mut codes = vec![F::Code::truncate(0); length];
            SliceConverter::new(&spec)
                .convert(&convert)
                .dither(dither)
                .exec(Exec::SERIAL)
                .encode(&x, &mut codes)
                .unwrap();
            let bits =
                |typed: &[F]| -> Vec<F::Code> { typed.iter().map(|x| x.to_bits()).collect() };
            let mut typed = vec![F::from_bits(F::Code::truncate(0)); length];
            let by = SliceConverter::of::<F>().convert(&convert).dither(dither);
            by.encode_typed(&x, &mut typed).unwrap();
            assert_eq!(bits(&typed), codes, "{spec} {length} {convert:?}");
            by.exec(Exec::SERIAL).encode_typed(&wide, &mut typed).unwrap();
            assert_eq!(bits(&typed), codes, "{spec} {length} {convert:?} from f64");
            let (mut y, mut again) = (vec![0.0f32; length], vec![0.0f32; length]);
            SliceConverter::new(&spec).exec(Exec::SERIAL).decode(&codes, &mut y).unwrap();
            F::decode_slice(&typed, &mut again).unwrap();
            assert!(
                y.iter().zip(&again).all(|(y, z)| y.to_bits() == z.to_bits()),
                "{spec} {length}"
            );
        }
        let mut short = [F::from_bits(F::Code::truncate(0))];
        let error = Error::Length { what: "output length", expected: 2, found: 1 };
        assert_eq!(F::encode_slice(&[1.0f32; 2], &mut short), Err(error));
        assert_eq!(F::decode_slice(&[short[0]; 2], &mut [0.0f32]), Err(error));
        let none = F::CONVERT.with_round(Round::Stochastic { kind: Stochastic::A, bits: 0 });
        let by = SliceConverter::of::<F>().convert(&none);
        assert_eq!(by.encode_typed(&[1.0f32], &mut short), Err(Error::RandomBits { found: 0 }));
        let other = SliceConverter::new(&FormatSpec::TF32);
        let error =
            Error::Format { expected: FormatSpec::TF32.short_name(), found: spec.short_name() };
        assert_eq!(other.encode_typed(&[1.0f32], &mut short), Err(error));
        assert_eq!(other.decode_typed(&short, &mut [0.0f32]), Err(error));
    }
    check::<subhalf::F8E4M3>();
    check::<subhalf::F8E5M2Fnuz>();
    check::<subhalf::F6E2M3>();
    check::<subhalf::F4E2M1>();
    check::<subhalf::HiF8>();
    check::<Int8>();
    check::<Float11>();
}

#[test]
fn wrong_lengths_and_widths_are_refused() {
    let (x, mut y, mut bytes, mut codes) = ([1.0f32; 5], [0.0f32; 5], [0u8; 3], [0u8; 2]);
    let (order, spec, wide) = (BitOrder::LsbFirst, FormatSpec::F4E2M1, FormatSpec::BF16);
    let length = |what, expected, found| Err(Error::Length { what, expected, found });
    let width = |format: FormatSpec| {
        let (format, needed) = (format.short_name(), format.bits());
        Err(Error::CodeWidth { format, needed, found: 8 })
    };
    let by = SliceConverter::new(&spec);
    assert_eq!(by.encode_packed(&x, &mut bytes, order), Ok(()));
    assert_eq!(by.encode_packed(&x[..4], &mut bytes, order), length("packed bytes", 2, 3));
    assert_eq!(by.decode_packed(&bytes[..2], &mut y, order), length("packed bytes", 3, 2));
    assert_eq!(by.encode(&x, &mut codes), length("output length", 5, 2));
    assert_eq!(by.decode(&codes, &mut y), length("output length", 2, 5));
    assert_eq!(by.fake_quantize(&x[..3], &mut y), length("output length", 3, 5));
    assert_eq!(by.convert_codes(&spec, &[1u8; 3], &mut codes), length("output length", 3, 2));
    assert_eq!(spec.encode_slice(&x, &mut codes), length("output length", 5, 2));
    assert_eq!(spec.decode_slice(&codes, &mut y), length("output length", 2, 5));
    let by = SliceConverter::new(&wide);
    assert_eq!(by.encode_packed(&x, &mut bytes, order), width(wide));
    assert_eq!(by.decode_packed(&bytes, &mut y, order), width(wide));
    assert_eq!(by.encode(&x[..2], &mut codes), width(wide));
    assert_eq!(by.decode(&codes, &mut y[..2]), width(wide));
    assert_eq!(by.convert_codes(&spec, &[1u8; 2], &mut codes), width(wide));
    assert_eq!(SliceConverter::new(&spec).convert_codes(&wide, &[1u8; 2], &mut codes), width(wide));
    assert_eq!(wide.encode_vec::<u8>(&x).map(drop), width(wide));
    assert_eq!(wide.decode_vec::<f32>(&codes).map(drop), width(wide));
    for bits in [0, 33] {
        let by = SliceConverter::new(&spec).round(Round::Stochastic { kind: Stochastic::A, bits });
        let refused = Err(Error::RandomBits { found: bits });
        assert_eq!(by.encode(&x[..2], &mut codes), refused);
        assert_eq!(by.fake_quantize(&x, &mut y), refused);
        assert_eq!(by.fake_quantize_in_place(&mut y), refused);
        assert_eq!(by.encode_packed(&x, &mut bytes, order), refused);
        assert_eq!(by.convert_codes(&spec, &[1u8; 2], &mut codes), refused);
        assert_eq!(by.decode(&codes, &mut y[..2]), Ok(()), "decoding takes no random bits");
    }
}
