//! The instruction sets of x86-64, their detection, and the stamping of a loop body for each.

/// What an [`Isa`](crate::Isa) can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::kernel) enum Kind {
    /// What the target of the compilation has: SSE2 at least.
    Portable,
    /// With FMA, F16C, BMI1 and BMI2.
    Avx2,
    /// F, BW, VL, DQ and CD.
    Avx512,
    /// With VBMI, VBMI2 and VNNI.
    Avx512Vbmi,
}

impl Kind {
    /// The narrowest first.
    pub(in crate::kernel) const ALL: &[Self] =
        &[Self::Portable, Self::Avx2, Self::Avx512, Self::Avx512Vbmi];

    pub(in crate::kernel) const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Avx512Vbmi => "avx512vbmi",
        }
    }

    /// Whether the machine has it.
    pub(in crate::kernel) fn is_detected(self) -> bool {
        match self {
            Self::Portable => true,
            Self::Avx2 => has_avx2(),
            Self::Avx512 => has_avx2() && has_avx512(),
            Self::Avx512Vbmi => has_avx2() && has_avx512() && has_vbmi(),
        }
    }

    /// The widest for which compilers make no gathers of table look-ups: they take longer than
    /// loads one by one.
    pub(in crate::kernel) const fn without_gathers(self) -> Self {
        match self {
            Self::Portable => Self::Portable,
            Self::Avx2 | Self::Avx512 | Self::Avx512Vbmi => Self::Avx2,
        }
    }

    /// Whether loops stamped for it have fused multiply-adds.
    pub(in crate::kernel) const fn has_fma(self) -> bool {
        match self {
            Self::Portable => cfg!(target_feature = "fma"),
            Self::Avx2 | Self::Avx512 | Self::Avx512Vbmi => true,
        }
    }
}

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
    // The two others came together; byte permutes alone are on one processor before.
    has!("avx512vbmi") && has!("avx512vbmi2") && has!("avx512vnni")
}

/// Stamps functions that run a plain body under every instruction set:
/// `fn name[T: Bound](isa, argument: Type, …) = body;`. A body must be `#[inline(always)]`, or it
/// keeps its own instructions.
macro_rules! per_isa {
    ($($(#[$doc:meta])* fn $name:ident[$($generic:ident: $bound:path),*]($($arg:ident: $type:ty),* $(,)?) = $body:path;)*) => {$(
        $(#[$doc])*
        #[inline]
        pub(crate) fn $name<$($generic: $bound),*>(isa: $crate::kernel::Isa, $($arg: $type),*) {
            use $crate::kernel::native::Kind;
            #[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
            fn avx2<$($generic: $bound),*>($($arg: $type),*) {
                $body($($arg),*);
            }
            #[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512vl,avx512dq,avx512cd")]
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
