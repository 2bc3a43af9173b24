//! Slices of numbers to slices of codes and back: by kernels where there is one for the format and
//! the policy, else one element at a time through the reference codec.

use super::Exec;
use super::par::Pieces;
use super::real::Real;
use crate::error::Error;
use crate::kernel::{self, DecodeBytes, DecodeWide, Encoder, FakeQuantizer, Isa, look_up};
use crate::policy::Convert;
use crate::random::Dither;
use crate::round::Round;
use crate::spec::{Code, FormatSpec};

/// Encodes `src` into `dst`, one code an element in the low bits, each a single rounding of the
/// exact input under `convert`. `dither` gives the random words of a stochastic rounding; other
/// roundings ignore it.
///
/// ```
/// use subhalf::{Dither, Exec, FormatSpec, encode_slice};
/// let spec = FormatSpec::F8E4M3;
/// let mut codes = [0u8; 4];
/// encode_slice(&spec, &[1.0f32, -0.3, 1000.0, f32::NAN], &mut codes, &spec.default_convert(), Dither::NONE, Exec::default())?;
/// assert_eq!(codes, [0x38, 0xAA, 0x7E, 0x7F]);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::Length`] if `dst` is not as long as `src`; [`Error::CodeWidth`] if `C` is too narrow
/// for the format; [`Error::RandomBits`] if a stochastic rounding asks for none or more than 32.
pub fn encode_slice<T: Real, C: Code>(
    spec: &FormatSpec,
    src: &[T],
    dst: &mut [C],
    convert: &Convert,
    dither: Dither,
    exec: Exec,
) -> Result<(), Error> {
    Error::check_length("output length", src.len(), dst.len())?;
    check_width::<C>(spec)?;
    convert.round.validate()?;
    let encode = Encode::new(spec, convert, src.len(), dither, exec.isa());
    let streams = kernel::is_large(size_of_val(src) + size_of_val(dst));
    exec.over(src, dst, encode.pieces(), |first, src, dst| {
        encode.piece(src, dst, dither.skip(first as u64), streams)
    });
    Ok(())
}

/// An encoding of many elements: what is found out once for all pieces.
pub(super) struct Encode<'a> {
    spec: &'a FormatSpec,
    convert: &'a Convert,
    encoder: Option<Encoder>,
    isa: Isa,
}

impl<'a> Encode<'a> {
    pub(super) fn new(
        spec: &'a FormatSpec,
        convert: &'a Convert,
        elements: usize,
        dither: Dither,
        isa: Isa,
    ) -> Self {
        let kernel = has_kernel(elements, KERNEL_PAYS, dither);
        let encoder = if kernel { Encoder::lower(isa, spec, convert, elements) } else { None };
        Self { spec, convert, encoder, isa }
    }

    pub(super) const fn pieces(&self) -> Pieces {
        if self.encoder.is_some() { Pieces::Fast } else { Pieces::Slow }
    }

    /// Codes of a piece; `streams` if the whole is larger than the caches.
    pub(super) fn piece<T: Real, C: Code>(
        &self,
        src: &[T],
        dst: &mut [C],
        dither: Dither,
        streams: bool,
    ) {
        if let Some(encoder) = &self.encoder {
            let mut at = dither;
            let encode = |src: &[f32], dst: &mut [C]| {
                if streams && let Some(dst) = C::bytes_mut(dst) {
                    kernel::tiles(src, dst, |index, src, dst| {
                        encoder.encode(src, dst, at.skip(index))
                    });
                } else if streams && let Some(dst) = C::words_mut(dst) {
                    kernel::tiles(src, dst, |index, src, dst| {
                        encoder.encode(src, dst, at.skip(index))
                    });
                } else {
                    encoder.encode(src, dst, at);
                }
                at = at.skip(src.len() as u64);
            };
            if T::as_f32s(self.isa, src, dst, encoder.needs(self.convert), encode) {
                return;
            }
        }
        let words = Words::new(self.convert.round, dither);
        for (i, (x, code)) in src.iter().zip(dst).enumerate() {
            *code = C::truncate(self.spec.encode_with(x.unpack(), self.convert, words.get(i)).code);
        }
    }

    /// Codes of 4 bits, two a byte, the first in the low bits; says whether they are right, and
    /// made at all.
    #[cfg(feature = "alloc")]
    pub(super) fn nibbles<T: Real>(&self, src: &[T], bytes: &mut [u8]) -> bool {
        let Some(encoder) = &self.encoder else { return false };
        let (mut right, mut bytes) = (true, bytes);
        // Nothing belongs to one number alone; pieces of numbers are even, but for the last.
        let mut none = alloc::vec![(); src.len()];
        let made = T::as_f32s(self.isa, src, &mut none, encoder.needs(self.convert), |src, _| {
            let own = bytes.split_off_mut(..src.len().div_ceil(2)).unwrap_or_default();
            right &= encoder.nibbles(src, own);
        });
        made && right
    }
}

