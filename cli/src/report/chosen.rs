//! Which formats and schemes a report measures, and which it leaves out: names, lists and the
//! default set.

use subhalf::preset::{self, Preset};
use subhalf::{FormatSpec, ScaleRule, nearest_name};

/// Formats up to this width are in the default set.
const DEFAULT_BITS: u32 = 8;

/// One scheme for each way of storing weights that is in use, NVFP4 as three programs compute it;
/// those that more people know first.
pub(crate) const DEFAULT_SCHEMES: [&str; 20] = [
    "ocp::MXFP4",
    "transformer_engine::NVFP4",
    "ggml::Q4_0",
    "bitsandbytes::NF4",
    "generic::INT4_G128",
    "ocp::MXFP6_E2M3",
    "ocp::MXFP8_E4M3",
    "generic::FP8_E4M3_TENSOR",
    "generic::INT8_ROW",
    "ggml::Q8_0",
    "generic::FP8_E4M3_128X128",
    "ocp::MXINT8",
    "generic::HIF8_TENSOR_TO_15",
    "generic::FP8_E4M3_ROW",
    "generic::INT8_G128",
    "generic::INT4_G32",
    "ocp::MXFP6_E3M2",
    "ocp::MXFP8_E5M2",
    "modelopt::NVFP4",
    "ggml::NVFP4",
];

/// What is measured, in the order of the documentation.
pub(crate) struct Chosen {
    pub(crate) formats: Vec<FormatSpec>,
    pub(crate) schemes: Vec<&'static Preset>,
}

impl Chosen {
    /// The lists of both options; an empty list beside one that is not is nothing, and two empty
    /// ones are the default set.
    pub(crate) fn new(formats: &[Formats], schemes: &[Schemes]) -> Self {
        let both_default = formats.is_empty() && schemes.is_empty();
        let format = |spec: &FormatSpec| {
            (both_default && in_default_set(spec))
                || formats.iter().any(|word| word.0.contains(spec))
        };
        let scheme = |preset: &&Preset| {
            let listed = |word: &Schemes| word.0.iter().any(|other| other.name == preset.name);
            (both_default && is_default(preset.name)) || schemes.iter().any(listed)
        };
        Self {
            formats: FormatSpec::ALL.iter().copied().filter(format).collect(),
            schemes: preset::all().filter(scheme).collect(),
        }
    }

    /// How many times a weight is measured.
    pub(crate) fn len(&self) -> usize {
        self.formats.len() + self.schemes.len()
    }

    /// Formats that `--formats all` would measure too.
    pub(crate) fn other_formats(&self) -> impl Iterator<Item = &'static FormatSpec> {
        signed().filter(|spec| !self.formats.contains(spec))
    }

    /// Schemes that `--schemes all` would measure too.
    pub(crate) fn other_schemes(&self) -> impl Iterator<Item = &'static Preset> {
        let listed = |preset: &Preset| self.schemes.iter().any(|other| other.name == preset.name);
        measurable().filter(move |preset| !listed(preset))
    }

    /// What else could have been measured and by which option, in words; `None` if it is nothing.
    pub(crate) fn more(&self) -> Option<String> {
        let (formats, schemes) = (self.other_formats().count(), self.other_schemes().count());
        match (formats, schemes) {
            (0, 0) => None,
            (formats, 0) => Some(format!("{formats} more formats: --formats all --schemes all")),
            (0, schemes) => Some(format!("{schemes} more schemes: --formats all --schemes all")),
            (formats, schemes) => Some(format!(
                "{formats} more formats and {schemes} more schemes: --formats all --schemes all"
            )),
        }
    }
}

/// Whether a scheme is in the default set.
pub(crate) fn is_default(name: &str) -> bool {
    DEFAULT_SCHEMES.contains(&name)
}

/// Formats that cannot hold weights.
pub(crate) fn unsigned() -> impl Iterator<Item = &'static FormatSpec> {
    FormatSpec::ALL.iter().filter(|spec| !spec.is_signed())
}

fn signed() -> impl Iterator<Item = &'static FormatSpec> {
    FormatSpec::ALL.iter().filter(|spec| spec.is_signed())
}

