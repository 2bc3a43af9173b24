//! From tensors to weights: tries the rules of the table on every tensor, and says of what is left
//! over why no rule took it.

use super::config::QuantConfig;
use super::header::{DtypeName, TensorEntry};
use super::plan::{Convention, Form, Group, Reason, Role, Scheme, WeightPlan, format_of, mismatch};
use super::rules::{BESIDE, RULES, Rule};
use super::weight::{Content, Weight};
use crate::block::{BlockSpec, Extent, ScaleRule};
use crate::io::error::one_line;
use safetensors::Dtype;
use std::borrow::Cow;
use std::boxed::Box;
use std::collections::{BTreeMap, HashMap};
use std::format;
use std::string::{String, ToString};
use std::sync::Arc;
use std::vec;
use std::vec::Vec;

/// A tensor that is no weight and no part of one, to be carried along as it is.
#[derive(Clone, Debug)]
pub struct Carried {
    pub(super) tensor: usize,
    pub(super) name: Box<str>,
    pub(super) dtype: DtypeName,
    pub(super) shape: Box<[usize]>,
    pub(super) reason: Reason,
    pub(super) undecoded: bool,
}

impl Carried {
    /// The name of the tensor.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the type of its elements, as the file has it.
    #[must_use]
    pub fn dtype(&self) -> String {
        self.dtype.to_string()
    }

    /// The lengths of its axes, as the file has them.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Why it is no weight: one line.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Whether it looks like a weight, or a part of one, that could not be read: codes whose other
    /// tensors are missing or do not fit, scales of such codes, a dtype that is not known. Integers
    /// and Booleans beside the weights, and scales of activations, do not.
    #[must_use]
    pub const fn is_undecoded(&self) -> bool {
        self.undecoded
    }
}

/// What tensors were recognised as.
pub(super) struct Recognized {
    /// In the order of their codes, or numbers.
    pub(super) weights: Vec<Weight>,
    pub(super) carried: Vec<Carried>,
}

/// What is known of a checkpoint besides its bytes.
pub(super) struct Described<'c> {
    pub(super) entries: &'c [TensorEntry],
    /// The numbers of tensors by name.
    pub(super) places: HashMap<&'c str, usize>,
    pub(super) metadata: &'c BTreeMap<String, String>,
    pub(super) config: &'c QuantConfig,
}

/// Recognises all tensors; `bytes` reads a small one.
pub(super) fn recognize(
    described: &Described<'_>,
    bytes: &dyn Fn(&TensorEntry) -> Result<Vec<u8>, Reason>,
) -> Recognized {
    let Described { entries, .. } = described;
    let mut weights: Vec<Weight> = Vec::new();
    let mut schemes = Vec::new();
    // For each tensor whether a weight has it.
    let mut taken = vec![false; entries.len()];
    let mut refused: HashMap<usize, Reason> = HashMap::new();
    for place in 0..entries.len() {
        match of_rules(described, place, bytes) {
            Ok(Some(mut weight)) => {
                weight.tensors.iter().for_each(|&(_, tensor)| taken[tensor] = true);
                share_scheme(&mut weight, &mut schemes);
                weights.push(weight);
            }
            Ok(None) => {}
            Err(reason) => {
                refused.insert(place, reason);
            }
        }
    }
    let quantized = described.config.method().is_some() || !weights.is_empty();
    // Modules with codes in them, whose other tensors may be scales, and whether all were read.
    let mut modules: HashMap<&str, bool> = HashMap::new();
    for (entry, &taken) in entries.iter().zip(&taken) {
        if !is_number(entry.dtype.known()) {
            *modules.entry(module(&entry.name)).or_insert(true) &= taken;
        }
    }
    let mut carried = Vec::new();
    for (place, entry) in entries.iter().enumerate().filter(|&(place, _)| !taken[place]) {
        // Why the tensor is none by itself, and whether it looks like a part of one.
        let reason = match (refused.remove(&place), entry.dtype.known()) {
            (Some(reason), _) => Some((reason, true)),
            (None, Some(dtype)) if is_number(Some(dtype)) => beside(entry, &modules),
            (None, dtype) => without_scales(entry, dtype, quantized).err(),
        };
        match (reason, entry.dtype.known()) {
            (None, Some(dtype)) => {
                let mut weight = alone(place, entry, dtype);
                share_scheme(&mut weight, &mut schemes);
                weights.push(weight);
            }
            (reason, _) => {
                let (reason, undecoded) =
                    reason.unwrap_or((Cow::Borrowed("a dtype that is not known"), true));
                let TensorEntry { name, dtype, shape, .. } = entry.clone();
                carried.push(Carried { tensor: place, name, dtype, shape, reason, undecoded });
            }
        }
    }
    weights.sort_by_key(|weight| weight.tensors[0].1);
    Recognized { weights, carried }
}

