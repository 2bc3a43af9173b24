//! Which kernel encodes: the quickest that a format, a policy and an instruction set allow.

use super::float::{Finite, encode_finite, round_finite};
use super::general::{GeneralEncode, encode_uniform};
use super::hif8::HiF8Encode;
use super::integer::{Integer, encode_integer, round_integer};
use super::intrinsics::EncodeIntrinsics;
#[cfg(feature = "alloc")]
use super::lookup::Steps;
use super::params::{CHUNK, SignedNan};
use super::sixteen_bit::{Cut, encode_cut, ieee_nan};
use super::stochastic::StochasticEncode;
use super::wrapping::{Wrapping, encode_wrapping};
use crate::kernel::isa::Isa;
use crate::kernel::native::Native;
use crate::policy::{Convert, SubnormalInputs};
use crate::random::Dither;
#[cfg(feature = "alloc")]
use crate::spec::Encoding;
use crate::spec::{Code, FormatSpec};
#[cfg(feature = "alloc")]
use alloc::boxed::Box;

/// What a kernel needs to know of numbers that it gets as f32s.
#[derive(Clone, Copy, Debug)]
pub struct Needs {
    /// Which numbers are subnormal in their own type.
    pub(crate) subnormals: bool,
    /// All their bits: f32s that were rounded to odd will not do.
    pub(crate) exact: bool,
}

/// The kernel that encodes f32s under a format and a policy.
#[derive(Clone, Debug)]
pub(crate) struct Encoder {
    isa: Isa,
    kernel: EncodeKernel,
}

#[derive(Clone, Debug)]
enum EncodeKernel {
    /// FP16 by instructions, and its NaN.
    Half(SignedNan),
    Cut(Cut),
    /// Chunks with numbers that the first does not cover go to the second.
    Checked(Checked, GeneralEncode),
    General(GeneralEncode),
    Stochastic(StochasticEncode),
    Wrapping(Wrapping),
    HiF8(HiF8Encode),
    #[cfg(feature = "alloc")]
    Lookup(Box<Steps>),
}

/// A kernel for what nearly all numbers are, which says whether all of a chunk were.
#[derive(Clone, Copy, Debug)]
enum Checked {
    Float(Finite),
    Integer(Integer),
}

impl Checked {
    fn lower(spec: &FormatSpec, convert: &Convert) -> Option<Self> {
        Finite::lower(spec, convert)
            .map(Self::Float)
            .or_else(|| Integer::lower(spec, convert).map(Self::Integer))
    }

    /// Codes of a chunk, and whether they are right.
    fn codes<C: Code>(&self, isa: Isa, src: &[f32], dst: &mut [C]) -> bool {
        let mut largest = 0;
        match self {
            Self::Float(finite) => {
                if let Some(dst) = C::bytes_mut(dst)
                    && let Some(are_right) = Native::encode_bytes::<64>(isa, finite, src, dst)
                {
                    return are_right;
                }
                encode_finite(isa, finite, src, dst, &mut largest);
                finite.covers(largest)
            }
            Self::Integer(integer) => {
                encode_integer(isa, integer, src, dst, &mut largest);
                integer.covers(largest)
            }
        }
    }

    /// Numbers of a chunk, and whether they are right.
    fn numbers(&self, isa: Isa, src: &[f32], dst: &mut [f32]) -> bool {
        let mut largest = 0;
        match self {
            Self::Float(finite) => {
                round_finite(isa, finite, src, dst, &mut largest);
                finite.covers_numbers(largest)
            }
            Self::Integer(integer) => {
                round_integer(isa, integer, src, dst, &mut largest);
                integer.covers(largest)
            }
        }
    }
}

/// Elements from which finding a format's steps pays: of a codebook the reference codec looks at
/// every entry each time.
#[cfg(feature = "alloc")]
const fn many(spec: &FormatSpec) -> usize {
    if matches!(spec.encoding(), Encoding::Codebook(_)) { 256 } else { 4096 }
}

impl EncodeKernel {
    fn lower(isa: Isa, spec: &FormatSpec, convert: &Convert, elements: usize) -> Option<Self> {
        if *spec == FormatSpec::F16 && Native::has_f16(isa) {
            if let Some(nan) = ieee_nan(spec, convert) {
                return Some(Self::Half(nan));
            }
        } else if let Some(cut) = Cut::lower(spec, convert) {
            return Some(Self::Cut(cut));
        }
        if let Some(general) = GeneralEncode::lower(spec, convert) {
            return Some(
                Checked::lower(spec, convert)
                    .map_or(Self::General(general), |checked| Self::Checked(checked, general)),
            );
        }
        if let Some(stochastic) = StochasticEncode::lower(spec, convert) {
            return Some(Self::Stochastic(stochastic));
        }
        if let Some(wrapping) = Wrapping::lower(spec, convert) {
            return Some(Self::Wrapping(wrapping));
        }
        if let Some(hif8) = HiF8Encode::lower(spec, convert) {
            return Some(Self::HiF8(hif8));
        }
        #[cfg(feature = "alloc")]
        if elements >= many(spec)
            && let Some(steps) = Steps::lower(spec, convert)
        {
            return Some(Self::Lookup(steps));
        }
        let _ = elements;
        None
    }
}

