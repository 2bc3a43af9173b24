//! The loops in which every library is measured, written once. Each library has an executable of
//! its own, so that the code of one cannot move the code of another; `compare` runs them in turn.
//!
//! Two figures an operation. *Throughput*: every operand and every result passes through
//! `black_box`, so that calls are independent and no loop is vectorised. *Latency*: operands depend
//! on the result before them, through a mask that is zero, which the compiler does not know. The
//! operands are the same in both.

use num_traits::Float;
use std::hint::black_box;
use std::time::Instant;

/// A format of 8 bits as one library has it.
pub trait Number: Copy {
    const LAYOUT: Layout;
    fn encode(x: f32) -> Self;
    fn decode(self) -> f32;
    fn of(code: u8) -> Self;
    fn code(self) -> u8;
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    fn over(self, other: Self) -> Self;
    fn negative(self) -> Self;
    fn less(self, other: Self) -> bool;
    fn not_a_number(self) -> bool;
    /// What the library does not have is measured as nothing.
    const ROOT: Option<fn(Self) -> Self> = None;
    const INVERSE: Option<fn(Self) -> Self> = None;
    const FUSED: Option<fn(Self, Self, Self) -> Self> = None;
    const REMAINDER: Option<fn(Self, Self) -> Self> = None;
}

/// A format's name in the rows, and what the inputs range over.
#[derive(Clone, Copy)]
pub struct Layout {
    name: &'static str,
    /// Exponents of the smallest subnormal, the smallest normal and the largest number.
    exponents: [i32; 3],
}

const E4M3: Layout = Layout { name: "E4M3", exponents: [-9, -6, 8] };
const E5M2: Layout = Layout { name: "E5M2", exponents: [-16, -14, 15] };

macro_rules! number {
    ($($type:ty, $layout:expr $(, $constant:ident $method:expr)*;)*) => {$(
        impl Number for $type {
            const LAYOUT: Layout = $layout;
            #[inline(always)]
            fn encode(x: f32) -> Self {
                Self::from_f32(x)
            }
            #[inline(always)]
            fn decode(self) -> f32 {
                self.to_f32()
            }
            #[inline(always)]
            fn of(code: u8) -> Self {
                Self::from_bits(code)
            }
            #[inline(always)]
            fn code(self) -> u8 {
                self.to_bits()
            }
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self + other
            }
            #[inline(always)]
            fn minus(self, other: Self) -> Self {
                self - other
            }
            #[inline(always)]
            fn times(self, other: Self) -> Self {
                self * other
            }
            #[inline(always)]
            fn over(self, other: Self) -> Self {
                self / other
            }
            #[inline(always)]
            fn negative(self) -> Self {
                -self
            }
            #[inline(always)]
            fn less(self, other: Self) -> bool {
                self < other
            }
            #[inline(always)]
            fn not_a_number(self) -> bool {
                self.is_nan()
            }
            $(number!(@ $constant $method);)*
        }
    )*};
    (@ ROOT $method:expr) => {
        const ROOT: Option<fn(Self) -> Self> = Some($method);
    };
    (@ INVERSE $method:expr) => {
        const INVERSE: Option<fn(Self) -> Self> = Some($method);
    };
    (@ FUSED $method:expr) => {
        const FUSED: Option<fn(Self, Self, Self) -> Self> = Some($method);
    };
    (@ REMAINDER $method:expr) => {
        const REMAINDER: Option<fn(Self, Self) -> Self> = Some($method);
    };
}

// float8 rounds a fused multiply-add to f32 first.
number! {
    subhalf::F8E4M3, E4M3, ROOT |x| x.sqrt(), INVERSE |x| x.recip(), FUSED |x, a, b| x.mul_add(a, b), REMAINDER |x, y| x % y;
    subhalf::F8E5M2, E5M2, ROOT |x| x.sqrt(), INVERSE |x| x.recip(), FUSED |x, a, b| x.mul_add(a, b), REMAINDER |x, y| x % y;
    float8::F8E4M3, E4M3, ROOT Float::sqrt, INVERSE Float::recip, FUSED Float::mul_add, REMAINDER |x, y| x % y;
    float8::F8E5M2, E5M2, ROOT Float::sqrt, INVERSE Float::recip, FUSED Float::mul_add, REMAINDER |x, y| x % y;
    microfloat::f8e4m3fn, E4M3, ROOT |x| x.sqrt(), INVERSE |x| x.recip(), REMAINDER |x, y| x % y;
    microfloat::f8e5m2, E5M2, ROOT |x| x.sqrt(), INVERSE |x| x.recip(), REMAINDER |x, y| x % y;
    minifloat::F8E4M3FN, E4M3;
    minifloat::F8E5M2, E5M2;
}

/// The control rows: f32 itself, its sign and highest exponent bits for a code. What is left is the
/// loop.
#[derive(Clone, Copy)]
struct Control(f32);

