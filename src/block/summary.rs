//! `Debug` of tensors, views and parts in one line: what they are and how large, never their bytes.

use super::parts::Parts;
#[cfg(feature = "presets")]
use super::preset;
use super::spec::BlockSpec;
use super::tensor::QuantTensor;
use super::view::QuantView;
use core::fmt::{Debug, Display, Formatter, Result};

/// The name of a scheme: that of the preset that it equals, or else (and without the feature
/// `presets`) of its formats.
pub(crate) struct SchemeName<'a>(pub(crate) &'a BlockSpec);

impl Display for SchemeName<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let spec = self.0;
        // Compares with every preset; what is printed for people may take the time.
        #[cfg(feature = "presets")]
        if let Some(preset) = preset::of(spec) {
            return f.write_str(preset.name);
        }
        match &spec.scale {
            Some(scale) => write!(f, "{} elements, {} scales", spec.element.name(), scale.name()),
            None => write!(f, "{} elements", spec.element.name()),
        }
    }
}

impl Debug for Parts<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "Parts({} bytes of codes, {} of scales", self.codes.len(), self.scales.len())?;
        // Few schemes have more parts, so the line is shorter without them.
        let more = [
            (self.offsets, "offsets"),
            (self.sub_scales, "sub-scales"),
            (self.codebooks, "codebooks"),
        ];
        for (bytes, what) in more.iter().filter(|(bytes, _)| !bytes.is_empty()) {
            write!(f, ", {} of {what}", bytes.len())?;
        }
        if self.origin != [0, 0] {
            write!(f, ", from {:?} of a block", self.origin)?;
        }
        if !self.tensor_scales.is_empty() {
            return write!(f, ", {} tensor scales)", self.tensor_scales.len());
        }
        write!(f, ", tensor scale {:?})", self.tensor_scale)
    }
}

/// A type's name, the scheme, the shape and the parts.
fn summary(
    f: &mut Formatter<'_>,
    what: &str,
    spec: &BlockSpec,
    shape: &[usize],
    parts: &Parts<'_>,
) -> Result {
    // Bytes stay out: a tensor may have gigabytes of them.
    write!(f, "{what}({}, {shape:?}, {parts:?})", SchemeName(spec))
}

impl Debug for QuantTensor {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        summary(f, "QuantTensor", self.spec(), self.shape(), &self.parts())
    }
}

impl Debug for QuantView<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        summary(f, "QuantView", self.spec(), self.shape(), self.bytes())
    }
}
