//! Instruction sets: which the machine has, and the stamping of a loop body for each.

/// An instruction set that kernels are compiled for. One in hand proves that the machine has it.
///
/// ```
/// use subhalf::Isa;
/// assert!(Isa::available().any(|isa| isa == Isa::best()));
/// println!("kernels: {}", Isa::best().name());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Isa(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// What the target of the compilation has: SSE2 on x86-64, NEON on aarch64.
    Portable,
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Avx2,
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Avx512,
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Avx512Vbmi,
}

impl Isa {
    /// The one without detection.
    #[must_use]
    pub const fn portable() -> Self {
        Self(Kind::Portable)
    }

    /// The widest that the machine has; detected once.
    #[must_use]
    pub fn best() -> Self {
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        {
            static BEST: std::sync::OnceLock<Isa> = std::sync::OnceLock::new();
            *BEST.get_or_init(|| Self::available().last().unwrap_or(Self::portable()))
        }
        #[cfg(not(all(feature = "std", target_arch = "x86_64")))]
        Self::portable()
    }

    /// Those that the machine has, the narrowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        let all: &[Kind] = &[
            Kind::Portable,
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Kind::Avx2,
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Kind::Avx512,
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Kind::Avx512Vbmi,
        ];
        all.iter().filter(|kind| kind.detected()).map(|kind| Self(*kind))
    }

    /// `portable`, `avx2`, `avx512` or `avx512vbmi`, which has VBMI2 and VNNI too.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Kind::Avx2 => "avx2",
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Kind::Avx512 => "avx512",
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Kind::Avx512Vbmi => "avx512vbmi",
        }
    }

    pub(super) const fn kind(self) -> Kind {
        self.0
    }

    /// The same, but not AVX-512: compilers make gathers of its table look-ups, which take longer than loads one by one.
    pub(super) const fn without_gathers(self) -> Self {
        match self.0 {
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Kind::Avx512 | Kind::Avx512Vbmi => Self(Kind::Avx2),
            other => Self(other),
        }
    }

    /// Whether a fused multiplication and addition is an instruction of loops stamped for it.
    #[cfg(feature = "alloc")]
    pub(crate) const fn has_fma(self) -> bool {
        match self.0 {
            Kind::Portable => cfg!(all(feature = "std", any(target_arch = "aarch64", target_feature = "fma"))),
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Kind::Avx2 | Kind::Avx512 | Kind::Avx512Vbmi => true,
        }
    }
}

impl Kind {
    fn detected(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Self::Avx2 => has_avx2(),
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Self::Avx512 => has_avx2() && has_avx512(),
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Self::Avx512Vbmi => has_avx2() && has_avx512() && has_vbmi(),
        }
    }
}

#[cfg(all(feature = "std", target_arch = "x86_64"))]
fn has_avx2() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx2") && has!("fma") && has!("f16c") && has!("bmi1") && has!("bmi2") && has!("lzcnt") && has!("popcnt")
}

#[cfg(all(feature = "std", target_arch = "x86_64"))]
fn has_avx512() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx512f") && has!("avx512bw") && has!("avx512vl") && has!("avx512dq") && has!("avx512cd")
}

#[cfg(all(feature = "std", target_arch = "x86_64"))]
fn has_vbmi() -> bool {
    use std::arch::is_x86_feature_detected as has;
    // The two others came together; byte permutes alone are on one processor before.
    has!("avx512vbmi") && has!("avx512vbmi2") && has!("avx512vnni")
}

/// Stamps functions that run a plain body under every instruction set: `fn name[T: Bound](isa, argument: Type, …) = body;`. A body must be
/// `#[inline(always)]`, or it keeps its own instructions.
macro_rules! per_isa {
    ($($(#[$doc:meta])* fn $name:ident[$($generic:ident: $bound:path),*]($($arg:ident: $type:ty),* $(,)?) = $body:path;)*) => {$(
        $(#[$doc])*
        #[inline]
        pub(crate) fn $name<$($generic: $bound),*>(isa: $crate::kernel::Isa, $($arg: $type),*) {
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            #[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
            fn avx2<$($generic: $bound),*>($($arg: $type),*) {
                $body($($arg),*);
            }
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            #[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512vl,avx512dq,avx512cd")]
            fn avx512<$($generic: $bound),*>($($arg: $type),*) {
                $body($($arg),*);
            }
            match isa.kind() {
                $crate::kernel::isa::Kind::Portable => $body($($arg),*),
                #[cfg(all(feature = "std", target_arch = "x86_64"))]
                // SAFETY: an `Isa` of this kind is made only after its instructions were detected.
                #[expect(unsafe_code, reason = "entry into instructions that were detected")]
                $crate::kernel::isa::Kind::Avx2 => unsafe { avx2($($arg),*) },
                #[cfg(all(feature = "std", target_arch = "x86_64"))]
                // SAFETY: as above; VBMI comes on top of these.
                #[expect(unsafe_code, reason = "entry into instructions that were detected")]
                $crate::kernel::isa::Kind::Avx512 | $crate::kernel::isa::Kind::Avx512Vbmi => unsafe { avx512($($arg),*) },
            }
        }
    )*};
}
pub(super) use per_isa;
