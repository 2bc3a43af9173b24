//! The test binary. Referees in these modules share no code with the crate.

mod exact;
mod hostile;
mod limits;
mod number;
mod oracle;
mod p3109;
mod stochastic;
mod tables;
mod walk;
