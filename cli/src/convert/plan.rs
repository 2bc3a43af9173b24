//! What each file of the result is to hold: for every weight and tensor of the source what becomes
//! of it, known from headers alone.

use super::choice::Choice;
use super::source::{RawTensor, Source, SourceWeight, turned};
use super::statics::Statics;
use super::target::{Codes, OutTensor, Target};
use crate::failure::Failure;
use std::collections::{BTreeMap, HashMap, HashSet};
use subhalf::FormatSpec;
use subhalf::io::GgufContents;

/// A file that is written.
pub(super) struct OutFile<'s> {
    pub(super) name: String,
    pub(super) jobs: Vec<Job<'s>>,
}

/// Some tensors of a file, and where their bytes come from.
pub(super) struct Job<'s> {
    pub(super) tensors: Vec<OutTensor>,
    pub(super) work: Work<'s>,
}

pub(super) enum Work<'s> {
    Copy(RawTensor<'s>),
    /// Bytes that are known.
    Bytes(Vec<u8>),
    /// A weight that is quantized, or kept under another scheme.
    Quantize(&'s SourceWeight<'s>, &'s Codes),
    /// A quantized weight as plain numbers.
    Numbers(&'s SourceWeight<'s>, FormatSpec),
}

/// The files of the result, and what was decided about weights that were not converted.
pub(super) struct Plan<'s> {
    pub(super) files: Vec<OutFile<'s>>,
    /// Weights and tensors that are not converted, and why.
    pub(super) left: Vec<(String, String)>,
    /// Modules of matrices that stay plain numbers.
    pub(super) ignored: Vec<String>,
    /// Whether every quantized module has a static scale of its inputs.
    pub(super) has_input_scales: bool,
    pub(super) has_cache_scales: bool,
    /// Whether weights keep the source's codes, which its config describes.
    pub(super) has_own_codes: bool,
}

/// Where the tensors of the result go.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// One file for each of the source.
    Files,
    /// All in one safetensors file.
    One,
    /// All in one GGUF file.
    Gguf,
}

/// Types of plain numbers that GGUF and safetensors both have.
const SHARED_TYPES: [&str; 8] = ["F16", "BF16", "F32", "F64", "I8", "I16", "I32", "I64"];

const TOO_MANY_AXES: &str = "not in the new file: more axes than ggml has";

