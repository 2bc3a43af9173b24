//! [`Numbers`] and [`NumbersMut`]: slices of numbers whose type is known at run time. Bulk calls
//! are generic at the door alone: what is behind it is compiled once, in this crate, and a program
//! that calls it compiles none of it again.

#[cfg(feature = "alloc")]
use crate::block::Number;
use crate::codec::Unpacked;
#[cfg(feature = "alloc")]
use crate::kernel;
#[cfg(feature = "alloc")]
use crate::kernel::Encoder;
use crate::kernel::{Isa, Needs, to_odd};
#[cfg(feature = "alloc")]
use crate::policy::Convert;
#[cfg(all(feature = "alloc", feature = "half"))]
use crate::random::Dither;
#[cfg(feature = "alloc")]
use crate::spec::FormatSpec;
#[cfg(feature = "alloc")]
use alloc::vec::Vec;
use core::ops::Range;
#[cfg(all(feature = "alloc", feature = "half"))]
use half::slice::HalfFloatSliceExt;

/// A slice of numbers of one of the types that bulk calls read.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
#[allow(missing_docs, reason = "hidden")]
pub enum Numbers<'a> {
    F32(&'a [f32]),
    F64(&'a [f64]),
    I8(&'a [i8]),
    U8(&'a [u8]),
    I16(&'a [i16]),
    U16(&'a [u16]),
    #[cfg(feature = "half")]
    F16(&'a [half::f16]),
    #[cfg(feature = "half")]
    BF16(&'a [half::bf16]),
}

/// A slice to write, of numbers of one of the types that bulk calls make.
#[derive(Debug)]
#[doc(hidden)]
#[allow(missing_docs, reason = "hidden")]
pub enum NumbersMut<'a> {
    F32(&'a mut [f32]),
    F64(&'a mut [f64]),
    #[cfg(feature = "half")]
    F16(&'a mut [half::f16]),
    #[cfg(feature = "half")]
    BF16(&'a mut [half::bf16]),
}

/// Evaluates an expression with the slice, whatever its type.
macro_rules! each_type {
    (Numbers: $numbers:expr, $slice:ident => $result:expr) => {
        match $numbers {
            Numbers::F32($slice) => $result,
            Numbers::F64($slice) => $result,
            Numbers::I8($slice) => $result,
            Numbers::U8($slice) => $result,
            Numbers::I16($slice) => $result,
            Numbers::U16($slice) => $result,
            #[cfg(feature = "half")]
            Numbers::F16($slice) => $result,
            #[cfg(feature = "half")]
            Numbers::BF16($slice) => $result,
        }
    };
    (NumbersMut: $numbers:expr, $slice:ident => $result:expr) => {
        match $numbers {
            NumbersMut::F32($slice) => $result,
            NumbersMut::F64($slice) => $result,
            #[cfg(feature = "half")]
            NumbersMut::F16($slice) => $result,
            #[cfg(feature = "half")]
            NumbersMut::BF16($slice) => $result,
        }
    };
}

impl<'a> Numbers<'a> {
    /// How many numbers there are.
    pub(super) const fn len(self) -> usize {
        each_type!(Numbers: self, numbers => numbers.len())
    }

    /// The bytes that the numbers take.
    pub(super) const fn bytes(self) -> usize {
        each_type!(Numbers: self, numbers => size_of_val(numbers))
    }

    /// Some of the numbers.
    pub(super) fn range(self, range: Range<usize>) -> Self {
        match self {
            Self::F32(numbers) => Self::F32(&numbers[range]),
            Self::F64(numbers) => Self::F64(&numbers[range]),
            Self::I8(numbers) => Self::I8(&numbers[range]),
            Self::U8(numbers) => Self::U8(&numbers[range]),
            Self::I16(numbers) => Self::I16(&numbers[range]),
            Self::U16(numbers) => Self::U16(&numbers[range]),
            #[cfg(feature = "half")]
            Self::F16(numbers) => Self::F16(&numbers[range]),
            #[cfg(feature = "half")]
            Self::BF16(numbers) => Self::BF16(&numbers[range]),
        }
    }

    /// Successive parts of a length; the last may be shorter.
    pub(super) fn chunks(self, length: usize) -> impl ExactSizeIterator<Item = Self> + Clone {
        let starts = (0..self.len()).step_by(length);
        starts.map(move |start| self.range(start..(start + length).min(self.len())))
    }

    /// A number, exactly.
    pub(super) fn unpack(self, index: usize) -> Unpacked {
        match self {
            Self::F32(numbers) => Unpacked::from_f32(numbers[index]),
            Self::F64(numbers) => Unpacked::from_f64(numbers[index]),
            Self::I8(numbers) => Unpacked::from_f32(numbers[index].into()),
            Self::U8(numbers) => Unpacked::from_f32(numbers[index].into()),
            Self::I16(numbers) => Unpacked::from_f32(numbers[index].into()),
            Self::U16(numbers) => Unpacked::from_f32(numbers[index].into()),
            #[cfg(feature = "half")]
            Self::F16(numbers) => Unpacked::from_f16(numbers[index]),
            #[cfg(feature = "half")]
            Self::BF16(numbers) => Unpacked::from_bf16(numbers[index]),
        }
    }

    /// Whether [`widen`](Self::widen) keeps what a kernel needs to know of the numbers.
    pub(super) const fn f32s_meet(self, needs: Needs) -> bool {
        match self {
            // An f32 does not show which numbers are subnormal f64s, nor bits behind its 24th.
            Self::F64(_) => !needs.subnormals && !needs.exact,
            // An f32 does not show which numbers are subnormal f16s: all of them are normal f32s.
            #[cfg(feature = "half")]
            Self::F16(_) => !needs.subnormals,
            // A bf16 is the upper half of an f32: the same numbers are subnormal.
            _ => true,
        }
    }

    /// Writes the numbers as f32s: equal, or of an f64 rounded to odd.
    pub(super) fn widen(self, isa: Isa, dst: &mut [f32]) {
        match self {
            Self::F32(numbers) => dst.copy_from_slice(numbers),
            Self::F64(numbers) => to_odd(isa, numbers, dst),
            Self::I8(numbers) => copy_as_f32s(numbers, dst),
            Self::U8(numbers) => copy_as_f32s(numbers, dst),
            Self::I16(numbers) => copy_as_f32s(numbers, dst),
            Self::U16(numbers) => copy_as_f32s(numbers, dst),
            #[cfg(feature = "half")]
            Self::F16(numbers) => copy_as_f32s(numbers, dst),
            #[cfg(feature = "half")]
            Self::BF16(numbers) => copy_as_f32s(numbers, dst),
        }
    }
}

/// What only tensors and products ask.
#[cfg(feature = "alloc")]
impl<'a> Numbers<'a> {
    /// The name of the numbers' type.
    #[cfg(feature = "matmul")]
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::F32(_) => "f32",
            Self::F64(_) => "f64",
            Self::I8(_) => "i8",
            Self::U8(_) => "u8",
            Self::I16(_) => "i16",
            Self::U16(_) => "u16",
            #[cfg(feature = "half")]
            Self::F16(_) => "half::f16",
            #[cfg(feature = "half")]
            Self::BF16(_) => "half::bf16",
        }
    }

    /// Whether numbers are wider than f32.
    pub(super) const fn are_wide(self) -> bool {
        matches!(self, Self::F64(_))
    }

    /// The f32s that statistics and kernels see; in the buffer, unless they are f32s as they lie.
    pub(super) fn seen<'b>(self, isa: Isa, buffer: &'b mut Vec<f32>) -> &'b [f32]
    where
        'a: 'b,
    {
        // No copy: f32s are read where they lie.
        if let Self::F32(numbers) = self {
            return numbers;
        }
        // The buffer is the caller's and keeps its size from chunk to chunk.
        buffer.resize(self.len(), 0.0);
        match self {
            Self::F32(_) => {}
            // Toward zero, and the last bit set if anything was lost: no comparison with an f32 of
            // fewer bits changes.
            Self::F64(numbers) => to_odd(isa, numbers, buffer),
            // Exact: every integer of 16 bits and every f16 and bf16 is an f32.
            Self::I8(numbers) => kernel::widen(isa, numbers, buffer),
            Self::U8(numbers) => kernel::widen(isa, numbers, buffer),
            Self::I16(numbers) => kernel::widen(isa, numbers, buffer),
            Self::U16(numbers) => kernel::widen(isa, numbers, buffer),
            #[cfg(feature = "half")]
            Self::F16(numbers) => kernel::widen(isa, numbers, buffer),
            #[cfg(feature = "half")]
            Self::BF16(numbers) => kernel::widen(isa, numbers, buffer),
        }
        buffer
    }

    /// A number, as rules take it.
    pub(super) fn number(self, index: usize) -> Number {
        match self {
            Self::F32(numbers) => Number::F32(numbers[index]),
            Self::F64(numbers) => Number::F64(numbers[index]),
            Self::I8(numbers) => Number::F32(numbers[index].into()),
            Self::U8(numbers) => Number::F32(numbers[index].into()),
            Self::I16(numbers) => Number::F32(numbers[index].into()),
            Self::U16(numbers) => Number::F32(numbers[index].into()),
            #[cfg(feature = "half")]
            Self::F16(numbers) => Number::F32(numbers[index].into()),
            #[cfg(feature = "half")]
            Self::BF16(numbers) => Number::F32(numbers[index].into()),
        }
    }

    /// All numbers, as rules take them.
    pub(super) fn each(self) -> impl Iterator<Item = Number> + Clone {
        (0..self.len()).map(move |index| self.number(index))
    }

    /// Prefetches what follows, as much as these numbers take.
    pub(super) fn prefetch(self) {
        each_type!(Numbers: self, numbers => kernel::prefetch(numbers));
    }
}

/// Writes numbers that are f32s as these.
fn copy_as_f32s<T: Copy + Into<f32>>(numbers: &[T], dst: &mut [f32]) {
    dst.iter_mut().zip(numbers).for_each(|(to, x)| *to = (*x).into());
}

/// Writes f32s as numbers of another type, by a kernel that makes their codes.
#[cfg(all(feature = "alloc", feature = "half"))]
fn encode_all<D>(
    encoder: Option<&Encoder>,
    numbers: &[f32],
    dst: &mut [D],
    of: impl Fn(Unpacked) -> D,
) where
    [D]: HalfFloatSliceExt,
{
    match encoder {
        Some(encoder) => encoder.encode(numbers, dst.reinterpret_cast_mut(), Dither::NONE),
        None => {
            dst.iter_mut().zip(numbers).for_each(|(to, x)| *to = of(Unpacked::from_f32(*x)));
        }
    }
}

impl<'a> NumbersMut<'a> {
    /// How many numbers there are.
    pub(super) const fn len(&self) -> usize {
        each_type!(NumbersMut: self, numbers => numbers.len())
    }

    /// Whether there are none.
    #[cfg(feature = "alloc")]
    pub(super) const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The slice, if its numbers are f32s.
    pub(super) const fn f32s(&mut self) -> Option<&mut [f32]> {
        match self {
            Self::F32(numbers) => Some(numbers),
            _ => None,
        }
    }

    /// Writes the number nearest to an exact one, ties to even; NaN is the positive quiet one.
    pub(super) fn set(&mut self, index: usize, x: Unpacked) {
        match self {
            Self::F32(numbers) => numbers[index] = x.to_f32(),
            Self::F64(numbers) => numbers[index] = x.to_f64(),
            #[cfg(feature = "half")]
            Self::F16(numbers) => numbers[index] = x.to_f16(),
            #[cfg(feature = "half")]
            Self::BF16(numbers) => numbers[index] = x.to_bf16(),
        }
    }

    /// Returns the format that f32s are rounded to; `None` for f32 and f64, which hold every f32.
    #[cfg(feature = "alloc")]
    const fn rounded_format(&self) -> Option<FormatSpec> {
        match self {
            Self::F32(_) | Self::F64(_) => None,
            #[cfg(feature = "half")]
            Self::F16(_) => Some(FormatSpec::F16),
            #[cfg(feature = "half")]
            Self::BF16(_) => Some(FormatSpec::BF16),
        }
    }

    /// Returns the kernel by which [`round`](Self::round) rounds f32s to the type, `elements` in a
    /// call; `None` where nothing is rounded.
    #[cfg(feature = "alloc")]
    pub(super) fn rounding(&self, isa: Isa, elements: usize) -> Option<Encoder> {
        let format = self.rounded_format()?;
        Encoder::lower(isa, &format, &Convert::IEEE, elements)
    }

    /// Writes f32s whose NaNs are the positive quiet one, each rounded to the nearest number of the
    /// type, ties to even, by the kernel that [`rounding`](Self::rounding) returned for this type.
    #[cfg(feature = "alloc")]
    pub(super) fn round(&mut self, numbers: &[f32], encoder: Option<&Encoder>) {
        // Without `half` nothing else reads it.
        let _ = encoder;
        // The type is matched once, not once for a number.
        match self {
            Self::F32(dst) => dst.copy_from_slice(numbers),
            Self::F64(dst) => dst.iter_mut().zip(numbers).for_each(|(to, x)| *to = f64::from(*x)),
            #[cfg(feature = "half")]
            Self::F16(dst) => encode_all(encoder, numbers, dst, Unpacked::to_f16),
            #[cfg(feature = "half")]
            Self::BF16(dst) => encode_all(encoder, numbers, dst, Unpacked::to_bf16),
        }
    }

    /// The numbers, to read.
    pub(super) const fn as_numbers(&self) -> Numbers<'_> {
        match self {
            Self::F32(numbers) => Numbers::F32(numbers),
            Self::F64(numbers) => Numbers::F64(numbers),
            #[cfg(feature = "half")]
            Self::F16(numbers) => Numbers::F16(numbers),
            #[cfg(feature = "half")]
            Self::BF16(numbers) => Numbers::BF16(numbers),
        }
    }

    /// The slice cut in two.
    pub(super) fn split_at(self, at: usize) -> (Self, Self) {
        match self {
            Self::F32(numbers) => {
                let (front, rest) = numbers.split_at_mut(at);
                (Self::F32(front), Self::F32(rest))
            }
            Self::F64(numbers) => {
                let (front, rest) = numbers.split_at_mut(at);
                (Self::F64(front), Self::F64(rest))
            }
            #[cfg(feature = "half")]
            Self::F16(numbers) => {
                let (front, rest) = numbers.split_at_mut(at);
                (Self::F16(front), Self::F16(rest))
            }
            #[cfg(feature = "half")]
            Self::BF16(numbers) => {
                let (front, rest) = numbers.split_at_mut(at);
                (Self::BF16(front), Self::BF16(rest))
            }
        }
    }

    /// Some of the numbers, to write.
    pub(super) fn range(&mut self, range: Range<usize>) -> NumbersMut<'_> {
        match self {
            Self::F32(numbers) => NumbersMut::F32(&mut numbers[range]),
            Self::F64(numbers) => NumbersMut::F64(&mut numbers[range]),
            #[cfg(feature = "half")]
            Self::F16(numbers) => NumbersMut::F16(&mut numbers[range]),
            #[cfg(feature = "half")]
            Self::BF16(numbers) => NumbersMut::BF16(&mut numbers[range]),
        }
    }

    /// Successive parts of a length; the last may be shorter.
    #[cfg(feature = "alloc")]
    pub(super) fn chunks(self, length: usize) -> impl Iterator<Item = Self> {
        let mut rest = Some(self);
        core::iter::from_fn(move || {
            let all = rest.take().filter(|rest| !rest.is_empty())?;
            let at = length.min(all.len());
            let (front, behind) = all.split_at(at);
            rest = Some(behind);
            Some(front)
        })
    }
}
