//! Slices of the types of other crates are slices of this crate's, without a copy.

use bytemuck::{Pod, cast_slice, cast_slice_mut, checked};
use subhalf::{Format, FormatSpec};

/// Every byte is the same number in both types, whichever is cast to which.
fn casts<Theirs: Pod, Ours: Pod + Format<Code = u8>>(to_f64: fn(Theirs) -> f64) {
    let mut bytes: Vec<u8> = (0..=255).collect();
    let theirs: &mut [Theirs] = cast_slice_mut(&mut bytes);
    let ours: &[Ours] = cast_slice(&*theirs);
    for (code, (x, y)) in theirs.iter().zip(ours).enumerate() {
        let (x, y) = (to_f64(*x), y.decode_f64());
        assert!(x.to_bits() == y.to_bits() || (x.is_nan() && y.is_nan()), "{code:#x}: {x} {y}");
        assert_eq!(usize::from(ours[code].to_bits()), code);
    }
    let ours: &mut [Ours] = cast_slice_mut(theirs);
    ours.reverse();
    assert_eq!(cast_slice::<Theirs, u8>(cast_slice::<Ours, Theirs>(ours))[0], 255);
}

#[test]
fn types_of_float8() {
    casts::<float8::F8E4M3, subhalf::F8E4M3>(|x| x.to_f64());
    casts::<float8::F8E5M2, subhalf::F8E5M2>(|x| x.to_f64());
}

#[test]
fn types_of_microfloat() {
    casts::<microfloat::f8e4m3fn, subhalf::F8E4M3>(|x| x.to_f64());
    casts::<microfloat::f8e5m2, subhalf::F8E5M2>(|x| x.to_f64());
    casts::<microfloat::f8e4m3, subhalf::F8E4M3Ieee>(|x| x.to_f64());
    casts::<microfloat::f8e3m4, subhalf::F8E3M4>(|x| x.to_f64());
    casts::<microfloat::f8e4m3fnuz, subhalf::F8E4M3Fnuz>(|x| x.to_f64());
    casts::<microfloat::f8e5m2fnuz, subhalf::F8E5M2Fnuz>(|x| x.to_f64());
    casts::<microfloat::f8e4m3b11fnuz, subhalf::F8E4M3B11Fnuz>(|x| x.to_f64());
    casts::<microfloat::f8e8m0fnu, subhalf::E8M0>(|x| x.to_f64());
}

/// microfloat takes any byte for a number of 4 or 6 bits; this crate takes those without bits above
/// the format.
#[test]
fn narrow_types_of_microfloat() {
    let bytes: Vec<u8> = (0..=255).collect();
    let theirs: &[microfloat::f4e2m1fn] = cast_slice(&bytes);
    let ours: &[subhalf::F4E2M1] = checked::try_cast_slice(&theirs[..16]).unwrap();
    assert!(theirs.iter().zip(ours).all(|(x, y)| x.to_f64().to_bits() == y.to_f64().to_bits()));
    assert!(checked::try_cast_slice::<_, subhalf::F4E2M1>(&theirs[..17]).is_err());
    let back: &[microfloat::f4e2m1fn] = cast_slice(ours);
    assert_eq!(cast_slice::<_, u8>(back), &bytes[..16]);

    let theirs: &[microfloat::f6e3m2fn] = cast_slice(&bytes[..64]);
    let ours: &[subhalf::F6E3M2] = checked::try_cast_slice(theirs).unwrap();
    assert!(theirs.iter().zip(ours).all(|(x, y)| x.to_f64().to_bits() == y.to_f64().to_bits()));
}

/// float4 has no casts; its bits are this crate's codes.
#[test]
fn types_of_float4() {
    for code in 0..16 {
        let (x, y) = (float4::F4E2M1::from_bits(code), subhalf::F4E2M1::from_bits(code));
        assert_eq!(x.to_f64().to_bits(), y.to_f64().to_bits(), "{code:#x}");
    }
}

/// half's types are the codes of two formats.
#[test]
fn types_of_half() {
    let codes: Vec<u16> = (0..=0xFFFF).collect();
    let (mut bf16, mut f16) = (vec![0.0f32; codes.len()], vec![0.0f32; codes.len()]);
    FormatSpec::BF16.decode_slice(&codes, &mut bf16).unwrap();
    FormatSpec::F16.decode_slice(&codes, &mut f16).unwrap();
    let theirs: &[half::bf16] = cast_slice(&codes);
    let same = |x: f32, y: f32| x.to_bits() == y.to_bits() || (x.is_nan() && y.is_nan());
    assert!(theirs.iter().zip(bf16).all(|(x, y)| same(x.to_f32(), y)));
    let theirs: &[half::f16] = cast_slice(&codes);
    assert!(theirs.iter().zip(f16).all(|(x, y)| same(x.to_f32(), y)));
    // And those of two types, where they lie.
    let theirs: Vec<half::bf16> = codes.iter().map(|code| half::bf16::from_bits(*code)).collect();
    let ours: &[subhalf::BF16] = cast_slice(&theirs);
    assert!(ours.iter().zip(&codes).all(|(x, code)| x.to_bits() == *code));
    let theirs: Vec<half::f16> = codes.iter().map(|code| half::f16::from_bits(*code)).collect();
    let ours: &[subhalf::F16] = cast_slice(&theirs);
    assert!(ours.iter().zip(&theirs).all(|(x, y)| same(x.to_f32(), y.to_f32())));
}
