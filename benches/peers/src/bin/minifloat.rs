fn main() {
    peers::measure::<minifloat::F8E4M3FN, minifloat::F8E5M2>();
}
