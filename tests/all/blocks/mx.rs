//! The arrays of MX formats: gfloat, torchao, microxcaling, Model Optimizer, compressed-tensors.

use super::{Case, Known};
use crate::oracle::source::Entry;
use subhalf::{BlockSpec, FormatSpec, preset};

fn element(name: &str) -> Option<FormatSpec> {
    Some(match name {
        "mxfp8_e4m3" => FormatSpec::F8E4M3,
        "mxfp8_e5m2" => FormatSpec::F8E5M2,
        "mxfp6_e3m2" => FormatSpec::F6E3M2,
        "mxfp6_e2m3" => FormatSpec::F6E2M3,
        "mxfp4_e2m1" => FormatSpec::F4E2M1,
        "mxint8" => FormatSpec::MXINT8SYM,
        _ => return None,
    })
}

pub(super) fn case(entry: &Entry, parts: &[&str]) -> Option<Known> {
    let element = element(parts[0])?;
    let spec: BlockSpec = match parts[1] {
        "gfloat" if parts[0] == "mxint8" => preset::ocp::mx(FormatSpec::MXINT8),
        "gfloat" => preset::ocp::mx(element),
        _ => return None,
    };
    let what = parts[parts.len() - 2];
    Case::new(spec, entry, 32, what)?.known()
}