/// Lets a weight have the scheme of one before it where both are equal: a scheme takes more memory
/// than all else that is known of a weight.
fn share_scheme(weight: &mut Weight, schemes: &mut Vec<Arc<Scheme>>) {
    /// So many schemes are compared: a model has one for each kind of layer.
    const RECENT: usize = 8;
    let Content::Quantized { scheme, .. } = &mut weight.content else { return };
    match schemes.iter().rev().take(RECENT).find(|before| **before == *scheme) {
        Some(before) => *scheme = before.clone(),
        None => schemes.push(scheme.clone()),
    }
}

const fn is_number(dtype: Option<Dtype>) -> bool {
    matches!(dtype, Some(Dtype::F16 | Dtype::BF16 | Dtype::F32 | Dtype::F64))
}

/// How many tensors of a rule are there, and why it does not fit all the same.
type Misfit = (usize, Reason);

/// The weight whose codes a tensor is. Among rules that fail the reason is that of the one with most
/// of its tensors there, which is probably meant.
fn of_rules(
    described: &Described<'_>,
    place: usize,
    bytes: &dyn Fn(&TensorEntry) -> Result<Vec<u8>, Reason>,
) -> Result<Option<Weight>, Reason> {
    let codes = &described.entries[place];
    let mut best: Option<Misfit> = None;
    for rule in RULES {
        let Some(base) = base_of(rule, described.config.method(), codes) else { continue };
        let planned = match companions(described, rule, base) {
            Ok(mut tensors) => {
                if codes.shape.contains(&0) {
                    return Err(Cow::Borrowed("codes without elements"));
                }
                tensors.insert(0, (Role::Codes, place));
                let all = tensors.len();
                planned(described, rule, base, tensors, bytes).map_err(|reason| Some((all, reason)))
            }
            Err(reason) => Err(reason),
        };
        match planned {
            Ok(weight) => return Ok(Some(weight)),
            Err(Some((count, reason))) if best.as_ref().is_none_or(|best| count > best.0) => {
                best = Some((count, reason));
            }
            Err(_) => {}
        }
    }
    match best {
        Some((_, reason)) => Err(reason),
        None => Ok(None),
    }
}

