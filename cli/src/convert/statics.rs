//! Static scales of activations and of the cache of keys and values: from arrays of numbers that
//! ran through a layer (`--calibration`), or taken over from a checkpoint in another program's
//! convention.

use super::plan::{Job, Plan, Work};
use super::source::RawTensor;
use super::target::{Codes, OutTensor, Target};
use crate::failure::Failure;
use crate::npy::NpyFile;
use crate::report::Values;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use subhalf::Quantizer;
use subhalf::io::Convention;
use subhalf::{Extent, FormatSpec, TensorScale};

/// Scales by the name of their tensor: `model.layers.0.mlp.up_proj.input_scale`.
#[derive(Debug, Default)]
pub(super) struct Statics {
    scales: BTreeMap<String, f32>,
}

/// A scale as it is written, its tensor and its bytes, or why there is none.
type NewScale = Result<(OutTensor, Vec<u8>), String>;

/// What the last part of a name stands for.
const INPUTS: [&str; 2] = ["input_scale", "input_global_scale"];
const CACHE: [&str; 2] = ["k_scale", "v_scale"];

/// The largest E4M3 number, and that times the largest of E2M1.
pub(super) const FP8_MAX: f32 = FormatSpec::F8E4M3.max().to_f32();
pub(super) const NVFP4_MAX: f32 = FP8_MAX * FormatSpec::F4E2M1.max().to_f32();

fn refused(what: String) -> Failure {
    Failure::Conversion(what)
}

/// A name's part before the last dot, and that behind it.
fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

impl Target {
    /// The name of a layer's static input scale and whether it divides; `None` where the layout has
    /// none.
    fn input_scale(&self) -> Option<(&'static str, bool, f32)> {
        let Self::Codes(Codes::Layout(layout)) = self else { return None };
        let largest = match layout.spec().tensor_scale {
            // FP8 of rows and tiles has inputs whose scales are found as the model runs.
            TensorScale::None
                if layout.spec().element == FormatSpec::F8E4M3
                    && layout.spec().extent == Extent::Tensor =>
            {
                FP8_MAX
            }
            TensorScale::None => return None,
            _ => NVFP4_MAX,
        };
        match layout.convention() {
            Convention::CompressedTensors if largest == NVFP4_MAX => {
                Some(("input_global_scale", true, largest))
            }
            Convention::CompressedTensors | Convention::ModelOptimizer => {
                Some(("input_scale", false, largest))
            }
            _ => None,
        }
    }

    fn scale_shape(&self) -> Vec<usize> {
        match self {
            Self::Codes(Codes::Layout(layout))
                if layout.convention() == Convention::CompressedTensors =>
            {
                vec![1]
            }
            _ => vec![],
        }
    }

    fn scale_tensor(&self, name: String) -> OutTensor {
        let shape = self.scale_shape();
        OutTensor { name, dtype: "F32".to_owned(), shape, is_constant: true }
    }
}

impl Statics {
    /// Reads arrays whose files are called like the tensors of their scales:
    /// `model.layers.0.self_attn.k_scale.npy` holds keys.
    pub(super) fn read(files: &[PathBuf], target: &Target) -> Result<Self, Failure> {
        let mut scales = BTreeMap::new();
        for path in files {
            let file = path.display();
            let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            let name = stem.unwrap_or_default();
            let (module, last) = split(&name);
            let input = target.input_scale();
            let (name, divides, largest) = match (INPUTS.contains(&last), input) {
                (true, Some((own, divides, largest))) => {
                    (format!("{module}.{own}"), divides, largest)
                }
                (true, None) => {
                    let target = target.name();
                    return Err(refused(format!("{file}: {target} has no scales of inputs")));
                }
                (false, _) if CACHE.contains(&last) => (name.clone(), false, FP8_MAX),
                _ => {
                    let ends = [INPUTS, CACHE].concat().join(", ");
                    let expected = format!("expected a name that ends in one of {ends}");
                    return Err(refused(format!("{file}: {expected}, found {name}")));
                }
            };
            let amax = amax_of(path)?;
            let scale = if divides { largest / amax } else { amax / largest };
            if !(scale > 0.0 && scale.is_finite()) {
                let expected = "expected numbers with a largest magnitude that has a scale";
                return Err(refused(format!("{file}: {expected}, found {amax}")));
            }
            scales.insert(name, scale);
        }
        Ok(Self { scales })
    }

    /// The scales from `--calibration`, by which one conversion is told from another.
    pub(super) fn told(&self) -> &BTreeMap<String, f32> {
        &self.scales
    }

    fn has_inputs(&self) -> bool {
        self.scales.keys().any(|name| INPUTS.contains(&split(name).1))
    }

