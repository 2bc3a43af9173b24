//! A program in C, `check.c`, makes calls through the shared library and compares what comes back
//! with what the Rust library gives: formats, roundings, policies, flags, instructions of units.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use subhalf::{
    Convert, Encoded, FormatSpec, MmaSpec, Round, Stochastic, Unpacked, philox4x32_10, unit,
};

const FORMATS: [(&str, FormatSpec); 8] = [
    ("F8E4M3", FormatSpec::F8E4M3),
    ("F8E5M2", FormatSpec::F8E5M2),
    ("F6E2M3", FormatSpec::F6E2M3),
    ("F4E2M1", FormatSpec::F4E2M1),
    ("HIF8", FormatSpec::HIF8),
    ("F16", FormatSpec::F16),
    ("BF16", FormatSpec::BF16),
    ("F32", FormatSpec::F32),
];

/// The header's number of a rounding, and the rounding; `None` is the policy's own.
fn roundings() -> Vec<(u32, Option<Round>)> {
    let mut all = vec![(0, None)];
    all.extend((1..).zip(Round::DETERMINISTIC.map(Some)));
    for (base, kind, bits) in
        [(0x100, Stochastic::A, 8), (0x200, Stochastic::B, 3), (0x300, Stochastic::C, 32)]
    {
        all.push((base + u32::from(bits), Some(Round::Stochastic { kind, bits })));
    }
    all
}

/// Random words, the same in every run.
struct Words(u32);

impl Words {
    fn next(&mut self) -> u32 {
        self.0 += 1;
        philox4x32_10([self.0, 0, 0, 0], [24, 0])[0]
    }

    fn code(&mut self, format: &FormatSpec) -> u32 {
        self.next() >> (32 - format.bits())
    }
}

/// Calls of everything but units: operands, then the result's format, policy, rounding, random
/// word, code and flags.
fn arithmetic(text: &mut String, words: &mut Words) {
    let policies = ["-", "CUDA_NOSAT", "ml-dtypes", "P3109_SAT_NONE"];
    for (name, spec) in &FORMATS {
        for (number, round) in roundings() {
            for turn in 0..16 {
                let policy = policies[turn % policies.len()];
                let convert = Convert::by_name(policy).unwrap_or(spec.default_convert());
                let convert = convert.with_round(round.unwrap_or(convert.round));
                let (a, b, c) = (words.code(spec), words.code(spec), words.code(spec));
                let random = words.next();
                let mut call =
                    |call: &str, operands: &str, Encoded { code, flags, .. }: Encoded| {
                        writeln!(
                            text,
                            "{call} {operands} {name} {policy} {number:x} {random:x} {code:x} {:x}",
                            flags.bits()
                        )
                    };
                let two = format!("{a:x} {b:x}");
                call("add", &two, spec.add_with(a, b, &convert, random)).unwrap();
                call("sub", &two, spec.sub_with(a, b, &convert, random)).unwrap();
                call("mul", &two, spec.mul_with(a, b, &convert, random)).unwrap();
                call("div", &two, spec.div_with(a, b, &convert, random)).unwrap();
                call("rem", &two, spec.rem_with(a, b, &convert, random)).unwrap();
                let three = format!("{two} {c:x}");
                call("mul_add", &three, spec.mul_add_with(a, b, c, &convert, random)).unwrap();
                call("sqrt", &format!("{a:x}"), spec.sqrt_with(a, &convert, random)).unwrap();
                call("recip", &format!("{a:x}"), spec.recip_with(a, &convert, random)).unwrap();
                // A number between codes, and operands of other formats.
                let value = spec.decode_f64(a) * (1.0 + f64::from(b) / 1024.0);
                let encoded = spec.encode_with(Unpacked::from_f64(value), &convert, random);
                call("encode", &format!("{:x}", value.to_bits()), encoded).unwrap();
                let [x, y, z] = [1, 3, 5].map(|step| &FORMATS[(turn + step) % FORMATS.len()]);
                let [i, j, k] = [x, y, z].map(|(_, format)| words.code(format));
                let converted = spec.encode_with(x.1.decode(i), &convert, random);
                call("convert", &format!("{} {i:x}", x.0), converted).unwrap();
                let operands = format!("{} {i:x} {} {j:x} {} {k:x}", x.0, y.0, z.0);
                let fma = spec.mul_add_of((&x.1, i), (&y.1, j), (&z.1, k), &convert, random);
                call("fma", &operands, fma).unwrap();
                writeln!(text, "decode {name} {a:x} {:x}", spec.decode_f64(a).to_bits()).unwrap();
            }
        }
    }
}

