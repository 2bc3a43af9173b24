//! Exits with 0 if conversions, scalars, text and arithmetic work without std and without alloc.
//! With any argument one more thing has to hold, and does not: so the caller can see that a wrong
//! value does not pass.

#![no_std]
#![no_main]

use core::fmt::Write;
use core::hint::black_box;
use subhalf::{
    Binary8p4se, Convert, Dither, E8M0, F4E2M1, F8E4M3, F8E5M2, Flags, Format, FormatSpec, HiF8, Overflow, Round, SliceConverter,
    Stochastic, Unary, UnaryTable,
};

#[link(name = "c")]
unsafe extern "C" {
    fn abort() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: abort takes nothing and does not return.
    unsafe { abort() }
}

/// The precompiled `core` names it in its unwinding tables; nothing here unwinds.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// One line a thing that must hold; the number of the first that does not is the exit code.
#[unsafe(no_mangle)]
extern "C" fn main(arguments: i32, _: *const *const u8) -> i32 {
    let groups: [&[bool]; 5] = [&slices(), &conversions(), &text(), &arithmetic(), &[arguments <= 1]];
    groups.into_iter().flatten().position(|&holds| !holds).map_or(0, |first| first as i32 + 1)
}

fn slices() -> [bool; 5] {
    let e4m3 = FormatSpec::F8E4M3;
    let policy = e4m3.default_convert().with_round(Round::Stochastic { kind: Stochastic::B, bits: 8 });
    let (mut codes, mut values) = ([0u8; 3], [0f32; 3]);
    let converter = SliceConverter::new(&e4m3).convert(&policy).dither(Dither::new(1));
    let encoded = converter.encode(&[1.0f32, -448.0, 1e9], &mut codes);
    let decoded = e4m3.decode_slice(&codes, &mut values);
    [
        encoded.is_ok() && decoded.is_ok(),
        codes == [0x38, 0xFE, 0x7E],
        values == [1.0, -448.0, 448.0],
        FormatSpec::by_name("Binary8p3se").is_ok_and(|spec| spec.max().to_f64() == 49152.0),
        converter.encode(&[1.0f32], &mut codes).is_err(),
    ]
}

/// Operands come out of `black_box`, or the compiler would do the work.
fn conversions() -> [bool; 10] {
    let x = black_box(0.3f32);
    let above_tie = 1.0625 + black_box(9.094_947_017_729_282e-13); // 2^-40
    let special = F8E4M3::CONVERT.with_overflow(Overflow::Special);
    let (too_large, flags) = F8E4M3::from_f32_with(black_box(500.0), &special, 0);
    let e4m3 = F8E4M3::from_f32(x);
    let hif8 = HiF8::from_unpacked(e4m3.unpack());
    [
        e4m3.to_bits() == 0x2A && e4m3.to_f32() == 0.3125,
        F8E4M3::from_f64(above_tie).to_f64() == 1.125,
        F4E2M1::from_f32(black_box(-2.5)).to_bits() == 0xC,
        HiF8::from_f32(black_box(40000.0)) == HiF8::MAX && HiF8::MAX.to_f64() == 32768.0,
        E8M0::from_f32(black_box(0.25)).to_bits() == 0x7D && E8M0::from_f32(-x).is_nan(),
        Binary8p4se::from_f64(black_box(f64::NEG_INFINITY)) == Binary8p4se::NEG_INFINITY,
        too_large.is_nan() && flags == (Flags::OVERFLOW | Flags::INEXACT),
        hif8.to_f32() == 0.3125 && F8E5M2::from_unpacked(hif8.unpack()).to_f32() == 0.3125,
        F4E2M1::from_unpacked(F8E5M2::from_bits(black_box(0x41)).unpack()).to_f32() == 2.0, // a tie of 2 and 3
        FormatSpec::F8E5M2.convert_from(&FormatSpec::F8E4M3, black_box(0x7E)) == 0x5F,
    ]
}

/// What is written to it, as far as it fits.
struct Buffer([u8; 64], usize);

impl Write for Buffer {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let place = self.0.get_mut(self.1..self.1 + text.len()).ok_or(core::fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.1 += text.len();
        Ok(())
    }
}

