//! What storing tensors in formats and block-scaled schemes costs: all that was chosen, one tensor
//! after the other, in one pass over the file.

use super::chosen::Chosen;
use super::pieces::{self, Elements, Worst};
use super::weights::{Tensor, Values, Weights};
use super::wide::{WideBf16, WideF16};
use crate::failure::Failure;
use crate::progress::Progress;
use bytemuck::TransparentWrapper;
use rayon::prelude::*;
use subhalf::preset::Preset;
use subhalf::{Dither, ErrorStats, Exec, FormatSpec, Source, Sqnr, amax_scale, storage_error};

/// What one tensor costs in everything that was chosen, in the order of [`Chosen`].
pub(crate) struct Measured {
    pub(crate) formats: Vec<FormatErrors>,
    pub(crate) schemes: Vec<Stored>,
}

/// The errors in one format, or their totals.
#[derive(Clone, Default)]
pub(crate) struct FormatErrors {
    /// Scaled so that the largest magnitude of the tensor is the largest number of the format.
    pub(crate) scaled: ErrorStats,
    pub(crate) unscaled: ErrorStats,
}

/// One tensor in one scheme, or the total of all.
#[derive(Default)]
pub(crate) struct Stored {
    pub(crate) errors: ErrorStats,
    /// Bits of codes, scales, offsets and the tensor scale.
    pub(crate) bits: u64,
    /// If codes are counted.
    pub(crate) worst: Option<Worst>,
    /// How many elements have each code and how many blocks have each scale, if asked for.
    pub(crate) histograms: Histograms,
}

#[derive(Default)]
pub(crate) struct Histograms {
    pub(crate) codes: Vec<u64>,
    pub(crate) scales: Vec<u64>,
}

impl Stored {
    /// Bits that an element takes, with everything that is stored beside it; 0 of nothing.
    pub(crate) fn bits_per_element(&self) -> f64 {
        match self.errors.count() {
            0 => 0.0,
            elements => self.bits as f64 / elements as f64,
        }
    }

    /// Adds a tensor to the total: the ratio of a total is the sum of all signal over the sum of
    /// all noise.
    fn add(&mut self, next: &Self) {
        self.errors.merge(&next.errors);
        self.bits += next.bits;
        add_counts(&mut self.histograms.codes, &next.histograms.codes);
        add_counts(&mut self.histograms.scales, &next.histograms.scales);
    }
}

/// A ratio as a number that sorts: exact is infinite, and what is undefined is worst.
pub(crate) fn decibels(ratio: Sqnr) -> f64 {
    match ratio {
        Sqnr::Exact => f64::INFINITY,
        Sqnr::Decibels(value) => value,
        Sqnr::Undefined => f64::NEG_INFINITY,
    }
}

pub(crate) fn add_counts(sums: &mut Vec<u64>, counts: &[u64]) {
    sums.resize(sums.len().max(counts.len()), 0);
    sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
}

/// Whether codes and scales are counted. It costs memory for each tensor that waits.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Counting {
    Codes,
    Nothing,
}

/// A weight that could not be read, and why.
pub(crate) struct Unread {
    pub(crate) name: String,
    pub(crate) reason: String,
}

/// What came of a weight.
pub(crate) type Outcome = Result<(Tensor, Measured), Unread>;

/// All tensors together.
pub(crate) struct Totals {
    pub(crate) formats: Vec<FormatErrors>,
    pub(crate) schemes: Vec<Stored>,
    /// How many weights could not be read.
    pub(crate) unread: usize,
}

impl Totals {
    fn new(chosen: &Chosen) -> Self {
        Self {
            formats: chosen.formats.iter().map(|_| FormatErrors::default()).collect(),
            schemes: chosen.schemes.iter().map(|_| Stored::default()).collect(),
            unread: 0,
        }
    }

    /// The schemes by the bits that they take, and then the best first.
    pub(crate) fn by_bits(&self, chosen: &Chosen) -> Vec<(&'static Preset, &Stored)> {
        let mut schemes: Vec<_> = chosen.schemes.iter().copied().zip(&self.schemes).collect();
        schemes.sort_by(|(_, a), (_, b)| {
            let ratio = |stored: &Stored| decibels(stored.errors.sqnr_db());
            let by_bits = a.bits_per_element().total_cmp(&b.bits_per_element());
            by_bits.then(ratio(b).total_cmp(&ratio(a)))
        });
        schemes
    }

    fn add(&mut self, outcome: &Outcome) {
        let Ok((_, next)) = outcome else {
            self.unread += 1;
            return;
        };
        for (total, next) in self.formats.iter_mut().zip(&next.formats) {
            total.scaled.merge(&next.scaled);
            total.unscaled.merge(&next.unscaled);
        }
        self.schemes.iter_mut().zip(&next.schemes).for_each(|(total, next)| total.add(next));
    }
}