/// Decodes `src` into `dst`: each element the nearest `T` to the exact number (exact wherever `T`
/// is wide enough). Bits above a code's width are ignored.
///
/// ```
/// use subhalf::{Exec, FormatSpec, decode_slice};
/// let mut values = [0.0f32; 3];
/// decode_slice(&FormatSpec::F4E2M1, &[0x7u8, 0x9, 0x0], &mut values, Exec::default())?;
/// assert_eq!(values, [6.0, -0.5, 0.0]);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::Length`] if `dst` is not as long as `src`; [`Error::CodeWidth`] if `C` is too narrow
/// for the format.
pub fn decode_slice<C: Code, T: Real>(
    spec: &FormatSpec,
    src: &[C],
    dst: &mut [T],
    exec: Exec,
) -> Result<(), Error> {
    Error::check_length("output length", src.len(), dst.len())?;
    check_width::<C>(spec)?;
    let decode = Decode::<T>::new(spec, src.len(), exec.isa());
    let streams = kernel::is_large(size_of_val(src) + size_of_val(dst));
    exec.over(src, dst, decode.pieces(), |_, src, dst| decode.piece(src, dst, streams));
    Ok(())
}

/// A decoding of many elements.
pub(super) struct Decode<'a, T> {
    spec: &'a FormatSpec,
    way: DecodePath<T>,
    isa: Isa,
}

#[expect(clippy::large_enum_variant, reason = "one lives on the stack for the length of a call")]
enum DecodePath<T> {
    /// To f32.
    Bytes(DecodeBytes),
    /// To f32, above 8 bits.
    Wide(DecodeWide),
    /// The numbers of all codes.
    Table([T; 256]),
    Reference,
}

impl<'a, T: Real> Decode<'a, T> {
    pub(super) fn new(spec: &'a FormatSpec, elements: usize, isa: Isa) -> Self {
        let to_f32 = T::f32s_mut(&mut []).is_some();
        let way = match (elements >= decoding_pays(spec), to_f32, spec.bits() <= 8) {
            (true, true, true) => DecodePath::Bytes(DecodeBytes::lower(isa, spec)),
            (true, false, true) => DecodePath::Table(values(spec)),
            (true, true, false) => {
                DecodeWide::lower(isa, spec).map_or(DecodePath::Reference, DecodePath::Wide)
            }
            _ => DecodePath::Reference,
        };
        Self { spec, way, isa }
    }

    pub(super) const fn pieces(&self) -> Pieces {
        if matches!(self.way, DecodePath::Reference) { Pieces::Slow } else { Pieces::Fast }
    }

