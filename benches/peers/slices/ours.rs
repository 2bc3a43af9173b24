//! subhalf's rows: the widest instruction set of the machine, and what needs no detection.

use subhalf::{Code, Exec, FormatSpec, Isa, SliceConverter};
use subhalf_benches::slices::{Bench, SIZES};

fn rows<C: Code>(bench: &mut Bench, spec: &FormatSpec) {
    for (name, isa) in [("widest", Isa::best()), ("portable", Isa::portable())] {
        let converter = SliceConverter::new(spec).exec(Exec::SERIAL.with_isa(isa));
        let (of, code) = (|code: u16| C::truncate(code.into()), |code: C| code.widen() as u16);
        let encode = |x: &[f32], codes: &mut [C]| converter.encode(x, codes).expect("as many");
        bench.encode(name, of, code, encode);
        bench.decode(name, of, |codes, y| converter.decode(codes, y).expect("as many"));
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