    /// Puts each scale into the file that has its module's weight, or the first one.
    pub(super) fn add_to<'s>(
        &self,
        jobs: &mut BTreeMap<String, Vec<Job<'s>>>,
        target: &Target,
    ) -> Result<(), Failure> {
        for (name, scale) in &self.scales {
            let module = split(name).0;
            let is_beside = |job: &Job<'_>| {
                job.tensors.iter().any(|tensor| {
                    tensor.name.strip_prefix(module).is_some_and(|rest| rest.starts_with('.'))
                })
            };
            let file = jobs.iter().find(|(_, jobs)| jobs.iter().any(is_beside));
            let Some(file) = file.map(|(file, _)| file.clone()) else {
                let what = format!("calibration of {name}");
                return Err(refused(format!("{what}: expected a module of the model, found none")));
            };
            let job = Job {
                tensors: vec![target.scale_tensor(name.clone())],
                work: Work::Bytes(scale.to_le_bytes().to_vec()),
            };
            let list = jobs.entry(file).or_default();
            // A calibrated scale replaces one that the source has.
            list.retain(|job| job.tensors.iter().all(|tensor| tensor.name != *name));
            list.push(job);
        }
        Ok(())
    }

    /// A static scale of a layer's inputs for the new layout, from the one that the source has:
    /// where the largest input becomes the same number, the scale or its reciprocal, else one that
    /// is made anew from that input. `None` of a tensor that is something else.
    pub(super) fn recoded(
        &self,
        tensor: &RawTensor<'_>,
        modules: &HashMap<&str, f32>,
        target: &Target,
    ) -> Result<Option<NewScale>, Failure> {
        let (module, last) = split(tensor.name());
        let is_scale = INPUTS.contains(&last) && tensor.dtype() == "F32" && tensor.length() == 4;
        let Some(&before) = modules.get(module).filter(|_| is_scale) else { return Ok(None) };
        let Some((own, divides, largest)) = target.input_scale() else {
            let reason = format!("{} has no scales of inputs", target.name());
            return Ok(Some(Err(reason)));
        };
        let mut scale = f32::NAN;
        tensor.pieces(|bytes| {
            scale = bytes.first_chunk().map_or(f32::NAN, |bytes| f32::from_le_bytes(*bytes));
            Ok(())
        })?;
        let divided = last == "input_global_scale";
        let new = match (before == largest, divides == divided) {
            (true, true) => scale,
            (true, false) => 1.0 / scale,
            (false, _) => {
                let amax = if divided { before / scale } else { scale * before };
                if divides { largest / amax } else { amax / largest }
            }
        };
        if !(new > 0.0 && new.is_finite()) {
            return Ok(Some(Err(format!("no scale of inputs: {scale}"))));
        }
        let out = target.scale_tensor(format!("{module}.{own}"));
        Ok(Some(Ok((out, new.to_le_bytes().to_vec()))))
    }
}

impl Plan<'_> {
    /// Settles whether the model has static scales of inputs, which is for all quantized modules or
    /// for none, and of caches.
    pub(super) fn settle_statics(&mut self, statics: &Statics) -> Result<(), Failure> {
        let mut modules = HashSet::new();
        let mut scaled = HashSet::new();
        for job in self.files.iter().flat_map(|file| &file.jobs) {
            if let Work::Quantize(weight, _) = &job.work {
                modules.insert(split(weight.name).0.to_owned());
            }
            for tensor in &job.tensors {
                let (module, last) = split(&tensor.name);
                if INPUTS.contains(&last) {
                    scaled.insert(module.to_owned());
                }
                self.has_cache_scales |= CACHE.contains(&last);
            }
        }
        let mut missing: Vec<&String> = modules.difference(&scaled).collect();
        missing.sort();
        let (Some(first), false) = (missing.first(), scaled.is_empty()) else {
            self.has_input_scales = !scaled.is_empty();
            return Ok(());
        };
        if statics.has_inputs() {
            let what = "--calibration: expected static scales of the inputs of all modules";
            return Err(refused(format!("{what} that are quantized, found none for {first}")));
        }
        for file in &mut self.files {
            file.jobs.retain(|job| {
                let is_input = |tensor: &OutTensor| INPUTS.contains(&split(&tensor.name).1);
                let name = job.tensors.iter().find(|tensor| is_input(tensor));
                if let Some(tensor) = name {
                    let reason = "other quantized modules have no static scale of inputs";
                    self.left.push((tensor.name.clone(), reason.to_owned()));
                }
                name.is_none()
            });
        }
        Ok(())
    }
}

/// The largest finite magnitude of an array.
fn amax_of(path: &Path) -> Result<f32, Failure> {
    let quantizer = Quantizer::new(&subhalf::preset::generic::INT8_TENSOR);
    Ok(Values::of_npy(NpyFile::open(path)?.read()?).amax(&quantizer))
}