    /// Numbers of codes of a dense stream, if there is a quick way and as far as it goes: whole
    /// runs of 64; returns how many. By way of a tile they go past the caches, and other threads
    /// may not see them until a fence.
    #[cfg(feature = "alloc")]
    pub(super) fn packed(
        &self,
        bytes: &[u8],
        dst: &mut [T],
        tile: Option<&mut [f32; PACKED_CHUNK]>,
    ) -> usize {
        let (DecodePath::Bytes(decode), Some(dst)) = (&self.way, T::f32s_mut(dst)) else {
            return 0;
        };
        let whole = dst.len() - dst.len() % 64;
        if whole == 0 {
            return 0;
        }
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

    /// Numbers of a piece; `streams` if the whole is larger than the caches.
    pub(super) fn piece<C: Code>(&self, src: &[C], dst: &mut [T], streams: bool) {
        match (&self.way, C::bytes(src)) {
            (DecodePath::Table(table), Some(src)) => return look_up(self.isa, table, src, dst),
            (DecodePath::Bytes(decode), Some(src)) => {
                if let Some(dst) = T::f32s_mut(dst) {
                    return in_tiles(src, dst, streams, |src, dst| decode.decode(src, dst));
                }
            }
            (DecodePath::Wide(decode), _) => {
                if let Some(dst) = T::f32s_mut(dst) {
                    return in_tiles(src, dst, streams, |src, dst| decode.decode(src, dst));
                }
            }
            _ => {}
        }
        for (code, x) in src.iter().zip(dst) {
            *x = T::nearest(self.spec.decode(code.widen()));
        }
    }
}

/// Runs `work` at once, or past the caches.
fn in_tiles<S>(src: &[S], dst: &mut [f32], streams: bool, work: impl Fn(&[S], &mut [f32])) {
    if streams { kernel::tiles(src, dst, |_, src, dst| work(src, dst)) } else { work(src, dst) }
}

/// Replaces numbers by the representable numbers they would be stored as: [`encode_slice`] and
/// [`decode_slice`] in one.
///
/// ```
/// use subhalf::{Dither, Exec, FormatSpec, fake_quantize_slice};
/// let spec = FormatSpec::F4E2M1;
/// let mut y = [0.0f32; 3];
/// fake_quantize_slice(&spec, &[0.3f32, 2.4, -100.0], &mut y, &spec.default_convert(), Dither::NONE, Exec::default())?;
/// assert_eq!(y, [0.5, 2.0, -6.0]);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::Length`] if `dst` is not as long as `src`; [`Error::RandomBits`] as for
/// [`encode_slice`].
pub fn fake_quantize_slice<T: Real>(
    spec: &FormatSpec,
    src: &[T],
    dst: &mut [T],
    convert: &Convert,
    dither: Dither,
    exec: Exec,
) -> Result<(), Error> {
    Error::check_length("output length", src.len(), dst.len())?;
    convert.round.validate()?;
    let kernel = has_kernel(src.len(), decoding_pays(spec), dither);
    let fake =
        if kernel { FakeQuantizer::lower(exec.isa(), spec, convert, src.len()) } else { None };
    let table = fake
        .as_ref()
        .filter(|_| T::f32s_mut(&mut []).is_none() && spec.bits() <= 8)
        .map(|_| values::<T>(spec));
    let streams = kernel::is_large(size_of_val(src) + size_of_val(dst));
    let pieces = if fake.is_some() { Pieces::Fast } else { Pieces::Slow };
    exec.over(src, dst, pieces, |first, src, dst| {
        if let Some(fake) = &fake {
            let (mut done, mut dither) = (true, dither.skip(first as u64));
            let round = |src: &[f32], dst: &mut [T]| {
                match (T::f32s_mut(dst), &table) {
                    (Some(dst), _) if streams => {
                        kernel::tiles(src, dst, |at, src, dst| {
                            fake.numbers(src, dst, dither.skip(at))
                        });
                    }
                    (Some(dst), _) => fake.numbers(src, dst, dither),
                    (None, Some(table)) => fake.entries(src, dst, table, dither),
                    (None, None) => done = false,
                }
                dither = dither.skip(src.len() as u64);
            };
            if T::as_f32s(exec.isa(), src, dst, fake.encoder().needs(convert), round) && done {
                return;
            }
        }
        let words = Words::new(convert.round, dither.skip(first as u64));
        for (i, (x, y)) in src.iter().zip(dst).enumerate() {
            *y = T::nearest(spec.decode(spec.encode_with(x.unpack(), convert, words.get(i)).code));
        }
    });
    Ok(())
}

/// Elements of a dense stream converted at a time: a multiple of 8, so that chunks begin at bytes.
#[cfg(feature = "alloc")]
pub(super) const PACKED_CHUNK: usize = 4096;

/// Elements from which making the parameters of a kernel pays.
const KERNEL_PAYS: usize = 32;
/// Elements from which a table of the 256 codes of 8 bits pays.
pub(super) const TABLE_PAYS: usize = 256;

/// Elements from which a kernel that decodes pays.
const fn decoding_pays(spec: &FormatSpec) -> usize {
    if spec.bits() <= 8 { TABLE_PAYS } else { KERNEL_PAYS }
}

/// Whether a call goes to a kernel: it is large enough, and its elements' indices are in order.
const fn has_kernel(elements: usize, pays: usize, dither: Dither) -> bool {
    elements >= pays && dither.first_index.checked_add(elements as u64).is_some()
}

/// The numbers of all codes of a format of at most 8 bits.
fn values<T: Real>(spec: &FormatSpec) -> [T; 256] {
    core::array::from_fn(|code| T::nearest(spec.decode(code as u32)))
}

/// The random words of a run of elements; none are made for a rounding that takes none.
pub(super) struct Words {
    dither: Dither,
    bits: Option<u8>,
}

impl Words {
    pub(super) const fn new(round: Round, dither: Dither) -> Self {
        let bits = match round {
            Round::Stochastic { bits, .. } => Some(bits),
            _ => None,
        };
        Self { dither, bits }
    }

    pub(super) fn get(&self, offset: usize) -> u32 {
        self.bits.map_or(0, |bits| self.dither.word(offset as u64, bits))
    }
}

pub(super) fn check_width<C: Code>(spec: &FormatSpec) -> Result<(), Error> {
    if spec.bits() <= C::BITS {
        Ok(())
    } else {
        Err(Error::CodeWidth { format: spec.short_name(), needed: spec.bits(), found: C::BITS })
    }
}