/// Calls of units: formats, counts, codes, codes of scales, C and D.
fn units(text: &mut String, words: &mut Words) {
    for (name, scales, chain) in [
        ("hopper::WGMMA_FP8", 0, 3),
        ("ampere::HMMA_F16_F16", 0, 2),
        ("x86::VDPBF16PS", 0, 5),
        ("imma::S8", 0, 2),
        ("blackwell::NVF4", 4, 1),
        ("blackwell::MXF8F6F4", 1, 2),
    ] {
        let unit = unit::by_name(name).expect(name);
        let spec: MmaSpec = unit.first();
        for turn in 0..40 {
            let (call, steps) = if turn % 4 == 3 { ("dot", chain) } else { ("step", 1) };
            let count = spec.step_len() * steps;
            // Small codes, which are near zero, and now and then any.
            let mut row = |format: &FormatSpec, count: usize| -> Vec<u32> {
                let any = |words: &mut Words| match words.next() % 50 {
                    0 => words.code(format),
                    _ => format.encode_f64(f64::from(words.next() as i32) / 2f64.powi(30)),
                };
                (0..count).map(|_| any(words)).collect()
            };
            let (a, b) = (row(spec.a(), count), row(spec.b(), count));
            let scale = if name.ends_with("NVF4") { FormatSpec::UE4M3 } else { FormatSpec::E8M0 };
            let (scale_a, scale_b) = (row(&scale, scales * steps), row(&scale, scales * steps));
            let c = f32::to_bits(words.next() as i32 as f32 / 2f32.powi(30));
            let d = match call {
                "dot" => spec.dot_scaled(&a, &b, [&scale_a, &scale_b], c).unwrap(),
                _ => spec.step_scaled(&a, &b, [&scale_a, &scale_b], c).unwrap().code,
            };
            let (x, y) = (spec.a().name(), spec.b().name());
            write!(text, "{call} {name} {x} {y} {count:x} {:x}", scales * steps).unwrap();
            for code in [&a, &b, &scale_a, &scale_b].into_iter().flatten() {
                write!(text, " {code:x}").unwrap();
            }
            writeln!(text, " {c:x} {d:x}").unwrap();
        }
    }
}

/// The folder that the shared library lies in: beside the tests, or above them.
fn library() -> PathBuf {
    let name =
        format!("{}subhalf_ffi{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let test = std::env::current_exe().expect("a path");
    let found = test.ancestors().skip(1).take(2).find(|folder| folder.join(&name).is_file());
    found.unwrap_or_else(|| panic!("{name} does not lie beside {}", test.display())).to_owned()
}

/// Compiles a file of this folder, and says with what it was. `None` if there is no C compiler,
/// which it tells past libtest, so that nobody takes it for a pass.
fn compiler() -> Option<String> {
    let compiler = std::env::var("CC").unwrap_or("cc".to_owned());
    let found = Command::new(&compiler).arg("--version").output().is_ok_and(|x| x.status.success());
    if !found {
        let _ = writeln!(io::stderr(), "SKIPPED: no C compiler ({compiler}), so nothing calls ffi");
    }
    found.then_some(compiler)
}

fn succeeds(command: &mut Command) {
    let output = command.output().expect("a program that starts");
    let text = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&text));
}

