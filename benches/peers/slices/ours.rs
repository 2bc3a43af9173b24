//! subhalf's rows: the widest instruction set of the machine, and what needs no detection.

use subhalf::{Code, Dither, Exec, FormatSpec, Isa, decode_slice, encode_slice};
use subhalf_benches::slices::{Bench, SIZES};

fn rows<C: Code>(bench: &mut Bench, spec: &FormatSpec) {
    for (name, isa) in [("widest", Isa::best()), ("portable", Isa::portable())] {
        let exec = Exec::SERIAL.with_isa(isa);
        let policy = spec.default_convert();
        let (of, code) = (|code: u16| C::truncate(code.into()), |code: C| code.widen() as u16);
        bench.encode(name, of, code, |x, codes| {
            encode_slice(spec, x, codes, &policy, Dither::NONE, exec).expect("as many")
        });
        bench.decode(name, of, |codes, y| decode_slice(spec, codes, y, exec).expect("as many"));
    }
}

fn main() {
    for size in SIZES {
        for spec in [FormatSpec::F8E4M3, FormatSpec::F8E5M2, FormatSpec::F4E2M1, FormatSpec::F6E2M3]
        {
            rows::<u8>(&mut Bench::new(size, spec), &spec);
        }
        for spec in [FormatSpec::BF16, FormatSpec::F16] {
            rows::<u16>(&mut Bench::new(size, spec), &spec);
        }
    }
}