/// The tensors of a rule beside the codes, or how many of them there are and what is wrong; an error
/// without a reason if nothing of it is there, so that another rule is meant.
fn companions(
    described: &Described<'_>,
    rule: &Rule,
    base: &str,
) -> Result<Vec<(Role, usize)>, Option<Misfit>> {
    let mut tensors = Vec::new();
    let (mut wrong, mut missing) = (None, None);
    for companion in rule.companions {
        let found = described.places.get(&*format!("{base}{}", companion.suffix));
        match found.map(|&found| (found, &described.entries[found])) {
            Some((found, entry))
                if entry.dtype.known().is_some_and(|own| companion.dtypes.contains(&own)) =>
            {
                tensors.push((companion.role, found));
            }
            // One that the rule could do without is not passed over: it would change the numbers.
            Some((_, entry)) => wrong = wrong.or(Some((entry, companion.dtypes))),
            None if companion.needed => missing = missing.or(Some(companion.suffix)),
            None => {}
        }
    }
    match (wrong, missing) {
        (None, None) => Ok(tensors),
        (Some((entry, dtypes)), _) => {
            let dtypes: Vec<String> = dtypes.iter().map(|dtype| format!("{dtype}")).collect();
            Err(Some((tensors.len(), mismatch(entry, dtypes.join(", ")))))
        }
        // What is there of a rule's tensors shows that it is meant.
        (None, Some(suffix)) if !tensors.is_empty() => {
            let name = one_line(&format!("{base}{suffix}"));
            let reason = format!("expected a tensor '{name}' beside the codes, found none");
            Err(Some((tensors.len(), Cow::Owned(reason))))
        }
        (None, Some(_)) => Err(None),
    }
}

/// The name of a tensor without the suffix of a rule's codes, if the rule may apply to it.
fn base_of<'e>(rule: &Rule, method: Option<&str>, codes: &'e TensorEntry) -> Option<&'e str> {
    let (suffix, dtypes) = rule.codes;
    if !codes.dtype.known().is_some_and(|dtype| dtypes.contains(&dtype)) {
        return None;
    }
    let asked = rule.methods.is_empty() || method.is_some_and(|own| rule.methods.contains(&own));
    let base = codes.name.strip_suffix(suffix).filter(|_| asked)?;
    // A suffix is a whole part of the name, or says itself where it begins.
    let whole = base.is_empty() || base.ends_with('.') || suffix.starts_with('_');
    // torchao puts an underscore before the weight's own name.
    let own = rule.convention != Convention::Torchao || last(base).starts_with('_');
    (whole && own).then_some(base)
}

fn planned(
    described: &Described<'_>,
    rule: &Rule,
    base: &str,
    tensors: Vec<(Role, usize)>,
    bytes: &dyn Fn(&TensorEntry) -> Result<Vec<u8>, Reason>,
) -> Result<Weight, Reason> {
    let found: Vec<(Role, &TensorEntry)> =
        tensors.iter().map(|&(role, tensor)| (role, &described.entries[tensor])).collect();
    let name = match rule.convention {
        Convention::Torchao => {
            let start = base.len() - last(base).len();
            format!("{}{}", &base[..start], &base[start + 1..])
        }
        _ => format!("{base}{}", rule.name),
    };
    let group = Group {
        convention: rule.convention,
        found: &found,
        config: described.config,
        layer: module(&name),
        description: described.metadata.get(&name).map(String::as_str),
        bytes,
    };
    let WeightPlan { spec, shape, form } = (rule.plan)(&group)?;
    // The scheme contradicts itself only if a rule does; the message then names what.
    spec.validate().map_err(|error| Cow::Owned(error.to_string()))?;
    let fits = shape.iter().try_fold(1usize, |all, &axis| all.checked_mul(axis));
    if fits.is_none_or(|count| count > isize::MAX as usize / 8) {
        return Err(Cow::Owned(crate::error::Error::TooLarge.to_string()));
    }
    let in_place = matches!(form, Form::Stored);
    let scheme = Scheme { convention: rule.convention, layout: rule.layout, spec, in_place };
    Ok(Weight {
        name: name.into(),
        shape,
        content: Content::Quantized { scheme: Arc::new(scheme), form },
        tensors,
        checkpoint: 0,
    })
}

/// Why numbers are no weight, if so, and whether they belong to codes that were not read.
fn beside(entry: &TensorEntry, modules: &HashMap<&str, bool>) -> Option<(Reason, bool)> {
    let own = last(&entry.name);
    let single = entry.shape.iter().product::<usize>() <= 1;
    let read = modules.get(module(&entry.name)).copied();
    let known = known_beside(own).filter(|_| single || read.is_some());
    if let Some(reason) = known {
        return Some((Cow::Borrowed(reason), false));
    }
    let scales = ["scale", "absmax", "quant_map", "zero_point", "SCB"];
    let named = scales.iter().any(|part| own.contains(part)) || own == "biases";
    let reason = "scales of codes beside them, not weights";
    read.filter(|_| named).map(|read| (Cow::Borrowed(reason), !read))
}