fn text() -> [bool; 5] {
    let parsed = |text: &'static str| black_box(text).parse::<F8E4M3>().map(F8E4M3::to_f32);
    let mut buffer = Buffer([0; 64], 0);
    let x = F8E4M3::from_f32(black_box(0.3));
    let written = write!(buffer, "{x} {x:?} {x:e} {x:#04x} {} {}", F8E5M2::NEG_INFINITY, Flags::INEXACT);
    [
        parsed("1.0625") == Ok(1.0),
        parsed("1.06250000000000000000000000000000000000000001") == Ok(1.125),
        parsed("-1e999") == Ok(-448.0),
        parsed("one").is_err(),
        written.is_ok() && &buffer.0[..buffer.1] == b"0.3125 F8E4M3(0.3125) 3.125e-1 0x2a -inf inexact",
    ]
}

/// Operators, and in every type operations under another policy with flags.
fn arithmetic() -> [bool; 17] {
    let [a, b, c] = [3.0, 1.125, 2.0].map(|x| F8E4M3::from_f32(black_box(x)));
    let [x, y, z] = [3.0, 1.5, 0.0].map(|x| F4E2M1::from_f32(black_box(x)));
    let [h, k] = [7.5, 3.0].map(|x| HiF8::from_f32(black_box(x)));
    let [p, q] = [1.0, 0.0].map(|x| Binary8p4se::from_f32(black_box(x)));
    let up = F8E4M3::CONVERT.with_round(Round::Up);
    let down = Convert::SATURATING.with_round(Round::Down);
    let tanh = UnaryTable::new(Unary::Tanh, &FormatSpec::F8E4M3, &FormatSpec::F8E4M3.default_convert());
    [
        (a * b).to_f32() == 3.5 && (a - b).to_f32() == 1.875 && (a + b).to_f32() == 4.0,
        (a / c).to_f32() == 1.5 && (a % c).to_f32() == 1.0 && (-a).to_f32() == -3.0,
        a.mul_with(b, &down, 0) == (F8E4M3::from_f32(3.25), Flags::INEXACT),
        a.mul_add(b, c).to_f32() == 5.5 && c.sqrt().to_f32() == 1.375 && a.recip().to_f32() == 0.34375,
        F8E4M3::MAX.add_with(F8E4M3::MAX, &up, 0) == (F8E4M3::MAX, Flags::OVERFLOW | Flags::INEXACT),
        F8E4M3::MIN_POSITIVE_SUBNORMAL.mul_with(b, &up, 0) == (F8E4M3::from_bits(0x02), Flags::UNDERFLOW | Flags::INEXACT),
        (x * y).to_f32() == 4.0 && (x - y).to_f32() == 1.5 && (x / y).to_f32() == 2.0 && (x % y) == F4E2M1::ZERO,
        x.mul_with(y, &F4E2M1::CONVERT.with_round(Round::Up), 0) == (F4E2M1::from_f32(6.0), Flags::INEXACT),
        z.div_with(z, &F4E2M1::CONVERT, 0) == (F4E2M1::MAX, Flags::INVALID),
        (h + k).to_f32() == 11.0 && (h * k).to_f32() == 24.0 && (h % k).to_f32() == 1.5, // 10.5 is a tie, which goes away from zero
        h.add_with(k, &down, 0).1 == Flags::INEXACT,
        (p / q).is_nan() && (p + p).to_f32() == 2.0,
        p.div_with(q, &Binary8p4se::CONVERT, 0).1 == Flags::INVALID,
        F8E5M2::ONE.div_with(F8E5M2::ZERO, &down, 0) == (F8E5M2::INFINITY, Flags::DIVIDE_BY_ZERO),
        Binary8p4se::NEG_ONE.sqrt_with(&Binary8p4se::CONVERT, 0).1 == Flags::INVALID,
        [a, b, c].into_iter().sum::<F8E4M3>().to_f32() == 6.0 && a.max(b).total_cmp(a).is_eq(),
        tanh.is_ok_and(|table| table.get(0x38) == 0x34), // 0.7616 is nearest to 0.75
    ]
}
