// A test bench that has results of its own computed by subhalf: run as ffi/README.md says.
module bench;
    import subhalf_pkg::*;

    int e4m3, e5m2, f16, wgmma, status;
    int unsigned code, flags, d;
    products_t a, b;
    scales_t none;

    task automatic check(string what, int status, int unsigned found, int unsigned expected);
        if (status != 0) $fatal(1, "%s: %s", what, subhalf_message());
        if (found != expected) $fatal(1, "%s: expected %h, found %h", what, expected, found);
        $display("%s: %h", what, found);
    endtask

    initial begin
        e4m3 = subhalf_format("F8E4M3");
        e5m2 = subhalf_format("F8E5M2");
        f16 = subhalf_format("F16");
        wgmma = subhalf_unit("hopper::WGMMA_FP8", e4m3, e4m3);
        if (e4m3 < 0 || e5m2 < 0 || f16 < 0 || wgmma < 0) $fatal(1, "%s", subhalf_message());

        // 1.875 * 1.25 + 2048 = 2050.34375, between the f16s 2050 and 2052.
        status = subhalf_fma(e4m3, 'h3F, e5m2, 'h3D, f16, 'h6800, f16,
            DEFAULT_POLICY, UP, 0, code, flags);
        check("fma", status, code, 'h6802);
        check("flags", status, flags, INEXACT);

        // 448 * 448 + 4 * 1: Hopper's FP8 unit has 13 bits, and the 4 is below them.
        foreach (a[k]) {a[k], b[k]} = '0;
        a[0] = 'h7E; b[0] = 'h7E;
        a[1] = 'h48; b[1] = 'h38;
        status = subhalf_unit_step(wgmma, a, b, 32, none, none, 0, 0, d);
        check("step", status, d, 'h48440000);

        // A refusal says why.
        if (subhalf_unit_step(wgmma, a, b, 33, none, none, 0, 0, d) != -4) $fatal(1, "33 products");
        $display("refused: %s", subhalf_message());
        $finish;
    end
endmodule