/// What tensors of a name are, by the table; it may begin with the weight's own name.
fn known_beside(own: &str) -> Option<&'static str> {
    let is =
        |name: &str| own.strip_suffix(name).is_some_and(|rest| matches!(rest, "" | "_weight_"));
    BESIDE.iter().find(|(name, _)| is(name)).map(|(_, reason)| *reason)
}

/// Whether codes stand for themselves, or why not, and whether they look like a weight.
fn without_scales(
    entry: &TensorEntry,
    dtype: Option<Dtype>,
    quantized: bool,
) -> Result<(), (Reason, bool)> {
    let Some(dtype) = dtype else {
        return Err((Cow::Owned(format!("a dtype that is not known: {}", entry.dtype)), true));
    };
    if let Some(reason) = known_beside(last(&entry.name)) {
        return Err((Cow::Borrowed(reason), false));
    }
    let reason = match dtype {
        Dtype::BOOL => "Booleans, not weights",
        Dtype::C64 => "complex numbers, not weights",
        Dtype::F8_E8M0 => return Err((Cow::Borrowed("scales, not weights"), true)),
        Dtype::F8_E4M3
        | Dtype::F8_E5M2
        | Dtype::F8_E4M3FNUZ
        | Dtype::F8_E5M2FNUZ
        | Dtype::F6_E2M3
        | Dtype::F6_E3M2
        | Dtype::F4 => {
            let bits = format_of(dtype).map_or(8, |format| format.bits() as usize);
            let cols = entry.shape.last().copied().unwrap_or(1);
            let reason = if last(&entry.name).contains("scale") {
                "scales of codes that no rule reads"
            } else if quantized {
                "codes without the scales that others have beside them"
            } else if !cols.saturating_mul(bits).is_multiple_of(8) {
                "rows of codes that end within a byte"
            } else {
                return Ok(());
            };
            return Err((Cow::Borrowed(reason), true));
        }
        _ if names_codes(entry) => {
            let reason = "codes in a layout that no rule reads, or without their scales";
            return Err((Cow::Borrowed(reason), true));
        }
        _ => "integers, not weights",
    };
    Err((Cow::Borrowed(reason), false))
}

/// Whether a tensor of integers has a name that only codes of a weight have.
fn names_codes(entry: &TensorEntry) -> bool {
    let own = last(&entry.name);
    let only_codes = ["weight_packed", "qweight", "W_q"].contains(&own)
        || ["_blocks", "_qdata"].iter().any(|end| own.ends_with(end));
    only_codes || (own == "weight" && entry.shape.len() >= 2)
}

/// A tensor that is a weight by itself.
fn alone(place: usize, entry: &TensorEntry, dtype: Dtype) -> Weight {
    let content = match format_of(dtype) {
        Some(element) if !is_number(Some(dtype)) => {
            let spec = BlockSpec::new(element, None, Extent::Tensor, ScaleRule::Unit);
            let (convention, layout) = (Convention::Unscaled, "codes");
            let scheme = Scheme { convention, layout, spec, in_place: true };
            Content::Quantized { scheme: Arc::new(scheme), form: Form::Stored }
        }
        _ => Content::Numbers(dtype),
    };
    Weight {
        name: entry.name.clone(),
        shape: entry.shape.to_vec(),
        content,
        tensors: vec![(Role::Codes, place)],
        checkpoint: 0,
    }
}

/// The part of a name before the last dot: a module and its tensors.
fn module(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(module, _)| module)
}

/// The part of a name behind the last dot.
fn last(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, last)| last)
}
