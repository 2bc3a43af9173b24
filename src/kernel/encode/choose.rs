//! The choice of an encoder: the fastest that a format, a policy and an instruction set allow.
//!
//! [`Encoder::lower`] tries kernels from the most special to the most general; each `lower` returns
//! `None` unless all its results have the bits of the reference codec. Kernels that cover nearly
//! all inputs report the largest magnitude of a chunk, and [`EncodeKernel::Checked`] encodes a
//! chunk with something else again:
//!
//! ```text
//! for each chunk of 2048 numbers:            // 8 KiB of f32s: still in L1 for the second pass
//!     ok = fast(chunk)                       // a few instructions per number
//!     if !ok: general(chunk)                 // every input, with more instructions
//! ```

use super::float::{Finite, encode_finite, round_finite};
use super::general::{GeneralEncode, encode_uniform};
use super::groups::{encode_past_caches, round_in_place, round_past_caches};
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
use crate::kernel::stream::{LINE, fence, tiles};
use crate::policy::{Convert, SubnormalInputs};
use crate::random::Dither;
#[cfg(feature = "alloc")]
use crate::spec::Encoding;
use crate::spec::{Code, FormatSpec};

/// What an encoder needs to know of numbers of other types before they become f32s.
#[derive(Clone, Copy, Debug)]
pub struct Needs {
    /// Whether numbers that are subnormal in their own type must be told from others: the policy
    /// flushes them.
    pub(crate) subnormals: bool,
    /// Whether all bits matter: f64s rounded to odd as f32s will not do.
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
    /// FP16 by the processor's instructions, with the NaN that the policy asks for.
    Half(SignedNan),
    /// f32 with fewer mantissa bits: BF16, TF32.
    Cut(Cut),
    /// A fast kernel with the general one as its fallback, chunk by chunk.
    Checked {
        fast: FiniteEncode,
        fallback: GeneralEncode,
    },
    General(GeneralEncode),
    Stochastic(StochasticEncode),
    Wrapping(Wrapping),
    HiF8(HiF8Encode),
    #[cfg(feature = "alloc")]
    Lookup(Steps),
}

/// A fast kernel for finite numbers in range, which reports whether it covered all of a chunk.
#[derive(Clone, Copy, Debug)]
enum FiniteEncode {
    Float(Finite),
    Integer(Integer),
}

impl FiniteEncode {
    /// Returns the fast kernel for a format and a policy, or `None` if neither fits.
    fn lower(spec: &FormatSpec, convert: &Convert) -> Option<Self> {
        Finite::lower(spec, convert)
            .map(Self::Float)
            .or_else(|| Integer::lower(spec, convert).map(Self::Integer))
    }

