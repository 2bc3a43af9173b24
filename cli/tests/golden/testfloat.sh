#!/usr/bin/env bash
# Writes testfloat.txt: lines of Berkeley TestFloat, a dozen or more of each function under each rounding, spread over all
# that level 1 gives. The argument is a testfloat_gen of release 3e, built from github.com/ucb-bar/berkeley-testfloat-3 (a9c849f)
# over github.com/ucb-bar/berkeley-softfloat-3 (a0c6494), build/Linux-x86_64-GCC:
#     cli/tests/golden/testfloat.sh …/build/Linux-x86_64-GCC/testfloat_gen > cli/tests/golden/testfloat.txt
set -euo pipefail
generator=$1
operations="add sub mul mulAdd div sqrt roundToInt eq le lt eq_signaling le_quiet lt_quiet"
conversions="f16_to_f32 f32_to_f16 f32_to_bf16 bf16_to_f32 f64_to_f16 f64_to_f32 i32_to_f16 ui32_to_f16 i64_to_f16 ui64_to_f16
    i32_to_f32 ui32_to_f32 i64_to_f32 ui64_to_f32"
functions="$(printf 'f16_%s ' $operations) $(printf 'f32_%s ' $operations) $conversions"

echo "# Lines of Berkeley TestFloat 3e (a9c849f) over SoftFloat 3e (a0c6494), x86-64, GCC 12.2; made on 2026-12-01 by testfloat.sh."
echo "# A line with # names the function and the options of those below it."
for function in $functions; do
    for options in "-rnear_even -tininessafter" "-rnear_even -tininessbefore" "-rminMag -tininessafter" "-rmin -tininessbefore" \
        "-rmax -tininessafter" "-rnear_maxMag -tininessbefore" "-rodd -tininessafter"; do
        case $function in
            *_roundToInt) options="$options $([ "${options#*after}" = "$options" ] && echo -exact || echo -notexact)" ;;
            *_eq* | *_le* | *_lt* | f16_to_f32 | bf16_to_f32) [ "$options" = "-rnear_even -tininessafter" ] || continue ;;
        esac
        echo "# $function $options"
        # shellcheck disable=SC2086
        $generator $options "$function" 2>/dev/null | awk '
            { line[NR % 400000] = $0; if (NR <= 400000) n = NR }
            # Results next to the least normal number, where the two kinds of tininess differ.
            NF >= 3 && ($(NF - 1) ~ /^[08]400$/ || $(NF - 1) ~ /^[08]0800000$/) && $NF ~ /[13]$/ && rare < 4 { print; rare++ }
            $NF == "10" && invalid < 3 { print; invalid++ }
            $NF == "08" && poles < 1 { print; poles++ }
            END { for (i = 1; i <= 12; i++) print line[int(n * i / 13) % 400000] }'
    done
done
