//! Codes to numbers: f32s by a kernel, other types from a table of the numbers of all codes, else
//! one element at a time through the reference codec.

use super::table::NumberTable;
use super::{SliceConverter, check_width, decoding_pays};
use crate::error::Error;
use crate::kernel::{self, DecodeBytes, DecodeWide, Isa};
use crate::ops::numbers::NumbersMut;
use crate::ops::par::Pieces;
use crate::spec::{CodeSlice, FormatSpec};

/// [`SliceConverter::decode`].
pub(super) fn decode(
    converter: &SliceConverter,
    src: CodeSlice<'_>,
    dst: NumbersMut<'_>,
) -> Result<(), Error> {
    Error::check_length("output length", src.len(), dst.len())?;
    check_width(&converter.spec, src.width())?;
    let plan = DecodePlan::new(converter, &dst);
    let bytes = src.len() * src.width() as usize / 8 + dst.as_numbers().bytes();
    let past_caches = kernel::is_large(bytes);
    converter.exec.over(src, dst, plan.pieces(), |_, src, dst| plan.piece(src, dst, past_caches));
    Ok(())
}

/// What is found out once for all pieces of a decoding.
pub(super) struct DecodePlan {
    spec: FormatSpec,
    path: DecodePath,
    isa: Isa,
}

#[expect(clippy::large_enum_variant, reason = "one lives on the stack for the length of a call")]
enum DecodePath {
    /// To f32, up to 8 bits.
    Bytes(DecodeBytes),
    /// To f32, above 8 bits.
    Wide(DecodeWide),
    /// To other types, up to 8 bits.
    Table(NumberTable),
    /// One element at a time.
    Reference,
}

impl DecodePlan {
    /// The plan for an output: all of it, or a part of the same length and type.
    pub(super) fn new(converter: &SliceConverter, dst: &NumbersMut<'_>) -> Self {
        // Tables of 256 entries do not pay for a few elements.
        let (spec, isa) = (converter.spec, converter.exec.isa());
        let path = if dst.len() < decoding_pays(&spec) {
            DecodePath::Reference
        } else if spec.bits() <= 8 {
            NumberTable::of(&spec, dst).map_or_else(
                || DecodePath::Bytes(DecodeBytes::lower(isa, &spec)),
                DecodePath::Table,
            )
        } else if matches!(dst, NumbersMut::F32(_)) {
            DecodeWide::lower(isa, &spec).map_or(DecodePath::Reference, DecodePath::Wide)
        } else {
            DecodePath::Reference
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
        dst: &mut NumbersMut<'_>,
        tile: Option<&mut [f32; CHUNK]>,
    ) -> usize {
        let (DecodePath::Bytes(decode), Some(dst)) = (&self.path, dst.f32s()) else {
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
        let rule = kernel::Product::new(kernel::NegativeZero::Keep);
        let restore = |to: &mut [f32]| kernel::restore_packed(rule, decode, one, to) * whole;
        let Some(tile) = tile else { return restore(&mut dst[..whole]) };
        kernel::prefetch(bytes);
        let done = restore(&mut tile[..whole]);
        kernel::copy_past_caches(&tile[..done], &mut dst[..done]);
        done
    }

    /// Numbers of a piece; `past_caches` if the whole slice is larger than the caches.
    pub(super) fn piece(&self, src: CodeSlice<'_>, mut dst: NumbersMut<'_>, past_caches: bool) {
        if let (DecodePath::Table(table), CodeSlice::U8(src)) = (&self.path, src)
            && table.look_up(self.isa, src, &mut dst)
        {
            return;
        }
        match (&self.path, src, &mut dst) {
            (DecodePath::Bytes(decode), CodeSlice::U8(src), NumbersMut::F32(dst)) => {
                return in_tiles(src, dst, past_caches, |src, dst| decode.decode(src, dst));
            }
            (DecodePath::Wide(decode), CodeSlice::U16(src), NumbersMut::F32(dst)) => {
                return in_tiles(src, dst, past_caches, |src, dst| decode.decode(src, dst));
            }
            (DecodePath::Wide(decode), CodeSlice::U32(src), NumbersMut::F32(dst)) => {
                return in_tiles(src, dst, past_caches, |src, dst| decode.decode(src, dst));
            }
            // Narrow codes in wide integers, and what has no kernel.
            _ => {}
        }
        for i in 0..src.len() {
            dst.set(i, self.spec.decode(src.get(i)));
        }
    }
}

/// Runs `work` on all at once, or in tiles that are stored past the caches.
fn in_tiles<S>(src: &[S], dst: &mut [f32], past_caches: bool, work: impl Fn(&[S], &mut [f32])) {
    if past_caches { kernel::tiles(src, dst, |_, src, dst| work(src, dst)) } else { work(src, dst) }
}

/// Numbers of a chunk: a multiple of 8, so that the codes of a chunk begin at a byte.
#[cfg(feature = "alloc")]
pub(super) const CHUNK: usize = 4096;
