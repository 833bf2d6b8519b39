#!/bin/sh
# Prints what the bootstore takes on riscv32imc: sections of the programs, then instructions and sizes of types.
# Needs the Rust target, binutils and qemu-system-riscv32.
set -eu
cd "$(dirname "$0")/../.."
target=riscv32imc-unknown-none-elf
cargo build --quiet --profile rom --target $target -p bootstore-rom
dir=${CARGO_TARGET_DIR:-target}/$target/rom
echo "program                    text+rodata   data    bss"
for name in none board secret member; do
    readelf -SW "$dir/bootstore-rom-$name" | sed 's/\[ */[/' | awk -v name=$name '
        function hex(t,  i, v) { for (i = 1; i <= length(t); i++) v = v * 16 + index("0123456789abcdef", substr(t, i, 1)) - 1; return v }
        $8 ~ /A/ { if ($3 == "NOBITS") bss += hex($6); else if ($8 ~ /W/) data += hex($6); else flash += hex($6) }
        END { printf "bootstore-rom-%-12s %11d %6d %6d\n", name, flash, data, bss }'
done
qemu-system-riscv32 -M virt -m 32M -bios none -nographic -icount shift=0 -kernel "$dir/bootstore-rom-count"
