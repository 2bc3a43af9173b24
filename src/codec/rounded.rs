//! What the families of formats hand to the policies.

/// A magnitude rounded by one of the families, before policy. What `magnitude` counts is the
/// family's own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rounded {
    pub(super) magnitude: u64,
    pub(super) overflow: bool,
    pub(super) inexact: bool,
    pub(super) tiny: bool,
}
