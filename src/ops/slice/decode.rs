//! Codes to numbers: f32s by a kernel, other types from a table of the numbers of all codes, else
//! one element at a time through the reference codec.

use super::{SliceConverter, check_width, decoding_pays};
use crate::error::Error;
use crate::kernel::{self, DecodeBytes, DecodeWide, Isa, look_up};
use crate::ops::Real;
use crate::ops::par::Pieces;
use crate::spec::{Code, FormatSpec};

/// [`SliceConverter::decode`].
pub(super) fn decode<C: Code, T: Real>(
    converter: &SliceConverter,
    src: &[C],
    dst: &mut [T],
) -> Result<(), Error> {
    Error::check_length("output length", src.len(), dst.len())?;
    check_width::<C>(&converter.spec)?;
    let plan = DecodePlan::<T>::new(converter, src.len());
    let past_caches = kernel::is_large(size_of_val(src) + size_of_val(dst));
    converter.exec.over(src, dst, plan.pieces(), |_, src, dst| plan.piece(src, dst, past_caches));
    Ok(())
}

/// What is found out once for all pieces of a decoding.
pub(super) struct DecodePlan<T> {
    spec: FormatSpec,
    path: DecodePath<T>,
    isa: Isa,
}

#[expect(clippy::large_enum_variant, reason = "one lives on the stack for the length of a call")]
enum DecodePath<T> {
    /// To f32, up to 8 bits.
    Bytes(DecodeBytes),
    /// To f32, above 8 bits.
    Wide(DecodeWide),
    /// To other types, up to 8 bits: the numbers of all codes.
    Table([T; 256]),
    /// One element at a time.
    Reference,
}

impl<T: Real> DecodePlan<T> {
    pub(super) fn new(converter: &SliceConverter, elements: usize) -> Self {
        // Tables of 256 entries do not pay for a few elements.
        let (spec, isa) = (converter.spec, converter.exec.isa());
        let path = match (elements >= decoding_pays(&spec), T::IS_F32, spec.bits() <= 8) {
            (true, true, true) => DecodePath::Bytes(DecodeBytes::lower(isa, &spec)),
            (true, false, true) => DecodePath::Table(values(&spec)),
            (true, true, false) => {
                DecodeWide::lower(isa, &spec).map_or(DecodePath::Reference, DecodePath::Wide)
            }
            _ => DecodePath::Reference,
        };
        Self { spec, path, isa }
    }

    pub(super) const fn pieces(&self) -> Pieces {
        if matches!(self.path, DecodePath::Reference) { Pieces::Slow } else { Pieces::Fast }
    }

    /// Decodes the front of a dense stream, codes in the low bits first, as far as the kernel goes:
    /// a multiple of 64 numbers, 0 if there is no kernel for the format. Returns how many.
    ///
    /// With a `tile` the numbers are made there and stored past the caches; other threads may not
    /// see them before a [`kernel::fence`].
    #[cfg(feature = "alloc")]
    pub(super) fn packed(
        &self,
        bytes: &[u8],
        dst: &mut [T],
        tile: Option<&mut [f32; CHUNK]>,
    ) -> usize {
        let (DecodePath::Bytes(decode), Some(dst)) = (&self.path, T::f32s_mut(dst)) else {
            return 0;
        };
        // 64 codes of any width end at a byte, and fill whole registers.
        let whole = dst.len() - dst.len() % 64;
        if whole == 0 {
            return 0;
        }
        // The stream as one block whose scale is 1: the kernel of packed tensors.
        let one = kernel::PackedBlocks {
            bits: self.spec.bits(),
            length: whole,
            scales: &[1.0],
            offsets: &[0.0],
            bytes,
        };
        let restore = |to: &mut [f32]| kernel::restore_packed(decode, one, to) * whole;
        let Some(tile) = tile else { return restore(&mut dst[..whole]) };
        kernel::prefetch(bytes);
        let done = restore(&mut tile[..whole]);
        kernel::copy_past_caches(&tile[..done], &mut dst[..done]);
        done
    }

    /// Numbers of a piece; `past_caches` if the whole slice is larger than the caches.
    pub(super) fn piece<C: Code>(&self, src: &[C], dst: &mut [T], past_caches: bool) {
        match (&self.path, C::bytes(src)) {
            // Every byte has an entry, whatever the width: entries repeat above the codes of a
            // narrow format.
            (DecodePath::Table(table), Some(src)) => return look_up(self.isa, table, src, dst),
            (DecodePath::Bytes(decode), Some(src)) => {
                if let Some(dst) = T::f32s_mut(dst) {
                    return in_tiles(src, dst, past_caches, |src, dst| decode.decode(src, dst));
                }
            }
            // Takes 16- and 32-bit codes alike.
            (DecodePath::Wide(decode), _) => {
                if let Some(dst) = T::f32s_mut(dst) {
                    return in_tiles(src, dst, past_caches, |src, dst| decode.decode(src, dst));
                }
            }
            // Narrow codes in wide integers, and what has no kernel.
            _ => {}
        }
        for (code, x) in src.iter().zip(dst) {
            *x = T::nearest(self.spec.decode(code.widen()));
        }
    }
}

/// Runs `work` on all at once, or in tiles that are stored past the caches.
fn in_tiles<S>(src: &[S], dst: &mut [f32], past_caches: bool, work: impl Fn(&[S], &mut [f32])) {
    if past_caches { kernel::tiles(src, dst, |_, src, dst| work(src, dst)) } else { work(src, dst) }
}

/// The numbers of all codes of a format of at most 8 bits; those of fewer repeat.
pub(super) fn values<T: Real>(spec: &FormatSpec) -> [T; 256] {
    // `decode` ignores bits above the width of a code.
    core::array::from_fn(|code| T::nearest(spec.decode(code as u32)))
}

/// Numbers of a chunk: a multiple of 8, so that the codes of a chunk begin at a byte.
#[cfg(feature = "alloc")]
pub(super) const CHUNK: usize = 4096;
