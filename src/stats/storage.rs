//! The error of storing a slice in a format, and the scale that uses the format's whole range.
//!
//! Elements go through f64 buffers of a chunk that stays in L1:
//!
//! ```text
//! q    = x / scale                         f64
//! y    = nearest number of the format      a kernel: of f32s rounded to odd first, of exact f32s,
//!                                          or of f64s by a table of steps; else one at a time
//! back = y · scale                         f64
//! flag = q beyond the bounds of overflow   compared; under random words asked one at a time
//! ```

use super::ErrorStats;
use super::overflow::bounds;
use super::pairs::{GROUP, PairGroup, widen};
use crate::error::Error;
use crate::flags::Flags;
#[cfg(feature = "alloc")]
use crate::kernel::NumberSteps;
use crate::kernel::{self, Bounds, CHUNK_PAIRS, FakeQuantizer, Isa, to_odd};
use crate::ops::Exec;
use crate::policy::{Convert, SubnormalInputs};
use crate::random::Dither;
use crate::round::Round;
use crate::spec::{Encoding, FormatSpec};
#[cfg(feature = "alloc")]
use alloc::boxed::Box;

/// The error of storing each `x` of `src` as `decode(encode(x / scale)) · scale`, elements in
/// order.
///
/// Quotient and product are f64, whatever the type of the elements, so that the result is the error
/// of the format and not that of one program's f32 arithmetic: the quotient is one rounding to 53
/// bits, the product is exact for codes of up to 29 significant bits. `scale` is used as it stands;
/// 1 stores the elements unscaled; [`amax_scale`] gives the scale that uses the whole range. Since
/// the quotient is an f64, `convert.subnormal_inputs` sees no subnormal f32. `dither` gives the
/// words of a stochastic rounding. `exec` changes no bit: the order of the sums is that of
/// [`ErrorStats`].
///
/// ```
/// use subhalf::{Dither, Exec, FormatSpec, amax_scale, storage_error};
/// let (e4m3, x) = (FormatSpec::F8E4M3, [0.875f32, -0.5, 0.015625, 0.3]);
/// let scale = amax_scale(&e4m3, &x, Exec::default());
/// assert_eq!(scale, 0.001953125); // 0.875 / 448
/// let policy = e4m3.default_convert();
/// let stats = storage_error(&e4m3, &x, scale, &policy, Dither::NONE, Exec::default())?;
/// assert_eq!(stats.max_abs_error(), 0.3125 - 0.3f32 as f64); // only 0.3 is not representable
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::RandomBits`] if a stochastic rounding asks for no random bits or more than 32.
pub fn storage_error<T: Copy + Sync + Into<f64>>(
    spec: &FormatSpec,
    src: &[T],
    scale: f32,
    convert: &Convert,
    dither: Dither,
    exec: Exec,
) -> Result<ErrorStats, Error> {
    convert.round.validate()?;
    let storage = Storage::new(spec, f64::from(scale), convert, dither, src.len(), exec.isa());
    let measure = |first: usize, piece: &[T]| {
        PairGroup::measure(exec.isa(), piece.len(), |at, x, back| {
            widen(&piece[at..], x);
            storage.chunk((first + at) as u64, x, back)
        })
    };
    let mut total = ErrorStats::new();
    exec.fold(src, GROUP, measure, |group| total.append(&group));
    Ok(total)
}

/// What is found out once for all chunks.
struct Storage<'a> {
    spec: &'a FormatSpec,
    convert: &'a Convert,
    scale: f64,
    dither: Dither,
    /// A kernel and the bounds of overflow; `None`: the reference codec, one element at a time.
    fast: Option<(Rounder, Bounds)>,
    isa: Isa,
}

/// How f64s become numbers of the format.
#[expect(clippy::large_enum_variant, reason = "one lives on the stack for the length of a call")]
enum Rounder {
    /// By way of f32s, which are all numbers of the format. With `exact` the f64s must be f32s.
    Numbers { kernel: FakeQuantizer, exact: bool },
    /// By way of f32s, to the numbers of all codes.
    Entries { kernel: FakeQuantizer, exact: bool, numbers: [f64; 256] },
    /// To f32 itself, nearest even, beyond the largest to infinity.
    F32,
    /// By a table of steps.
    #[cfg(feature = "alloc")]
    Steps(Box<NumberSteps>),
}

/// Elements from which kernels pay: their parameters and the bounds of overflow are some hundred
/// calls of the reference codec.
const KERNEL_PAYS: usize = 512;

/// Elements from which finding the steps of a format pays; those of a codebook are computed.
#[cfg(feature = "alloc")]
const STEPS_PAY: usize = 4096;

impl<'a> Storage<'a> {
    fn new(
        spec: &'a FormatSpec,
        scale: f64,
        convert: &'a Convert,
        dither: Dither,
        elements: usize,
        isa: Isa,
    ) -> Self {
        // Kernels do not follow indices of random words around 2^64.
        let in_order = dither.first_index.checked_add(elements as u64).is_some();
        let fast = if elements >= KERNEL_PAYS && in_order {
            bounds(spec, convert).and_then(|bounds| {
                Rounder::lower(spec, convert, elements, isa).map(|rounder| (rounder, bounds))
            })
        } else {
            None
        };
        Self { spec, convert, scale, dither, fast, isa }
    }

    /// Writes what a chunk of references, from element `first` on, comes back as, and returns how
    /// many overflowed, apart from infinities that were lost.
    fn chunk(&self, first: u64, x: &[f64], back: &mut [f64]) -> u64 {
        let Some((rounder, bounds)) = &self.fast else { return self.reference(first, x, back) };
        let mut buffer = [0.0f64; CHUNK_PAIRS];
        let q = &mut buffer[..x.len()];
        kernel::quotients(self.isa, x, self.scale, q);
        // A policy that flushes means subnormal f64s here, which no kernel tells from f32s.
        let flushes = matches!(self.convert.subnormal_inputs, SubnormalInputs::Flush);
        if flushes && q.iter().any(|q| q.is_subnormal())
            || !rounder.round(self.isa, q, back, self.dither.skip(first), self.scale)
        {
            return self.reference(first, x, back);
        }
        let mut counts = [0; 2];
        kernel::beyond(self.isa, bounds, x, q, back, &mut counts);
        let [overflowed, doubtful] = counts.map(|count| count as u64);
        if doubtful == 0 {
            return overflowed;
        }
        // The random words of a few elements decide.
        let asked = (first..).zip(&*q).filter(|(index, q)| {
            bounds.is_doubtful(**q) && self.encode(**q, *index).1.contains(Flags::OVERFLOW)
        });
        overflowed + asked.count() as u64
    }

    /// The definition, one element at a time.
    fn reference(&self, first: u64, x: &[f64], back: &mut [f64]) -> u64 {
        let mut overflowed = 0;
        for (index, (x, back)) in (first..).zip(x.iter().zip(back)) {
            let quotient = x / self.scale;
            let (number, flags) = self.encode(quotient, index);
            *back = number * self.scale;
            let left_f64 = x.is_finite() && quotient.is_infinite();
            let lost_infinity = x.is_infinite() && !back.is_infinite();
            overflowed +=
                u64::from((left_f64 || flags.contains(Flags::OVERFLOW)) && !lost_infinity);
        }
        overflowed
    }

    /// The number nearest to a quotient, with the random word of element `index`.
    fn encode(&self, quotient: f64, index: u64) -> (f64, Flags) {
        let random = match self.convert.round {
            Round::Stochastic { bits, .. } => self.dither.word(index, bits),
            _ => 0,
        };
        let encoded = self.spec.encode_f64_with(quotient, self.convert, random);
        (self.spec.decode_f64(encoded.code), encoded.flags)
    }
}

impl Rounder {
    /// The fastest way for a format and a policy, if there is one.
    fn lower(spec: &FormatSpec, convert: &Convert, elements: usize, isa: Isa) -> Option<Self> {
        // No quotient is a subnormal f32 to the policy, but an f64.
        let kept = convert.with_subnormal_inputs(SubnormalInputs::Keep);
        let is_exact = |kernel: &FakeQuantizer| kernel.encoder().needs(&kept).exact;
        // Kernels that take rounded f64s first. Those that look f32s up in tables do not, and are
        // not made for a call of no elements: they would take longer than the steps below.
        let kernel = FakeQuantizer::lower(isa, spec, &kept, 0).filter(|kernel| !is_exact(kernel));
        if let Some(rounder) = kernel.and_then(|kernel| Self::of(spec, kernel, false)) {
            return Some(rounder);
        }
        if rounds_as_f32(spec, &kept) {
            return Some(Self::F32);
        }
        #[cfg(feature = "alloc")]
        if (elements >= STEPS_PAY || matches!(spec.encoding(), Encoding::Codebook(_)))
            && let Some(steps) = NumberSteps::lower(spec, &kept)
        {
            return Some(Self::Steps(steps));
        }
        let kernel = FakeQuantizer::lower(isa, spec, &kept, elements)?;
        let exact = is_exact(&kernel);
        Self::of(spec, kernel, exact)
    }

    fn of(spec: &FormatSpec, kernel: FakeQuantizer, exact: bool) -> Option<Self> {
        if numbers_are_f32s(spec) {
            Some(Self::Numbers { kernel, exact })
        } else if spec.bits() <= 8 {
            // `decode` ignores bits above the width of a code.
            let numbers = core::array::from_fn(|code| spec.decode_f64(code as u32));
            Some(Self::Entries { kernel, exact, numbers })
        } else {
            None
        }
    }

    /// Writes the numbers nearest to quotients, times the scale. Returns false, and leaves anything
    /// in `back`, if the chunk is one for the reference codec.
    fn round(&self, isa: Isa, q: &[f64], back: &mut [f64], dither: Dither, scale: f64) -> bool {
        let (mut narrow, mut numbers) = ([0.0f32; CHUNK_PAIRS], [0.0f32; CHUNK_PAIRS]);
        let (narrow, numbers) = (&mut narrow[..q.len()], &mut numbers[..q.len()]);
        let exact = match self {
            Self::Numbers { exact, .. } | Self::Entries { exact, .. } => Some(*exact),
            _ => None,
        };
        if exact.is_some_and(|exact| !to_f32s(isa, q, narrow, exact)) {
            return false;
        }
        match self {
            Self::Numbers { kernel, .. } => {
                kernel.numbers(narrow, numbers, dither);
                kernel::products(isa, numbers, scale, back);
            }
            Self::Entries { kernel, numbers, .. } => {
                kernel.entries(narrow, back, numbers, dither);
                kernel::rescale(isa, scale, back);
            }
            Self::F32 => {
                kernel::narrow(isa, q, numbers, &mut false);
                kernel::products(isa, numbers, scale, back);
            }
            #[cfg(feature = "alloc")]
            Self::Steps(steps) => {
                back.copy_from_slice(q);
                steps.round(isa, back);
                kernel::rescale(isa, scale, back);
            }
        }
        true
    }
}

/// Writes f64s as f32s: exactly, or rounded to odd. Returns false if they must be exact and are
/// not.
fn to_f32s(isa: Isa, q: &[f64], narrow: &mut [f32], exact: bool) -> bool {
    if exact {
        let mut lost = false;
        kernel::narrow(isa, q, narrow, &mut lost);
        return !lost;
    }
    to_odd(isa, q, narrow);
    true
}

/// Whether every number of a format is an f32.
fn numbers_are_f32s(spec: &FormatSpec) -> bool {
    // At most 24 significant bits between the smallest and the largest number.
    let narrow = match spec.encoding() {
        Encoding::Float(_) | Encoding::HiF8 | Encoding::Codebook(_) => true,
        Encoding::Int(layout) => layout.bits <= 24,
        Encoding::Posit(layout) => layout.bits <= 24,
    };
    let is_f32 = |x: f64| f64::from(x as f32) == x;
    narrow
        && [spec.max(), spec.min(), spec.smallest_positive()]
            .iter()
            .all(|number| is_f32(number.to_f64()))
}

/// Whether a conversion is that of `as f32`: to nearest even, and beyond the largest f32 infinity.
fn rounds_as_f32(spec: &FormatSpec, convert: &Convert) -> bool {
    let stays_infinite = |x: f64| spec.decode_f64(spec.encode_f64_with(x, convert, 0).code) == x;
    let overflow = |x: f64| spec.encode_f64_with(x, convert, 0).code;
    *spec == FormatSpec::F32
        && matches!(convert.round, Round::NearestEven)
        && [f64::INFINITY, f64::NEG_INFINITY]
            .iter()
            .all(|x| stays_infinite(*x) && overflow(x.signum() * f64::MAX) == overflow(*x))
}

/// The scale that maps the largest magnitude of a tensor to the largest number of a format:
/// `amax / max`, as an f32.
///
/// `amax` is the largest magnitude of the finite elements. The quotient is rounded to the nearest
/// f32, but not below the smallest normal one, 2^-126; it is the next f32 up if the largest element
/// would overflow otherwise (among the named formats this happens for F32 alone). The scale is 1 if
/// no element is finite and nonzero, or if the quotient is beyond f32.
///
/// ```
/// use subhalf::{Exec, FormatSpec, amax_scale};
/// assert_eq!(amax_scale(&FormatSpec::F4E2M1, &[0.5f32, -12.0, f32::NAN], Exec::default()), 2.0);
/// assert_eq!(amax_scale(&FormatSpec::F8E5M2, &[0.0f32; 8], Exec::default()), 1.0);
/// ```
#[must_use]
pub fn amax_scale<T: Copy + Sync + Into<f64>>(spec: &FormatSpec, src: &[T], exec: Exec) -> f32 {
    let largest = |_, piece: &[T]| {
        let (mut amax, mut wide) = (0.0, [0.0; CHUNK_PAIRS]);
        for chunk in piece.chunks(CHUNK_PAIRS) {
            widen(chunk, &mut wide);
            kernel::finite_amax_f64(exec.isa(), &wide[..chunk.len()], &mut amax);
        }
        amax
    };
    let mut amax = 0.0f64;
    exec.fold(src, GROUP, largest, |piece| amax = amax.max(piece));
    let scale = (amax / spec.max().to_f64()) as f32;
    if amax == 0.0 || !scale.is_finite() {
        return 1.0;
    }
    let scale = scale.max(f32::MIN_POSITIVE);
    let largest = spec.encode_f64_with(amax / f64::from(scale), &spec.default_convert(), 0);
    if largest.flags.contains(Flags::OVERFLOW) { scale.next_up() } else { scale }
}