    /// Writes the codes of a chunk and returns whether all of them are correct.
    fn codes<C: Code>(&self, isa: Isa, src: &[f32], dst: &mut [C]) -> bool {
        let mut largest = 0;
        match self {
            Self::Float(finite) => {
                // Codes stored as bytes have a kernel in intrinsics where the instruction set does.
                if let Some(dst) = C::bytes_mut(dst)
                    && let Some(ok) = Native::encode_bytes::<64>(isa, finite, src, dst)
                {
                    return ok;
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

    /// Writes the representable numbers nearest to those of a chunk, without codes, and returns
    /// whether all of them are correct.
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

/// Returns from how many elements on finding a format's steps pays. Finding takes a thousand or
/// more encodings by the reference codec, but with `std` once for many calls. A codebook searches
/// all entries for each, so that its steps pay earlier.
#[cfg(feature = "alloc")]
const fn many(spec: &FormatSpec) -> usize {
    match spec.encoding() {
        _ if cfg!(feature = "std") => 64,
        Encoding::Codebook(_) => 256,
        _ => 4096,
    }
}

impl EncodeKernel {
    /// Returns the first kernel that covers the format and the policy, the fastest first.
    fn lower(isa: Isa, spec: &FormatSpec, convert: &Convert, elements: usize) -> Option<Self> {
        // FP16 has conversion instructions, which take 8 or 16 numbers each.
        if *spec == FormatSpec::F16 && Native::has_f16(isa) {
            if let Some(nan) = ieee_nan(spec, convert) {
                return Some(Self::Half(nan));
            }
        } else if let Some(cut) = Cut::lower(spec, convert) {
            return Some(Self::Cut(cut));
        }
        // The general kernel alone, or behind a fast one that needs it for special values.
        if let Some(general) = GeneralEncode::lower(spec, convert) {
            return Some(match FiniteEncode::lower(spec, convert) {
                Some(fast) => Self::Checked { fast, fallback: general },
                None => Self::General(general),
            });
        }
        // What `general` does not cover: random bits, integers that wrap, HiF8's prefix codes.
        if let Some(stochastic) = StochasticEncode::lower(spec, convert) {
            return Some(Self::Stochastic(stochastic));
        }
        if let Some(wrapping) = Wrapping::lower(spec, convert) {
            return Some(Self::Wrapping(wrapping));
        }
        if let Some(hif8) = HiF8Encode::lower(spec, convert) {
            return Some(Self::HiF8(hif8));
        }
        // Anything of at most 8 bits: posits, codebooks, formats without zero or subnormals.
        #[cfg(feature = "alloc")]
        if elements >= many(spec)
            && let Some(steps) = Steps::lower(spec, convert)
        {
            return Some(Self::Lookup(steps));
        }
        // Without `alloc` nothing else reads it.
        let _ = elements;
        None
    }
}

impl Encoder {
    /// Returns the kernel for calls of `elements` numbers, or `None` if only the reference codec
    /// encodes them.
    pub(crate) fn lower(
        isa: Isa,
        spec: &FormatSpec,
        convert: &Convert,
        elements: usize,
    ) -> Option<Self> {
        EncodeKernel::lower(isa, spec, convert, elements).map(|kernel| Self { isa, kernel })
    }

    /// Returns what the kernel needs to know of numbers that are not f32s.
    pub(crate) fn needs(&self, convert: &Convert) -> Needs {
        // Rounding twice, to odd first, is harmless if the second rounding drops at least two bits.
        let exact = match &self.kernel {
            EncodeKernel::Half(_) | EncodeKernel::HiF8(_) => false,
            EncodeKernel::Cut(cut) => !cut.takes_odd(),
            EncodeKernel::Checked { fallback: general, .. } | EncodeKernel::General(general) => {
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

    /// Writes the codes of numbers. A stochastic rounding takes its random words from `dither`,
    /// whose indices must not exceed the largest u64.
    pub(crate) fn encode<C: Code>(&self, src: &[f32], dst: &mut [C], dither: Dither) {
        let isa = self.isa;
        match &self.kernel {
            EncodeKernel::Half(nan) => encode_half(isa, *nan, src, dst),
            EncodeKernel::Cut(cut) => encode_cut(isa, cut, src, dst),
            EncodeKernel::General(general) => encode_uniform(isa, general, src, dst),
            EncodeKernel::Checked { fast, fallback } => {
                // A chunk is read from L1 the second time, and only chunks with special values are.
                for (src, dst) in src.chunks(CHUNK).zip(dst.chunks_mut(CHUNK)) {
                    if !fast.codes(isa, src, dst) {
                        encode_uniform(isa, fallback, src, dst);
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
            EncodeKernel::Lookup(steps) => steps.encode(isa, src, dst),
        }
    }

    /// Writes codes of 4 bits, two a byte, the first in the low bits. Returns whether all are
    /// written and correct; `false` also without a kernel that packs.
    #[cfg(feature = "alloc")]
    pub(crate) fn nibbles(&self, src: &[f32], bytes: &mut [u8]) -> bool {
        match &self.kernel {
            EncodeKernel::Checked { fast: FiniteEncode::Float(finite), .. } => {
                Native::encode_bytes::<32>(self.isa, finite, src, bytes) == Some(true)
            }
            _ => false,
        }
    }

    /// Writes the representable numbers nearest to those of a chunk and returns whether all are
    /// written and correct; `false` also without a kernel that needs no codes.
    pub(super) fn numbers(&self, src: &[f32], dst: &mut [f32]) -> bool {
        match &self.kernel {
            EncodeKernel::Checked { fast, .. } => fast.numbers(self.isa, src, dst),
            EncodeKernel::HiF8(hif8) => hif8.numbers(self.isa, src, dst),
            _ => false,
        }
    }

    /// Writes codes of a byte each past the caches, as [`encode`](Self::encode) makes them.
    pub(crate) fn encode_past_caches(&self, src: &[f32], dst: &mut [u8], dither: Dither) {
        let each = |first: usize| {
            move |index, src: &[f32], dst: &mut [u8]| {
                self.encode(src, dst, dither.skip(first as u64 + index));
            }
        };
        let EncodeKernel::Checked { fast, .. } = &self.kernel else {
            return tiles(src, dst, each(0));
        };
        // Codes before the first whole line, then lines.
        let mut at = dst.as_ptr().align_offset(LINE).min(dst.len());
        self.encode(&src[..at], &mut dst[..at], dither);
        while at < src.len() {
            let (from, to) = (&src[at..], &mut dst[at..]);
            match fast {
                FiniteEncode::Float(finite) => {
                    encode_past_caches(self.isa, finite, from, to, &mut at);
                }
                FiniteEncode::Integer(integer) => {
                    encode_past_caches(self.isa, integer, from, to, &mut at);
                }
            }
            // The end, or a chunk that is not covered: whole lines, so that the next begins at one.
            let end = src.len().min(at + CHUNK);
            tiles(&src[at..end], &mut dst[at..end], each(at));
            at = end;
        }
        fence();
    }

    /// Replaces numbers by the representable numbers nearest to them, up to a group that the kernel
    /// does not cover, and returns how many are replaced; 0 also without a kernel that needs no
    /// codes.
    pub(super) fn round_in_place(&self, x: &mut [f32]) -> usize {
        let mut done = 0;
        match &self.kernel {
            EncodeKernel::Checked { fast: FiniteEncode::Float(finite), .. } => {
                round_in_place(self.isa, finite, x, &mut done);
            }
            EncodeKernel::Checked { fast: FiniteEncode::Integer(integer), .. } => {
                round_in_place(self.isa, integer, x, &mut done);
            }
            EncodeKernel::HiF8(hif8) => round_in_place(self.isa, hif8, x, &mut done),
            _ => {}
        }
        done
    }

    /// Writes the representable numbers nearest to those of whole groups of 64 past the caches, up
    /// to a group that the kernel does not cover, and returns how many are written; `None` without
    /// a kernel that needs no codes. `dst` begins at a cache line; a fence has to follow.
    pub(super) fn round_past_caches(&self, src: &[f32], dst: &mut [f32]) -> Option<usize> {
        let mut done = 0;
        match &self.kernel {
            EncodeKernel::Checked { fast: FiniteEncode::Float(finite), .. } => {
                round_past_caches(self.isa, finite, src, dst, &mut done);
            }
            EncodeKernel::Checked { fast: FiniteEncode::Integer(integer), .. } => {
                round_past_caches(self.isa, integer, src, dst, &mut done);
            }
            EncodeKernel::HiF8(hif8) => round_past_caches(self.isa, hif8, src, dst, &mut done),
            _ => return None,
        }
        Some(done)
    }

    /// Returns the instruction set that the kernel runs on.
    pub(super) const fn isa(&self) -> Isa {
        self.isa
    }
}

/// Writes FP16 codes by instructions, to integers of 16 bits or more.
fn encode_half<C: Code>(isa: Isa, nan: SignedNan, src: &[f32], dst: &mut [C]) {
    const MADE: &str = "an instruction set with FP16";
    if let Some(dst) = C::words_mut(dst) {
        assert!(Native::encode_f16(isa, nan, src, dst), "{MADE}");
        return;
    }
    // Wider integers get them from a buffer of 512 bytes on the stack.
    let mut words = [0; 256];
    for (src, dst) in src.chunks(256).zip(dst.chunks_mut(256)) {
        assert!(Native::encode_f16(isa, nan, src, &mut words[..src.len()]), "{MADE}");
        dst.iter_mut().zip(words).for_each(|(code, word)| *code = C::truncate(word.into()));
    }
}
