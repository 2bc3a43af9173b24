//! f32 to formats of few numbers, all multiples of one power of two: the codes of all inputs are one table of 128, which registers hold where there are
//! byte permutes.
//!
//! Where the rounding to such a format goes from one number to the next is a multiple of half that power, the unit. So the code of *x* hangs on how
//! many units are below it and on whether it lies between two multiples: on `floor(x) + ceil(x)`, in units, an even number or an odd one.

#[cfg(feature = "alloc")]
use super::blocks::Scaling;
use super::encode::{Encode, encode_uniform};
use super::isa::Isa;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use super::{isa::Kind, x86_grid};
#[cfg(feature = "alloc")]
use crate::policy::Convert;
use crate::spec::FormatSpec;

/// Parameters of a conversion.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(all(feature = "std", target_arch = "x86_64")), allow(dead_code, reason = "x86's kernels read it"))]
pub(crate) struct Grid {
    /// Numbers around this are f32s one unit apart, and its own low bits are zeros.
    pub(super) origin: f32,
    /// What larger magnitudes are taken for: it lies between the last two multiples that the table has.
    pub(super) cap: f32,
    /// By `floor(x) + ceil(x)`, modulo 128.
    pub(super) codes: [u8; 128],
}

/// `floor(x) + ceil(x)` of the cap.
const LAST: u8 = 63;

impl Grid {
    /// The parameters for codes of 4 bits of a format and a policy, of which one may instead another; see [`Grid::lower`].
    #[cfg(feature = "alloc")]
    pub(crate) fn nibbles(isa: Isa, spec: &FormatSpec, convert: &Convert, instead: Option<(u8, u8)>) -> Option<Self> {
        let mut grid = Self::lower(isa, spec, &Encode::lower(spec, convert)?).filter(|_| spec.bits() == 4)?;
        if let Some((from, to)) = instead {
            grid.codes.iter_mut().filter(|code| **code == from).for_each(|code| *code = to);
        }
        Some(grid)
    }

    /// The parameters, if the instruction set has a kernel, the numbers are few enough, and zero has the code of what is next to it: not so in
    /// roundings away from it.
    pub(super) fn lower(isa: Isa, spec: &FormatSpec, encode: &Encode) -> Option<Self> {
        let has_kernel = match isa.kind() {
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Kind::Avx512Vbmi => true,
            _ => false,
        };
        // Of an f32's exponent field.
        let field = encode.smallest_field().checked_sub(1)?;
        let half_unit = f32::from_bits(field.checked_sub(1)? << 23);
        let cap = f32::from(LAST) * half_unit;
        // Nothing here is a subnormal f32 or infinite.
        if !has_kernel || spec.bits() > 8 || !(4..200).contains(&field) || spec.max().to_f32() > cap {
            return None;
        }
        let codes_of = |halves: [f32; 128]| {
            let mut codes = [0; 128];
            encode_uniform(isa, encode, &halves, &mut codes);
            codes
        };
        let mut edges = [0.0; 128];
        edges[..6].copy_from_slice(&[0.0, half_unit, cap, cap + half_unit, f32::MAX, f32::INFINITY]);
        let alike = |codes: [u8; 128]| codes[0] == codes[1] && codes[3..6].iter().all(|code| *code == codes[2]);
        let are_alike = alike(codes_of(edges)) && alike(codes_of(edges.map(|x| -x)));
        are_alike.then(|| Self {
            origin: f32::from_bits((field + 23) << 23 | 1 << 22),
            cap,
            codes: codes_of(core::array::from_fn(|i| f32::from((i as i8) << 1 >> 1) * half_unit)),
        })
    }

    /// Codes of numbers, one a byte; says whether they are right: there is no NaN among the numbers.
    pub(super) fn encode(&self, src: &[f32], dst: &mut [u8]) -> bool {
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        // SAFETY: `lower` makes one only for an `Isa` that has the instructions.
        #[expect(unsafe_code, reason = "entry into instructions that were detected")]
        return unsafe { x86_grid::encode(self, src, dst) };
        #[cfg(not(all(feature = "std", target_arch = "x86_64")))]
        {
            let _ = (src, dst);
            false
        }
    }

    /// The same of codes of 4 bits, two a byte, the first in the low bits.
    pub(super) fn pack(&self, src: &[f32], bytes: &mut [u8]) -> bool {
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        // SAFETY: as above.
        #[expect(unsafe_code, reason = "entry into instructions that were detected")]
        return unsafe { x86_grid::pack(self, src, bytes) };
        #[cfg(not(all(feature = "std", target_arch = "x86_64")))]
        {
            let _ = (src, bytes);
            false
        }
    }

    /// Codes of 4 bits of finite numbers scaled by their blocks' factors, plus a zero, two a byte. Or nothing, which it says, if blocks are not of 16,
    /// 32 or a multiple of 64 numbers, or all together no multiple of 64.
    #[cfg(feature = "alloc")]
    pub(crate) fn pack_blocks<S: Scaling>(
        &self,
        scaling: S,
        zero: f32,
        src: &[f32],
        length: usize,
        factors: &[f32],
        bytes: &mut [u8],
    ) -> bool {
        let fits = src.len().is_multiple_of(64) && (matches!(length, 16 | 32) || length.is_multiple_of(64));
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        if fits {
            let runs = src.as_chunks().0;
            // SAFETY: as above.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            return unsafe {
                match length {
                16 => x86_grid::pack_blocks(self, scaling, zero, runs, factors.as_chunks().0.iter().copied(), bytes),
                32 => {
                    let factors = factors.as_chunks().0.iter().map(|[a, b]| [*a, *a, *b, *b]);
                    x86_grid::pack_blocks(self, scaling, zero, runs, factors, bytes)
                }
                _ => {
                    let factors = factors.iter().flat_map(|factor| core::iter::repeat_n([*factor; 4], length / 64));
                    x86_grid::pack_blocks(self, scaling, zero, runs, factors, bytes)
                }
                }
            };
        }
        let _ = (scaling, zero, factors, bytes);
        false
    }
}