impl Number for Control {
    const LAYOUT: Layout = Layout { name: "control", ..E4M3 };
    #[inline(always)]
    fn encode(x: f32) -> Self {
        Self(x)
    }
    #[inline(always)]
    fn decode(self) -> f32 {
        self.0
    }
    #[inline(always)]
    fn of(code: u8) -> Self {
        Self(f32::from_bits(u32::from(code) * 0x0101_0101))
    }
    #[inline(always)]
    fn code(self) -> u8 {
        (self.0.to_bits() >> 24) as u8
    }
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
    #[inline(always)]
    fn times(self, other: Self) -> Self {
        Self(self.0 * other.0)
    }
    #[inline(always)]
    fn over(self, other: Self) -> Self {
        Self(self.0 / other.0)
    }
    #[inline(always)]
    fn negative(self) -> Self {
        Self(-self.0)
    }
    #[inline(always)]
    fn less(self, other: Self) -> bool {
        self.0 < other.0
    }
    #[inline(always)]
    fn not_a_number(self) -> bool {
        self.0.is_nan()
    }
    const ROOT: Option<fn(Self) -> Self> = Some(|x| Self(x.0.sqrt()));
    const INVERSE: Option<fn(Self) -> Self> = Some(|x| Self(x.0.recip()));
    const FUSED: Option<fn(Self, Self, Self) -> Self> = Some(|x, a, b| Self(x.0 * a.0 + b.0));
    const REMAINDER: Option<fn(Self, Self) -> Self> = Some(|x, y| Self(x.0 % y.0));
}

const LENGTH: usize = 1 << 16;
const PASSES: usize = 25;

/// `SplitMix64`, from a fixed seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }
}

/// Numbers of random sign and significand, with exponents evenly over `low..=high`.
fn numbers(low: i32, high: i32) -> Vec<f32> {
    let mut random = Random(1);
    let number = |_| {
        let bits = random.next();
        let exponent = low + ((bits >> 32) % (high - low + 1) as u64) as i32;
        f32::from_bits(bits as u32 & 0x807F_FFFF | ((exponent + 127) as u32) << 23)
    };
    (0..LENGTH).map(number).collect()
}

/// One in 64 of `numbers` replaced: NaN, infinities, zeros, what overflows, what underflows, a
/// subnormal f32.
fn with_specials(mut numbers: Vec<f32>) -> Vec<f32> {
    const SPECIALS: [f32; 8] =
        [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, 1e6, -1e-6, 1e-40];
    let mut random = Random(2);
    for x in &mut numbers {
        let word = random.next();
        if word.is_multiple_of(64) {
            *x = SPECIALS[(word >> 32) as usize % 8];
        }
    }
    numbers
}

/// The fastest pass, in nanoseconds an element.
fn fastest(mut pass: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        pass();
        start.elapsed().as_secs_f64() * 1e9 / LENGTH as f64
    };
    (0..PASSES).map(time).fold(f64::INFINITY, f64::min)
}

fn print(format: &str, operation: &str, throughput: f64, latency: f64) {
    println!("{format} {operation}\t{throughput}\t{latency}");
}

/// An operation from f32.
fn encode<N: Number>(operation: &str, inputs: &[f32]) {
    let throughput = fastest(|| {
        for &x in inputs {
            black_box(N::encode(black_box(x)).code());
        }
    });
    let mask = black_box(0_u32);
    let latency = fastest(|| {
        let mut last = 0;
        for &x in inputs {
            // In the high bits: what low ones do to the code of a control can be foreseen.
            last = u32::from(N::encode(f32::from_bits(x.to_bits() ^ (last & mask))).code()) << 24;
        }
        black_box(last);
    });
    print(N::LAYOUT.name, operation, throughput, latency);
}

/// An operation on two codes; its result as bits, whatever they are.
fn binary<N: Number>(operation: &str, (a, b): (&[u8], &[u8]), apply: impl Fn(N, N) -> u32 + Copy) {
    let throughput = fastest(|| {
        for (&a, &b) in a.iter().zip(b) {
            black_box(apply(N::of(black_box(a)), N::of(black_box(b))));
        }
    });
    let mask = black_box(0_u32);
    let latency = fastest(|| {
        let mut last = 0;
        for (&a, &b) in a.iter().zip(b) {
            last = apply(N::of(a ^ (last & mask) as u8), N::of(b));
        }
        black_box(last);
    });
    print(N::LAYOUT.name, operation, throughput, latency);
}

fn rows<N: Number>() {
    let [tiny, low, high] = N::LAYOUT.exponents;
    encode::<N>("from_f32", &with_specials(numbers(tiny, high)));
    encode::<N>("from_f32, normal", &numbers(low, high - 1));
    let mut random = Random(3);
    let (a, b): (Vec<u8>, Vec<u8>) =
        (0..LENGTH).map(|_| (random.next() as u8, random.next() as u8)).unzip();
    let pairs = (&a[..], &b[..]);
    binary::<N>("to_f32", pairs, |a, _| a.decode().to_bits().rotate_left(8));
    binary::<N>("+", pairs, |a, b| a.plus(b).code().into());
    binary::<N>("-", pairs, |a, b| a.minus(b).code().into());
    binary::<N>("*", pairs, |a, b| a.times(b).code().into());
    binary::<N>("/", pairs, |a, b| a.over(b).code().into());
    binary::<N>("negate", pairs, |a, _| a.negative().code().into());
    binary::<N>("<", pairs, |a, b| a.less(b).into());
    binary::<N>("is_nan", pairs, |a, _| a.not_a_number().into());
    if let Some(remainder) = N::REMAINDER {
        binary::<N>("%", pairs, |a, b| remainder(a, b).code().into());
    }
    if let Some(root) = N::ROOT {
        binary::<N>("sqrt", pairs, |a, _| root(a).code().into());
    }
    if let Some(inverse) = N::INVERSE {
        binary::<N>("recip", pairs, |a, _| inverse(a).code().into());
    }
    if let Some(fused) = N::FUSED {
        binary::<N>("mul_add", pairs, |a, b| fused(a, b, b).code().into());
    }
}

/// Measures a library and prints a row an operation: its name, throughput and latency in
/// nanoseconds, separated by tabs.
pub fn measure<A: Number, B: Number>() {
    rows::<Control>();
    rows::<A>();
    rows::<B>();
}
