//! Operands at random, the same for a seed, and operands that are special.

use subhalf::{Convert, FormatSpec, Unpacked, philox4x32_10};

/// Where operands come from.
pub(super) enum Source {
    F64,
    Format(FormatSpec),
}

impl Source {
    pub(super) fn bits(&self) -> u32 {
        match self {
            Self::F64 => 64,
            Self::Format(spec) => spec.bits(),
        }
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::F64 => "f64",
            Self::Format(spec) => spec.name(),
        }
    }

    pub(super) fn decode(&self, code: u64) -> Unpacked {
        match self {
            Self::F64 => Unpacked::from_f64(f64::from_bits(code)),
            Self::Format(spec) => spec.decode(code as u32),
        }
    }

    fn encode(&self, value: f64) -> u64 {
        match self {
            Self::F64 => value.to_bits(),
            Self::Format(spec) => u64::from(spec.encode_f64(value)),
        }
    }

    /// Any code, from two random words.
    fn uniform(&self, words: [u32; 4]) -> u64 {
        (u64::from(words[1]) << 32 | u64::from(words[0])) & mask(self.bits())
    }

    /// Bits of a significand.
    fn precision(&self) -> u32 {
        match self {
            Self::F64 => 53,
            Self::Format(spec) => spec.precision().unwrap_or(4),
        }
    }
}

pub(super) fn mask(bits: u32) -> u64 {
    u64::MAX >> (64 - bits)
}

/// The random words of a sample's operand.
pub(super) fn words(seed: u64, index: u64, operand: u32) -> [u32; 4] {
    // Stream 0 is that of stochastic rounding.
    let counter = [index as u32, (index >> 32) as u32, operand + 1, 0];
    philox4x32_10(counter, [seed as u32, (seed >> 32) as u32])
}

/// A code like any other.
pub(super) fn any(source: &Source, seed: u64, index: u64, operand: u32) -> u64 {
    source.uniform(words(seed, index, operand))
}

/// The operand of a conversion: a code like any other, or every other time one in or at the ends of
/// an eighth of the way between two neighbours of the result's format, where rounding is decided;
/// uniform codes of f32 would nearly all overflow or vanish.
pub(super) fn near_step(source: &Source, result: &FormatSpec, seed: u64, index: u64) -> u64 {
    let words = words(seed, index, 0);
    let uniform = source.uniform(words);
    if index.is_multiple_of(2) {
        return uniform;
    }
    let code = words[2] & mask(result.bits()) as u32;
    let (low, high) = (
        result.decode_f64(code),
        result.next_up(code).map_or(f64::NAN, |next| result.decode_f64(next)),
    );
    if !low.is_finite() || !high.is_finite() {
        return uniform;
    }
    let eighths = f64::from(words[3] % 9);
    let near = source.encode(low + (high - low) * eighths / 8.0);
    beside(source, near, words[3])
}

/// A code, or as often as not one of the two beside it.
fn beside(source: &Source, code: u64, word: u32) -> u64 {
    let step = [0, 0, 1, mask(source.bits())][(word >> 30) as usize];
    code.wrapping_add(step) & mask(source.bits())
}

/// The addend of a fused multiply-add: a code like any other, or every other time one about as
/// large as the product, so that the two overlap, cancel, or lie next to each other.
pub(super) fn near_product(
    source: &Source,
    result: &FormatSpec,
    product: f64,
    seed: u64,
    index: u64,
) -> u64 {
    let words = words(seed, index, 2);
    let uniform = source.uniform(words);
    if index.is_multiple_of(2) || !product.is_finite() || product == 0.0 {
        return uniform;
    }
    let reach = (source.precision() + result.precision().unwrap_or(4) + 2) as i32;
    let exponent = words[2] as i32 & 0xFFFF;
    let exponent = exponent % (2 * reach + 1) - reach;
    // From the product itself, whose negative cancels it, to twice as much.
    let fraction = [0.0, f64::from(words[3] & 0xFFFF) / 65536.0][(words[3] >> 28 & 1) as usize];
    let sign = if words[3] >> 29 & 1 == 1 { -1.0 } else { 1.0 };
    let near = source.encode(sign * product * (1.0 + fraction) * 2f64.powi(exponent));
    beside(source, near, words[3])
}

/// The codes at the ends of a format's classes of numbers: zeros, the least and the largest
/// subnormal, the least normal number, one, the largest number, infinities, a quiet and a
/// signalling NaN, those that exist, with either sign; in the order of codes.
pub(super) fn special(spec: &FormatSpec) -> Vec<u64> {
    let least_normal = spec.min_normal_code();
    let infinity = spec.infinity_code();
    let positive = [
        spec.zero_code(),
        Some(spec.smallest_positive_code()),
        least_normal.and_then(|code| spec.next_down(code)),
        least_normal,
        spec.one_code(),
        Some(spec.max_code()),
        infinity,
        spec.nan_code(),
        // The first NaN of an IEEE format, if it has more than quiet ones.
        infinity.map(|code| code + 1).filter(|code| spec.decode(*code).is_signaling()),
    ];
    let negated = |code: u32| {
        let minus = spec.encode_with(spec.decode(code).negate(), &Convert::SATURATING, 0);
        (minus.flags.is_empty() && !spec.decode(minus.code).is_nan()).then_some(minus.code)
    };
    let positive = positive.into_iter().flatten();
    let mut codes: Vec<u64> =
        positive.flat_map(|code| [Some(code), negated(code)]).flatten().map(u64::from).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}