/// Plans the conversion of `source`, whose weights are `weights`.
pub(super) fn plan<'s>(
    source: &'s Source,
    weights: &'s [SourceWeight<'s>],
    target: &'s Target,
    choice: &Choice,
    statics: &Statics,
    shape: Shape,
) -> Result<Plan<'s>, Failure> {
    let from_gguf = matches!(source, Source::Gguf(_));
    let to_gguf = matches!(shape, Shape::Gguf);
    let mut plan = Plan {
        files: Vec::new(),
        left: Vec::new(),
        ignored: Vec::new(),
        has_input_scales: false,
        has_cache_scales: false,
        has_own_codes: false,
    };
    let mut jobs: BTreeMap<String, Vec<Job<'s>>> = BTreeMap::new();
    let file_of = |own: String| match shape {
        Shape::Files if !own.is_empty() => own,
        _ => "model.safetensors".to_owned(),
    };
    for weight in weights {
        if to_gguf && weight.shape.len() > GgufContents::MAX_AXES {
            plan.left.push((weight.name.to_owned(), TOO_MANY_AXES.to_owned()));
            continue;
        }
        let list = jobs.entry(file_of(weight.file.clone())).or_default();
        let codes = match target {
            Target::Codes(codes) => codes,
            Target::Numbers(format) => {
                let is_same = weight.numbers.as_deref() == Some(format.name());
                match choice.refuses(weight.name) {
                    None if is_same => list.extend(weight.parts().into_iter().map(copy)),
                    None => list.push(numbers(weight, *format)),
                    Some(reason) => {
                        plan.left.push((weight.name.to_owned(), reason.to_owned()));
                        plan.has_own_codes |= weight.scheme.is_some();
                        list.extend(weight.parts().into_iter().map(copy));
                    }
                }
                continue;
            }
        };
        let tensors = match choice.leaves(weight.name, weight.shape) {
            Some(reason) => Err(reason.to_owned()),
            None => {
                let scaled = weight.is_nvfp4();
                let shape = weight.shape_for(codes);
                codes.tensors(weight.name, &shape, &weight.format(), scaled)
            }
        };
        match tensors {
            Ok(tensors) => list.push(Job { tensors, work: Work::Quantize(weight, codes) }),
            Err(reason) => {
                plan.left.push((weight.name.to_owned(), reason));
                if let (2.., Some(module)) =
                    (weight.shape.len(), weight.name.strip_suffix(".weight"))
                {
                    plan.ignored.push(module.to_owned());
                }
                // Codes in another program's layout would contradict the config.
                if weight.scheme.is_some() && !(from_gguf && to_gguf) {
                    list.push(numbers(weight, FormatSpec::BF16));
                } else {
                    list.extend(weight.parts().into_iter().map(copy));
                }
            }
        }
    }
    // The largest input of a module under its static scale.
    let modules: HashMap<&str, f32> = weights
        .iter()
        .filter_map(|weight| {
            let (module, _) = weight.name.rsplit_once('.')?;
            Some((module, weight.input_target()?))
        })
        .collect();
    for (tensor, undecoded) in source.carried() {
        let name = tensor.name().to_owned();
        let is_shared = SHARED_TYPES.contains(&tensor.dtype().as_str());
        if let Some(reason) = undecoded
            && choice.refuses(&name).is_none()
            && !(from_gguf && to_gguf)
        {
            let what = format!("tensor '{name}' looks like a weight that cannot be read: {reason}");
            let hint = "--exclude it to carry it along as it is";
            return Err(Failure::Conversion(format!("{what}; {hint}")));
        }
        if from_gguf != to_gguf && !is_shared {
            plan.left.push((name, format!("{}: no such type in the new file", tensor.dtype())));
            continue;
        }
        if to_gguf && tensor.shape().len() > GgufContents::MAX_AXES {
            plan.left.push((name, TOO_MANY_AXES.to_owned()));
            continue;
        }
        let job = match statics.recoded(&tensor, &modules, target)? {
            Some(Ok((tensor, bytes))) => Job { tensors: vec![tensor], work: Work::Bytes(bytes) },
            Some(Err(reason)) => {
                plan.left.push((name, reason));
                continue;
            }
            None => copy(tensor),
        };
        jobs.entry(file_of(tensor.file())).or_default().push(job);
    }
    statics.add_to(&mut jobs, target)?;
    plan.files = jobs.into_iter().map(|(name, jobs)| OutFile { name, jobs }).collect();
    plan.settle_statics(statics)?;
    // Files are checked one by one when they are written; a name in two of them would be lost.
    let mut names = HashSet::new();
    for tensor in plan.files.iter().flat_map(|file| &file.jobs).flat_map(|job| &job.tensors) {
        if !names.insert(&*tensor.name) {
            let what = format!("tensor '{}': expected one of this name, found two", tensor.name);
            return Err(Failure::Conversion(what));
        }
    }
    drop(names);
    Ok(plan)
}

fn copy(tensor: RawTensor<'_>) -> Job<'_> {
    let out = OutTensor {
        name: tensor.name().to_owned(),
        dtype: tensor.dtype(),
        shape: tensor.shape().to_vec(),
        is_constant: false,
    };
    Job { tensors: vec![out], work: Work::Copy(tensor) }
}

fn numbers<'s>(weight: &'s SourceWeight<'s>, format: FormatSpec) -> Job<'s> {
    let out = OutTensor {
        name: weight.name.to_owned(),
        dtype: format.name().to_owned(),
        shape: if weight.is_turned() { turned(weight.shape) } else { weight.shape.to_vec() },
        is_constant: false,
    };
    Job { tensors: vec![out], work: Work::Numbers(weight, format) }
}
