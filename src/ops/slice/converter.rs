//! [`SliceConverter`]: what a conversion of slices may be told. How the work is done is said in the
//! file of each direction.

use crate::format::Format;
use crate::ops::Exec;
use crate::policy::Convert;
use crate::random::Dither;
use crate::round::Round;
use crate::spec::FormatSpec;

/// A conversion of slices to and from one format, with everything that it may be told: the policy,
/// the rounding, the random words, how to run.
///
/// The defaults are the format's [default policy](FormatSpec::default_convert), no random words and
/// [`Exec::PARALLEL`]. Where these are enough, the calls of [`FormatSpec`] are shorter:
/// [`encode_slice`](FormatSpec::encode_slice), [`decode_slice`](FormatSpec::decode_slice),
/// [`fake_quantize`](FormatSpec::fake_quantize).
///
/// Inputs and outputs are f32, f64 and, with the `half` feature, f16 and bf16 ([`Real`](crate::Real)); codes are
/// u8, u16 or u32, one an element in the low bits ([`Code`](crate::Code)). Every element is one rounding of the
/// exact input, and has the bits that [`FormatSpec::encode_with`] gives, whatever the threads,
/// pieces and instructions.
///
/// ```
/// use subhalf::{Convert, Dither, Exec, FormatSpec, Round, SliceConverter, Stochastic};
/// let e2m1 = SliceConverter::new(&FormatSpec::F4E2M1);
/// let x = [0.3f32, 2.4, -100.0, 2.5];
///
/// let mut codes = [0u8; 4];
/// e2m1.encode(&x, &mut codes)?;
/// assert_eq!(codes, [0x1, 0x4, 0xF, 0x4]); // 0.5, 2, -6, 2: the tie 2.5 goes to even
///
/// let mut y = [0.0f32; 4];
/// e2m1.round(Round::TowardZero).exec(Exec::SERIAL).fake_quantize(&x, &mut y)?;
/// assert_eq!(y, [0.0, 2.0, -6.0, 2.0]);
///
/// // CUDA's policy makes the largest number of NaN, which E2M1 does not have.
/// e2m1.convert(&Convert::CUDA_SATFINITE).encode(&[f32::NAN; 4], &mut codes)?;
/// assert_eq!(codes, [0x7; 4]);
///
/// // A quarter of the way from 2 to 3: about one in four goes up.
/// let round = Round::stochastic(Stochastic::A, 16)?;
/// let mut many = [2.25f32; 1000];
/// e2m1.round(round).dither(Dither::new(42)).fake_quantize_in_place(&mut many)?;
/// assert_eq!(many.iter().filter(|y| **y == 3.0).count(), 250);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SliceConverter {
    pub(super) spec: FormatSpec,
    convert: Convert,
    /// The rounding, if it is not the policy's.
    round: Option<Round>,
    /// Random words for stochastic roundings; the element at index `i` takes word `i`.
    pub(super) dither: Dither,
    pub(super) exec: Exec,
}

impl SliceConverter {
    /// Conversions to and from a format, with its default policy, no random words, on all threads.
    #[must_use]
    pub const fn new(spec: &FormatSpec) -> Self {
        Self {
            // A copy of some tens of bytes, so that a converter borrows nothing and can be a
            // `const`.
            spec: *spec,
            convert: spec.default_convert(),
            round: None,
            dither: Dither::NONE,
            exec: Exec::PARALLEL,
        }
    }

    /// Conversions to and from the format of a type, with the type's policy
    /// ([`Format::CONVERT`]), no random words, on all threads.
    ///
    /// ```
    /// use subhalf::{F8E4M3, Round, SliceConverter};
    /// const E4M3: SliceConverter = SliceConverter::of::<F8E4M3>().round(Round::TowardZero);
    /// let mut y = [F8E4M3::default(); 3];
    /// E4M3.encode_typed(&[0.3f32, 1000.0, -2.0], &mut y)?;
    /// assert_eq!(y, [0.28125, 448.0, -2.0].map(F8E4M3::from_f32));
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    #[must_use]
    pub const fn of<F: Format>() -> Self {
        Self::new(&F::SPEC).convert(&F::CONVERT)
    }

    /// Sets the policy: what overflow, infinities, NaN and zeros become, and the rounding.
    #[must_use]
    pub const fn convert(mut self, convert: &Convert) -> Self {
        self.convert = *convert;
        self
    }

    /// Sets the rounding, in place of the policy's; no matter whether [`convert`](Self::convert)
    /// is called before or after.
    #[must_use]
    pub const fn round(mut self, round: Round) -> Self {
        self.round = Some(round);
        self
    }

    /// Sets the random words of a stochastic rounding: element `i` of a slice takes word `i`.
    /// Other roundings ignore it. For a part of a slice with the bits of the whole,
    /// [`skip`](Dither::skip) the elements before it.
    #[must_use]
    pub const fn dither(mut self, dither: Dither) -> Self {
        self.dither = dither;
        self
    }

    /// Sets how to run; no result depends on it.
    #[must_use]
    pub const fn exec(mut self, exec: Exec) -> Self {
        self.exec = exec;
        self
    }

    /// The policy with the rounding.
    pub(super) const fn policy(&self) -> Convert {
        // Put together here, so that the order of `convert` and `round` does not matter.
        match self.round {
            Some(round) => self.convert.with_round(round),
            None => self.convert,
        }
    }
}