/// Measures every tensor and hands it to `each`, in the order of the file; one that cannot be read
/// does not keep the others from being measured. Some small tensors are read and measured together,
/// on all threads; a large one is alone, and the library uses the threads.
pub(crate) fn all(
    chosen: &Chosen,
    weights: &Weights,
    counting: Counting,
    flatten: bool,
    progress: &Progress,
    mut each: impl FnMut(&[Outcome]) -> Result<(), Failure>,
) -> Result<Totals, Failure> {
    let mut totals = Totals::new(chosen);
    let mut first = 0;
    while first < weights.len() {
        let entries = (first..weights.len()).map(|index| weights.entry(index));
        let last = first + together(entries.map(|entry| entry.elements()));
        let mut tensors = Vec::with_capacity(last - first);
        for index in first..last {
            tensors.push(match weights.read(index) {
                Ok(mut tensor) => {
                    if flatten {
                        flattened(&mut tensor.shape);
                    }
                    Ok(tensor)
                }
                Err(error) => {
                    let name = weights.entry(index).name().to_owned();
                    Err(Unread { name, reason: error.to_string() })
                }
            });
        }
        let one = |read: Result<Tensor, Unread>| match read {
            Ok(tensor) => {
                let measured = measure(chosen, &tensor, counting, progress)?;
                Ok::<Outcome, subhalf::Error>(Ok((tensor, measured)))
            }
            Err(unread) => Ok(Err(unread)),
        };
        let measured = if tensors.len() == 1 {
            tensors.into_iter().map(one).collect::<Result<Vec<_>, _>>()?
        } else {
            tensors.into_par_iter().map(one).collect::<Result<Vec<_>, _>>()?
        };
        measured.iter().for_each(|outcome| totals.add(outcome));
        each(&measured)?;
        first = last;
    }
    Ok(totals)
}

/// How many tensors are measured together: few elements in all, or a single one.
fn together(elements: impl Iterator<Item = usize>) -> usize {
    const ELEMENTS: usize = 1 << 16;
    const TENSORS: usize = 64;
    let sums = elements.scan(0usize, |sum, elements| {
        *sum = sum.saturating_add(elements);
        Some(*sum)
    });
    sums.take(TENSORS).take_while(|&sum| sum <= ELEMENTS).count().max(1)
}

/// The first axis by all others; a tensor without elements, whose others may have no product,
/// stays.
pub(crate) fn flattened(shape: &mut Vec<usize>) {
    if let [first, others @ ..] = shape.as_slice()
        && others.len() > 1
        && let Some(cols) = others.iter().try_fold(1usize, |cols, &axis| cols.checked_mul(axis))
    {
        *shape = vec![*first, cols];
    }
}

fn measure(
    chosen: &Chosen,
    tensor: &Tensor,
    counting: Counting,
    progress: &Progress,
) -> Result<Measured, subhalf::Error> {
    let Tensor { shape, values, .. } = tensor;
    match values {
        Values::F16(x) => measure_in(chosen, x, WideF16::wrap_slice(x), shape, counting, progress),
        Values::Bf16(x) => {
            measure_in(chosen, x, WideBf16::wrap_slice(x), shape, counting, progress)
        }
        Values::F32(x) => measure_in(chosen, x, x, shape, counting, progress),
        Values::F64(x) => {
            let narrowed = values.to_f32();
            measure_in(chosen, &narrowed, x, shape, counting, progress)
        }
    }
}

/// `src` is quantized, and its error counted from `reference`: the same numbers, except that an f64
/// is rounded to f32 first.
fn measure_in<T: Source, R: Copy + Sync + Into<f64>>(
    chosen: &Chosen,
    src: &[T],
    reference: &[R],
    shape: &[usize],
    counting: Counting,
    progress: &Progress,
) -> Result<Measured, subhalf::Error> {
    let largest = largest(reference);
    let format = |spec: &FormatSpec| {
        let stored = |scale| {
            let policy = spec.default_convert();
            storage_error(spec, reference, scale, &policy, Dither::NONE, Exec::default())
        };
        let errors = FormatErrors {
            scaled: stored(amax_scale(spec, &[largest], Exec::SERIAL))?,
            unscaled: stored(1.0)?,
        };
        progress.measured(reference.len());
        Ok::<_, subhalf::Error>(errors)
    };
    let amax = match chosen.schemes.first() {
        Some(preset) => pieces::quantizer(preset).amax(src),
        None => 0.0,
    };
    let scheme = |preset: &&'static Preset| {
        let stored = pieces::measure(preset, Elements { src, reference, shape, amax }, counting)?;
        progress.measured(reference.len());
        Ok::<_, subhalf::Error>(stored)
    };
    let formats = chosen.formats.iter().map(format).collect::<Result<_, _>>()?;
    let schemes = chosen.schemes.iter().map(scheme).collect::<Result<_, _>>()?;
    Ok(Measured { formats, schemes })
}

/// A finite element as large as any; 0 without one. It has the scale of the whole tensor in every
/// format ([`amax_scale`]), so that the tensor is searched once.
fn largest<R: Copy + Sync + Into<f64>>(reference: &[R]) -> f64 {
    let larger = |largest: f64, x: &R| {
        let x: f64 = (*x).into();
        let x = x.abs();
        // False for NaN.
        if x > largest && x < f64::INFINITY { x } else { largest }
    };
    reference.par_chunks(1 << 16).map(|x| x.iter().fold(0.0, larger)).reduce(|| 0.0, f64::max)
}
