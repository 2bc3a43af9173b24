fn main() {
    peers::measure::<microfloat::f8e4m3fn, microfloat::f8e5m2>();
}
