//! f32 to any format of at most 8 bits under any rounding without random bits: as a function of the
//! ordered f32s a code changes at some hundred places, which are found with the reference codec,
//! once for a call, and looked up.

use crate::bits::F32_NAN;
use crate::policy::{Convert, MissingNan, Nan, Overflow};
use crate::round::Round;
use crate::spec::{Code, Encoding, FormatSpec};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Bits of a key that the first table does not look at: sign, exponent and three bits of the
/// mantissa are left.
const REST: u32 = 20;
const BUCKETS: usize = 1 << (32 - REST);
/// More than there are steps: twice 256 numbers and a dozen special places.
const STEPS: usize = 1024;

/// The places and the codes between them.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    /// How many steps are at or before the first key of a bucket, and the most that are inside of
    /// one.
    first: [u16; BUCKETS],
    most: u32,
    /// Keys from which the code is that of the same index plus one.
    keys: [u32; STEPS],
    codes: [u8; STEPS],
    nan: [u8; 2],
}

/// An f32's bits as an integer that is ordered as the numbers are, −0 before +0.
#[inline(always)]
const fn key(bits: u32) -> u32 {
    bits ^ (((bits as i32) >> 31) as u32 | 0x8000_0000)
}

const fn number(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 { key ^ 0x8000_0000 } else { !key })
}

impl Steps {
    /// The steps, for formats of at most 8 bits.
    pub(crate) fn lower(spec: &FormatSpec, convert: &Convert) -> Option<Box<Self>> {
        let payload = matches!(convert.nan, Nan::Payload)
            || matches!(convert.missing_nan, MissingNan::Payload);
        // Integers that wrap have steps without end.
        let wraps =
            matches!((spec.encoding(), convert.overflow), (Encoding::Int(_), Overflow::Wrap));
        if spec.bits() > 8 || payload || wraps || matches!(convert.round, Round::Stochastic { .. })
        {
            return None;
        }
        let code = |key: u32| spec.encode_f32_with(number(key), convert, 0).code as u8;
        let steps = find(&places(spec), code);
        if steps.len() >= STEPS {
            return None;
        }
        let nan = [F32_NAN, -F32_NAN].map(|nan| spec.encode_f32_with(nan, convert, 0).code as u8);
        let mut table = Box::new(Self {
            first: [0; BUCKETS],
            most: 0,
            keys: [u32::MAX; STEPS],
            codes: [0; STEPS],
            nan,
        });
        table.codes[0] = code(key(f32::NEG_INFINITY.to_bits()));
        for (i, &(key, code)) in steps.iter().enumerate() {
            (table.keys[i], table.codes[i + 1]) = (key, code);
        }
        let mut passed = 0;
        for bucket in 0..BUCKETS {
            let start = passed
                + steps[passed..]
                    .iter()
                    .take_while(|(key, _)| *key <= (bucket as u32) << REST)
                    .count();
            let inside = steps[start..]
                .iter()
                .take_while(|(key, _)| (*key >> REST) as usize == bucket)
                .count();
            table.first[bucket] = start as u16;
            table.most = table.most.max(inside as u32);
            passed = start + inside;
        }
        Some(table)
    }

    /// Codes of numbers.
    pub(crate) fn encode<C: Code>(&self, src: &[f32], dst: &mut [C]) {
        match self.most {
            0 | 1 => self.encode_by::<1, C>(src, dst),
            2 => self.encode_by::<2, C>(src, dst),
            3 | 4 => self.encode_by::<4, C>(src, dst),
            _ => {
                for (x, code) in src.iter().zip(dst) {
                    *code = self.code(x.to_bits(), self.most);
                }
            }
        }
    }

    fn encode_by<const MOST: u32, C: Code>(&self, src: &[f32], dst: &mut [C]) {
        for (x, code) in src.iter().zip(dst) {
            *code = self.code(x.to_bits(), MOST);
        }
    }

    #[inline(always)]
    fn code<C: Code>(&self, bits: u32, most: u32) -> C {
        let key = key(bits);
        let mut step = usize::from(self.first[(key >> REST) as usize]);
        for _ in 0..most {
            step += usize::from(self.keys[step % STEPS] <= key);
        }
        let nan = bits & 0x7FFF_FFFF > 0x7F80_0000;
        let code = if nan { self.nan[(bits >> 31) as usize] } else { self.codes[step % STEPS] };
        C::truncate(code.into())
    }
}

/// Keys between which a code changes once at most: the numbers of the format and their negatives,
/// and where the kind of the input changes.
fn places(spec: &FormatSpec) -> Vec<u32> {
    let kinds = [0, 1, 0x007F_FFFF, 0x0080_0000, 0x7F7F_FFFF, 0x7F80_0000];
    let numbers = spec
        .codes()
        .map(|code| spec.decode_f32(code).to_bits() & 0x7FFF_FFFF)
        .filter(|bits| *bits < 0x7F80_0000);
    let mut keys: Vec<u32> =
        numbers.chain(kinds).flat_map(|bits| [key(bits), key(bits | 0x8000_0000)]).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// All changes of a code: the first key with the new one.
fn find(places: &[u32], code: impl Fn(u32) -> u8) -> Vec<(u32, u8)> {
    let mut steps = Vec::new();
    let mut open: Vec<[(u32, u8); 2]> = Vec::new();
    let codes: Vec<(u32, u8)> = places.iter().map(|&key| (key, code(key))).collect();
    for pair in codes.windows(2) {
        // Most changes are next to the middle of two numbers, or to one of them.
        let middle = key((((f64::from(number(pair[0].0)) + f64::from(number(pair[1].0))) / 2.0)
            as f32)
            .to_bits());
        let mut guesses =
            [middle, middle.wrapping_add(1), middle.wrapping_sub(1), pair[0].0 + 1, pair[1].0 - 1]
                .into_iter();
        open.push([pair[0], pair[1]]);
        while let Some([low, high]) = open.pop() {
            if low.1 == high.1 {
                continue;
            }
            if high.0 - low.0 == 1 {
                steps.push(high);
                continue;
            }
            let inside = |key: &u32| low.0 < *key && *key < high.0;
            let probe = guesses.find(inside).unwrap_or(low.0 + (high.0 - low.0) / 2);
            let probe = (probe, code(probe));
            open.push([probe, high]);
            open.push([low, probe]);
        }
    }
    steps
}