#[test]
fn a_program_in_c_gets_the_bits_of_the_library() {
    let Some(compiler) = compiler() else { return };
    let (here, library) = (Path::new(env!("CARGO_MANIFEST_DIR")), library());
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("check");
    let strict = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O1"];
    succeeds(
        Command::new(&compiler)
            .args(strict)
            .arg(format!("-I{}", here.join("include").display()))
            .arg(here.join("tests/check.c"))
            .arg(format!("-L{}", library.display()))
            .arg("-lsubhalf_ffi")
            .arg(format!("-Wl,-rpath,{}", library.display()))
            .arg("-o")
            .arg(&program),
    );
    let (mut text, mut words) = (String::new(), Words(0));
    arithmetic(&mut text, &mut words);
    units(&mut text, &mut words);
    let lines = text.lines().count();
    assert_eq!(lines, 8 * 13 * 16 * 12 + 6 * 40);

    let run = |text: &str| {
        let mut program = Command::new(&program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut input = program.stdin.take().expect("piped");
        // It stops reading when it has seen enough failures.
        let _ = input.write_all(text.as_bytes());
        drop(input);
        let output = program.wait_with_output().expect("the program ends");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(run(&text), (true, format!("{lines} lines, 0 failures\n")));
    // The program can fail: a result and a flag that are wrong, and a unit's.
    for line in [
        "add 38 40 F8E4M3 - 0 0 45 0\n",
        "add 38 40 F8E4M3 - 0 0 44 1\n",
        "decode F8E4M3 38 4000000000000000\n",
        "step x86::VDPBF16PS BF16 BF16 2 0 3f80 3f80 3f80 3f80 0 40000001\n",
    ] {
        let (equal, out) = run(line);
        assert!(!equal && out.ends_with("1 lines, 1 failures\n"), "{line}: {out}");
    }
}

/// The header by itself, as C++ too where the compiler has it.
#[test]
fn the_header_is_c99_and_cpp() {
    let Some(compiler) = compiler() else { return };
    let header = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/subhalf.h");
    let check = |language: &str, standard: &str| {
        let mut command = Command::new(&compiler);
        command.args(["-x", language, standard, "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]);
        command.arg(&header).output().expect("a program that starts")
    };
    let c = check("c", "-std=c99");
    assert!(c.status.success(), "{}", String::from_utf8_lossy(&c.stderr));
    let cpp = check("c++", "-std=c++11");
    let text = String::from_utf8_lossy(&cpp.stderr);
    if text.contains("cc1plus") {
        let _ = writeln!(io::stderr(), "SKIPPED: {compiler} has no C++");
    } else {
        assert!(cpp.status.success(), "{text}");
    }
}

/// The package of SystemVerilog has each function of the header, with as many arguments.
#[test]
fn the_package_imports_every_function_of_the_header() {
    let read = |path: &str| {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
    };
    let functions = |text: &str, behind: &str| -> Vec<(String, usize)> {
        let declared = text.split(';').filter(|part| part.contains(behind));
        let function = |part: &str| {
            let (before, arguments) = part.rsplit_once("subhalf_")?.1.split_once('(')?;
            let count = arguments.split(',').filter(|x| !matches!(x.trim(), ")" | "void)"));
            Some((before.to_owned(), count.count()))
        };
        let mut found: Vec<_> = declared.filter_map(function).collect();
        found.sort();
        found
    };
    let header = read("include/subhalf.h");
    // Comments name functions too.
    let code: String = header.split("/*").map(|x| x.split_once("*/").map_or(x, |x| x.1)).collect();
    let in_header = functions(&code, "subhalf_");
    assert_eq!(in_header.len(), 21);
    assert_eq!(in_header, functions(&read("include/subhalf_pkg.sv"), "import \"DPI-C\""));
}
