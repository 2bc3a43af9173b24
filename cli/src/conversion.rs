//! Which conversion is meant: the names of formats, policies and roundings.

use clap::Args;
use subhalf::{Convert, Error, FormatSpec, Round, Vocabulary};

// A documentation comment here would become that of every command.
#[derive(Args, Debug)]
pub(crate) struct Conversion {
    /// Whose names the formats have; else this crate's own go first, and others must mean the same
    /// to all that know them.
    #[arg(long, value_parser = vocabulary)]
    vocabulary: Option<Vocabulary>,
    /// A preset of Convert by its name, such as HIF8 or CUDA-NOSAT, perhaps with other parts
    /// behind it, as in "HIF8 infinity=saturate"; else the format's default.
    #[arg(long, value_name = "NAME", value_parser = policy)]
    policy: Option<Convert>,
}

impl Conversion {
    /// The format of a name.
    pub(crate) fn format(&self, name: &str) -> Result<FormatSpec, Error> {
        match self.vocabulary {
            Some(vocabulary) => FormatSpec::by_name_in(vocabulary, name),
            None => name.parse(),
        }
    }

    /// Whether a policy was named.
    pub(crate) const fn has_policy(&self) -> bool {
        self.policy.is_some()
    }

    /// How numbers are encoded in a format, in a rounding of one's own or in the policy's.
    pub(crate) fn of(&self, format: &FormatSpec, round: Option<Round>) -> Convert {
        let convert = self.policy.unwrap_or(format.default_convert());
        convert.with_round(round.unwrap_or(convert.round))
    }
}

fn expected<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    format!("expected one of {}", names.into_iter().collect::<Vec<_>>().join(", "))
}

fn vocabulary(word: &str) -> Result<Vocabulary, String> {
    word.parse().map_err(|_| expected(Vocabulary::ALL.map(Vocabulary::name)))
}

/// The rounding of a name.
pub(crate) fn round(word: &str) -> Result<Round, String> {
    word.parse().map_err(|error| match error {
        Error::UnknownName { .. } => {
            let names = Round::DETERMINISTIC.map(|round| round.to_string());
            let stochastic = ["stochastic-{a,b,c}:BITS"];
            expected(names.iter().map(String::as_str).chain(stochastic))
        }
        error => error.to_string(),
    })
}

fn policy(word: &str) -> Result<Convert, String> {
    // A part of a policy that is wrong says so itself.
    word.parse().map_err(|error| match error {
        Error::UnknownName { what: "policy", .. } => expected(Convert::ALL.map(|(name, _)| name)),
        error => error.to_string(),
    })
}