impl Encoder {
    /// The kernel for so many elements; `None` if only the reference codec encodes them.
    pub(crate) fn lower(
        isa: Isa,
        spec: &FormatSpec,
        convert: &Convert,
        elements: usize,
    ) -> Option<Self> {
        EncodeKernel::lower(isa, spec, convert, elements).map(|kernel| Self { isa, kernel })
    }

    /// What the kernel needs to know of numbers that were no f32s.
    pub(crate) fn needs(&self, convert: &Convert) -> Needs {
        let exact = match &self.kernel {
            EncodeKernel::Half(_) | EncodeKernel::HiF8(_) => false,
            EncodeKernel::Cut(cut) => !cut.takes_odd(),
            EncodeKernel::Checked(_, general) | EncodeKernel::General(general) => {
                !general.takes_odd()
            }
            EncodeKernel::Stochastic(stochastic) => !stochastic.takes_odd(),
            // The low bits of large numbers are those that an f32 does not have.
            EncodeKernel::Wrapping(_) => true,
            // A step may lie between two f32s.
            #[cfg(feature = "alloc")]
            EncodeKernel::Lookup(_) => true,
        };
        Needs { subnormals: matches!(convert.subnormal_inputs, SubnormalInputs::Flush), exact }
    }

    /// Codes of numbers; a stochastic rounding takes its words from `dither`, whose indices must
    /// not run over the largest u64.
    pub(crate) fn encode<C: Code>(&self, src: &[f32], dst: &mut [C], dither: Dither) {
        let isa = self.isa;
        match &self.kernel {
            EncodeKernel::Half(nan) => encode_half(isa, *nan, src, dst),
            EncodeKernel::Cut(cut) => encode_cut(isa, cut, src, dst),
            EncodeKernel::General(general) => encode_uniform(isa, general, src, dst),
            EncodeKernel::Checked(checked, general) => {
                for (src, dst) in src.chunks(CHUNK).zip(dst.chunks_mut(CHUNK)) {
                    if !checked.codes(isa, src, dst) {
                        encode_uniform(isa, general, src, dst);
                    }
                }
            }
            EncodeKernel::Stochastic(stochastic) => stochastic.encode(isa, src, dst, dither),
            EncodeKernel::Wrapping(wrapping) => encode_wrapping(isa, wrapping, src, dst),
            EncodeKernel::HiF8(hif8) => {
                if !C::bytes_mut(dst).is_some_and(|dst| Native::encode_hif8(isa, *hif8, src, dst)) {
                    hif8.encode(isa, src, dst);
                }
            }
            #[cfg(feature = "alloc")]
            EncodeKernel::Lookup(steps) => steps.encode(src, dst),
        }
    }

    /// Codes of 4 bits, two a byte, the first in the low bits; says whether they are right, and
    /// made at all.
    #[cfg(feature = "alloc")]
    pub(crate) fn nibbles(&self, src: &[f32], bytes: &mut [u8]) -> bool {
        match &self.kernel {
            EncodeKernel::Checked(Checked::Float(finite), _) => {
                Native::encode_bytes::<32>(self.isa, finite, src, bytes) == Some(true)
            }
            _ => false,
        }
    }

    /// The representable numbers nearest to those of a chunk, if there is a kernel that makes them
    /// without codes; whether they are right.
    pub(super) fn numbers(&self, src: &[f32], dst: &mut [f32]) -> bool {
        match &self.kernel {
            EncodeKernel::Checked(checked, _) => checked.numbers(self.isa, src, dst),
            EncodeKernel::HiF8(hif8) => hif8.numbers(self.isa, src, dst),
            _ => false,
        }
    }

    pub(super) const fn isa(&self) -> Isa {
        self.isa
    }
}

/// FP16 codes by instructions, in integers of 16 bits or wider ones.
fn encode_half<C: Code>(isa: Isa, nan: SignedNan, src: &[f32], dst: &mut [C]) {
    const MADE: &str = "an instruction set with FP16";
    if let Some(dst) = C::words_mut(dst) {
        assert!(Native::encode_f16(isa, nan, src, dst), "{MADE}");
        return;
    }
    // Codes of 16 bits in wider integers: by way of a buffer.
    let mut words = [0; 256];
    for (src, dst) in src.chunks(256).zip(dst.chunks_mut(256)) {
        assert!(Native::encode_f16(isa, nan, src, &mut words[..src.len()]), "{MADE}");
        dst.iter_mut().zip(words).for_each(|(code, word)| *code = C::truncate(word.into()));
    }
}
