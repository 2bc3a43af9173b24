//! Numbers to dense streams of codes and back.
//!
//! ```text
//! for each piece of 64 Ki numbers, on any thread:
//!     for each chunk of 4,096 numbers:      16 KiB of numbers and 4 KiB of codes stay in L1
//!         numbers -> codes, one a byte      or numbers -> packed codes, where a kernel does both
//!         codes -> packed codes
//! ```

use super::SliceConverter;
use super::decode::{CHUNK, DecodePlan};
use super::encode::EncodePlan;
use crate::block::{BitOrder, pack_by, packed_bytes, unpack_by};
use crate::error::Error;
use crate::kernel;
use crate::ops::Real;
use crate::ops::numbers::{Numbers, NumbersMut};
use crate::ops::par::Pieces;
use crate::spec::{CodeSlice, CodeSliceMut, FormatSpec};

/// Numbers of a piece, also a multiple of 8.
const PIECE: usize = Pieces::Fast as usize;

impl SliceConverter {
    /// Encodes numbers into a dense stream of codes of the format's width, at most 8 bits:
    /// [`encode`](Self::encode) and [`pack`](crate::pack) in one. Bits behind the last code are 0.
    ///
    /// ```
    /// use subhalf::{BitOrder, FormatSpec, SliceConverter};
    /// let mut bytes = [0u8; 2];
    /// let e2m1 = SliceConverter::new(&FormatSpec::F4E2M1);
    /// e2m1.encode_packed(&[1.0f32, -6.0, 0.4], &mut bytes, BitOrder::LsbFirst)?;
    /// assert_eq!(bytes, [0xF2, 0x01]);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] if `bytes` is not `ceil(elements · bits / 8)` long; [`Error::CodeWidth`]
    /// for a format of more than 8 bits; [`Error::RandomBits`] if a stochastic rounding asks for
    /// none or more than 32.
    pub fn encode_packed<T: Real>(
        &self,
        src: &[T],
        bytes: &mut [u8],
        order: BitOrder,
    ) -> Result<(), Error> {
        self.encode_stream(T::slice(src), bytes, order)
    }

    fn encode_stream(
        &self,
        src: Numbers<'_>,
        bytes: &mut [u8],
        order: BitOrder,
    ) -> Result<(), Error> {
        check(&self.spec, src.len(), bytes.len())?;
        let plan = EncodePlan::new(self, src.len())?;
        let (bits, isa) = (self.spec.bits(), self.exec.isa());
        // Both counts are multiples of 8 numbers, so a piece and a chunk begin at a byte for any
        // width.
        let (chunk_bytes, piece_bytes) = (CHUNK / 8 * bits as usize, PIECE / 8 * bits as usize);
        self.exec.over_streams([PIECE, piece_bytes], src, bytes, |index, src, bytes| {
            let mut codes = [0u8; CHUNK];
            let chunks = src.chunks(CHUNK).zip(bytes.chunks_mut(chunk_bytes));
            for (chunk, (src, bytes)) in chunks.enumerate() {
                // Kernels that pack do so in this order alone.
                if bits == 4 && order == BitOrder::LsbFirst && plan.nibbles(src, bytes) {
                    continue;
                }
                let codes = &mut codes[..src.len()];
                let first = index * PIECE + chunk * CHUNK;
                let dither = self.dither.skip(first as u64);
                plan.piece(src, CodeSliceMut::U8(codes), dither, false);
                pack_by(isa, codes, bits, order, bytes);
            }
        });
        Ok(())
    }

    /// Decodes a dense stream of codes of the format's width, at most 8 bits:
    /// [`unpack`](crate::unpack) and [`decode`](Self::decode) in one. Bits behind the last code are
    /// ignored.
    ///
    /// ```
    /// use subhalf::{BitOrder, FormatSpec, SliceConverter};
    /// let mut y = [0.0f32; 3];
    /// let e2m1 = SliceConverter::new(&FormatSpec::F4E2M1);
    /// e2m1.decode_packed(&[0xF2, 0x01], &mut y, BitOrder::LsbFirst)?;
    /// assert_eq!(y, [1.0, -6.0, 0.5]);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] if `bytes` is not `ceil(elements · bits / 8)` long; [`Error::CodeWidth`]
    /// for a format of more than 8 bits.
    pub fn decode_packed<T: Real>(
        &self,
        bytes: &[u8],
        dst: &mut [T],
        order: BitOrder,
    ) -> Result<(), Error> {
        self.decode_stream(bytes, T::slice_mut(dst), order)
    }

    fn decode_stream(
        &self,
        bytes: &[u8],
        dst: NumbersMut<'_>,
        order: BitOrder,
    ) -> Result<(), Error> {
        check(&self.spec, dst.len(), bytes.len())?;
        let plan = DecodePlan::new(self, &dst);
        let (bits, isa) = (self.spec.bits(), self.exec.isa());
        let (chunk_bytes, piece_bytes) = (CHUNK / 8 * bits as usize, PIECE / 8 * bits as usize);
        let past_caches = kernel::is_large(bytes.len() + dst.as_numbers().bytes());
        self.exec.over_streams([piece_bytes, PIECE], bytes, dst, |_, bytes, mut dst| {
            // 20 KiB of stack a piece: more than 64 Ki numbers go through them.
            let (mut codes, mut tile) = ([0u8; CHUNK], [0.0; CHUNK]);
            for (chunk, bytes) in bytes.chunks(chunk_bytes).enumerate() {
                let range = chunk * CHUNK..((chunk + 1) * CHUNK).min(dst.len());
                let mut dst = dst.range(range);
                let done = if order == BitOrder::LsbFirst {
                    plan.packed(bytes, &mut dst, past_caches.then_some(&mut tile))
                } else {
                    0
                };
                // The rest of the chunk, up to 63 numbers or all of it, is unpacked to one code a
                // byte first.
                let bytes = &bytes[done / 8 * bits as usize..];
                let dst = dst.range(done..dst.len());
                let codes = &mut codes[..dst.len()];
                unpack_by(isa, bytes, bits, order, codes);
                plan.piece(CodeSlice::U8(codes), dst, false);
            }
            // Stores past the caches are visible to whoever waits for this piece.
            kernel::fence();
        });
        Ok(())
    }
}

/// Refuses formats of more than 8 bits and streams of another length than the codes'.
fn check(spec: &FormatSpec, elements: usize, bytes: usize) -> Result<(), Error> {
    if spec.bits() > 8 {
        return Err(Error::CodeWidth { format: spec.short_name(), needed: spec.bits(), found: 8 });
    }
    let expected = packed_bytes(elements, spec.bits()).ok_or(Error::TooLarge)?;
    Error::check_length("packed bytes", expected, bytes)
}