fn in_default_set(spec: &FormatSpec) -> bool {
    spec.is_signed() && spec.bits() <= DEFAULT_BITS
}

/// The presets that find their scales themselves.
fn measurable() -> impl Iterator<Item = &'static Preset> {
    preset::all().filter(|preset| !matches!(preset.spec.rule, ScaleRule::Given))
}

/// The formats that a word of a list stands for.
#[derive(Clone, Debug)]
pub(crate) struct Formats(Vec<FormatSpec>);

/// The presets that a word of a list stands for.
#[derive(Clone, Debug)]
pub(crate) struct Schemes(Vec<&'static Preset>);

/// A format by its name, formats by a part of it, `default` or `all`.
pub(crate) fn formats(word: &str) -> Result<Formats, String> {
    let is = |name: &str| word.eq_ignore_ascii_case(name);
    let part = word.to_ascii_lowercase();
    let containing = |spec: &&FormatSpec| spec.name().to_ascii_lowercase().contains(&part);
    let exact = signed().find(|spec| is(spec.name())).copied();
    let other = FormatSpec::by_name(word).ok().filter(|spec| spec.is_signed());
    let found: Vec<FormatSpec> = match exact {
        _ if word.is_empty() => Vec::new(),
        _ if is("all") => signed().copied().collect(),
        _ if is("default") => signed().filter(|spec| in_default_set(spec)).copied().collect(),
        Some(spec) => vec![spec],
        // A part of names of this crate before another program's name.
        None => match signed().filter(containing).copied().collect::<Vec<_>>() {
            found if found.is_empty() => {
                other.into_iter().filter(|spec| signed().any(|one| one == spec)).collect()
            }
            found => found,
        },
    };
    if found.is_empty() {
        let near = nearest(word, signed().map(FormatSpec::name));
        Err(format!("expected a format with a sign such as {near}"))
    } else {
        Ok(Formats(found))
    }
}

/// A scheme by its name, schemes by a part of it, `default` or `all`.
pub(crate) fn schemes(word: &str) -> Result<Schemes, String> {
    let is = |name: &str| word.eq_ignore_ascii_case(name);
    let found = match preset::by_name(word) {
        _ if word.is_empty() => Vec::new(),
        _ if is("all") => measurable().collect(),
        _ if is("default") => preset::all().filter(|preset| is_default(preset.name)).collect(),
        Ok(preset) => vec![preset],
        Err(_) => containing(word),
    };
    if found.is_empty() { Err(near(word)) } else { Ok(Schemes(found)) }
}

/// A scheme by its name or a part of it that no other has.
pub(crate) fn one_scheme(word: &str) -> Result<&'static Preset, String> {
    match (preset::by_name(word), containing(word).as_slice()) {
        (Ok(preset), _) | (Err(_), &[preset]) => Ok(preset),
        (Err(_), []) => Err(near(word)),
        (Err(_), several) => {
            let names: Vec<&str> = several.iter().map(|preset| preset.name).collect();
            Err(format!("expected one scheme, found {}", names.join(", ")))
        }
    }
}

fn containing(word: &str) -> Vec<&'static Preset> {
    let word = word.to_ascii_lowercase();
    measurable().filter(|preset| preset.name.to_ascii_lowercase().contains(&word)).collect()
}

/// An unknown scheme is answered by one that looks like it.
fn near(word: &str) -> String {
    let names = preset::all().map(|preset| preset.name);
    format!("expected a scheme such as {}", nearest(word, names))
}

/// The name that looks like the word, or else the first one.
fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> &'a str {
    let names: Vec<&str> = names.collect();
    nearest_name(word, names.iter().copied()).unwrap_or(names[0])
}

#[cfg(test)]
mod tests {
    use super::{Chosen, DEFAULT_SCHEMES};
    use subhalf::preset;

    #[test]
    fn the_default_schemes_are_presets_and_are_all_chosen() {
        assert!(DEFAULT_SCHEMES.iter().all(|name| preset::by_name(name).is_ok()));
        assert_eq!(Chosen::new(&[], &[]).schemes.len(), DEFAULT_SCHEMES.len());
    }
}
