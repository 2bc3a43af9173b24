//! The instruction sets of x86-64, their detection, and `per_isa!`, which compiles a loop body for
//! each.
//!
//! Four sets, each with all features of the one before. A plain loop is compiled three times, since
//! VBMI and VNNI do not change what the compiler makes of it; the kernels in intrinsics tell all
//! four apart.

/// The instruction sets of this target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::kernel) enum Kind {
    /// The features that the compilation target guarantees: SSE2 at least.
    Portable,
    /// AVX2 with FMA, F16C, BMI1 and BMI2: Haswell, Zen.
    Avx2,
    /// AVX-512 F, BW, VL, DQ and CD: Skylake-X.
    Avx512,
    /// AVX-512 with VBMI, VBMI2 and VNNI too: Ice Lake, Zen 4.
    Avx512Vbmi,
}

impl Kind {
    /// All instruction sets, the narrowest first.
    pub(in crate::kernel) const ALL: &[Self] =
        &[Self::Portable, Self::Avx2, Self::Avx512, Self::Avx512Vbmi];

    /// Returns the name that users see.
    pub(in crate::kernel) const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Avx512Vbmi => "avx512vbmi",
        }
    }

    /// Returns whether the machine has all its features.
    pub(in crate::kernel) fn is_detected(self) -> bool {
        match self {
            Self::Portable => true,
            Self::Avx2 => has_avx2(),
            Self::Avx512 => has_avx2() && has_avx512(),
            Self::Avx512Vbmi => has_avx2() && has_avx512() && has_vbmi(),
        }
    }

    /// Returns the widest instruction set, up to this one, for which the compiler does not turn
    /// table look-ups into gathers: these take longer than one load per element.
    pub(in crate::kernel) const fn without_gathers(self) -> Self {
        match self {
            Self::Portable => Self::Portable,
            Self::Avx2 | Self::Avx512 | Self::Avx512Vbmi => Self::Avx2,
        }
    }

    /// Returns whether loops compiled for it have FMA as an instruction.
    pub(in crate::kernel) const fn has_fma(self) -> bool {
        match self {
            Self::Portable => cfg!(target_feature = "fma"),
            Self::Avx2 | Self::Avx512 | Self::Avx512Vbmi => true,
        }
    }
}

// One function for each set: `target_feature` below lists the same features, and a machine that
// lacks any of them counts as the set before.

fn has_avx2() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx2")
        && has!("fma")
        && has!("f16c")
        && has!("bmi1")
        && has!("bmi2")
        && has!("lzcnt")
        && has!("popcnt")
}

fn has_avx512() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx512f") && has!("avx512bw") && has!("avx512vl") && has!("avx512dq") && has!("avx512cd")
}

fn has_vbmi() -> bool {
    use std::arch::is_x86_feature_detected as has;
    // VBMI2 and VNNI came together with Ice Lake; Cannon Lake has VBMI alone and does not count.
    has!("avx512vbmi") && has!("avx512vbmi2") && has!("avx512vnni")
}

/// Defines functions that run a plain body compiled for every instruction set:
/// `fn name[T: Bound](argument: Type, …) = body;` becomes
/// `fn name<T: Bound>(isa, argument, …)`. The body must be `#[inline(always)]`: a function that
/// is not inlined keeps the target's own instructions.
macro_rules! per_isa {
    ($(
        $(#[$doc:meta])*
        fn $name:ident[$($generic:ident: $bound:path),*](
            $($arg:ident: $type:ty),* $(,)?
        ) = $body:path;
    )*) => {$(
        $(#[$doc])*
        #[inline]
        pub(crate) fn $name<$($generic: $bound),*>(isa: $crate::kernel::Isa, $($arg: $type),*) {
            use $crate::kernel::native::Kind;
            #[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
            fn avx2<$($generic: $bound),*>($($arg: $type),*) {
                $body($($arg),*);
            }
            #[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
            #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512cd")]
            fn avx512<$($generic: $bound),*>($($arg: $type),*) {
                $body($($arg),*);
            }
            match isa.kind() {
                Kind::Portable => $body($($arg),*),
                // SAFETY: an `Isa` of this kind is made only after its instructions were detected.
                #[expect(unsafe_code, reason = "entry into instructions that were detected")]
                Kind::Avx2 => unsafe { avx2($($arg),*) },
                // SAFETY: an `Isa` of these kinds is made only after AVX-512 was detected; VBMI
                // comes on top of it.
                #[expect(unsafe_code, reason = "entry into instructions that were detected")]
                Kind::Avx512 | Kind::Avx512Vbmi => unsafe { avx512($($arg),*) },
            }
        }
    )*};
}
pub(in crate::kernel) use per_isa;
