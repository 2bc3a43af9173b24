//! Which conversion is meant: the names of formats, policies and roundings.

use clap::Args;
use subhalf::{Convert, FormatSpec, Round, Stochastic, Vocabulary};

// A documentation comment here would become that of every command.
#[derive(Args, Debug)]
pub(crate) struct Conversion {
    /// Whose names the formats have; else this crate's own go first, and others must mean the same
    /// to all that know them.
    #[arg(long, value_parser = vocabulary)]
    vocabulary: Option<Vocabulary>,
    /// A preset of Convert by its name, such as HIF8 or CUDA-NOSAT; else the format's default.
    #[arg(long, value_name = "NAME", value_parser = policy)]
    policy: Option<Convert>,
    /// Another rounding than the policy's: nearest-even, toward-zero, …, or stochastic-a:8 with 8
    /// random bits.
    #[arg(long, value_name = "NAME", value_parser = round)]
    round: Option<Round>,
}

impl Conversion {
    /// The format of a name.
    pub(crate) fn format(&self, name: &str) -> Result<FormatSpec, subhalf::Error> {
        match self.vocabulary {
            Some(vocabulary) => FormatSpec::by_name_in(vocabulary, name),
            None => FormatSpec::by_name_in(Vocabulary::Subhalf, name)
                .or_else(|_| FormatSpec::by_name(name)),
        }
    }

    /// How numbers are encoded in a format.
    pub(crate) fn of(&self, format: &FormatSpec) -> Convert {
        let convert = self.policy.unwrap_or(format.default_convert());
        convert.with_round(self.round.unwrap_or(convert.round))
    }
}

/// A word as it is compared: lower case, with `-` for `_`.
fn plain(word: &str) -> String {
    word.to_ascii_lowercase().replace('_', "-")
}

fn expected(names: impl Iterator<Item = String>) -> String {
    format!("expected one of {}", names.collect::<Vec<_>>().join(", "))
}

fn vocabulary(word: &str) -> Result<Vocabulary, String> {
    let found =
        Vocabulary::ALL.into_iter().find(|vocabulary| plain(vocabulary.name()) == plain(word));
    found.ok_or_else(|| {
        expected(Vocabulary::ALL.iter().map(|vocabulary| vocabulary.name().to_owned()))
    })
}

const ROUNDINGS: [(&str, Round); 9] = [
    ("nearest-even", Round::NearestEven),
    ("nearest-away", Round::NearestAway),
    ("nearest-toward-zero", Round::NearestTowardZero),
    ("nearest-up", Round::NearestUp),
    ("toward-zero", Round::TowardZero),
    ("away-from-zero", Round::AwayFromZero),
    ("up", Round::Up),
    ("down", Round::Down),
    ("to-odd", Round::ToOdd),
];

fn round(word: &str) -> Result<Round, String> {
    let wanted = plain(word);
    if let Some((_, round)) = ROUNDINGS.iter().find(|(name, _)| *name == wanted) {
        return Ok(*round);
    }
    let stochastic = wanted.strip_prefix("stochastic-").and_then(|rest| rest.split_once(':'));
    let Some((kind, bits)) = stochastic else {
        return Err(expected(
            ROUNDINGS
                .iter()
                .map(|(name, _)| (*name).to_owned())
                .chain(["stochastic-{a,b,c}:BITS".to_owned()]),
        ));
    };
    let kind = match kind {
        "a" => Stochastic::A,
        "b" => Stochastic::B,
        "c" => Stochastic::C,
        _ => {
            return Err(format!(
                "expected stochastic-a, stochastic-b or stochastic-c, found stochastic-{kind}"
            ));
        }
    };
    let bits = bits.parse().map_err(|_| format!("expected 1 to 32 random bits, found {bits}"))?;
    Round::stochastic(kind, bits).map_err(|error| error.to_string())
}

macro_rules! policies {
    ($($name:ident)*) => { [$((stringify!($name), Convert::$name)),*] };
}

/// The presets of the crate. A test holds this list against the crate's.
const POLICIES: [(&str, Convert); 30] = policies! {
    SATURATING IEEE ML_DTYPES ML_DTYPES_E8M0 ML_DTYPES_INT CUDA_SATFINITE CUDA_SATFINITE_E8M0 CUDA_NOSAT CUDA_NOSAT_E8M0 TORCH_2_10 TORCH_2_10_E8M0
    TORCH_2_15 TORCH_2_15_E4M3FN ONNX_SATURATE ONNX_NO_SATURATE ONNX_SATURATE_E8M0 ONNX_NO_SATURATE_E8M0 P3109_SAT_FINITE P3109_SAT_PROPAGATE
    P3109_SAT_NONE GFLOAT_SATURATE GFLOAT EN_DTYPES EN_DTYPES_E8M0 HIF8 ARM_SATURATE ARM AMD_FNUZ GFX950 GFX950_E4M3
};

fn policy(word: &str) -> Result<Convert, String> {
    let found = POLICIES.iter().find(|(name, _)| plain(name) == plain(word));
    found
        .map(|(_, convert)| *convert)
        .ok_or_else(|| expected(POLICIES.iter().map(|(name, _)| (*name).to_owned())))
}
