#!/usr/bin/env python3
"""Builds this ROM without any of the means that make it small, then adds one after the other, and prints what each gives.

Run it in this directory: `python3 steps.py`. It works on a copy in a temporary directory, and needs `rust-src` for the last step of the
means.
"""
import os
import pathlib
import re
import shutil
import struct
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TARGET_DIRECTORY = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or HERE / "target").resolve() / "steps"
TARGET = "riscv32imc-unknown-none-elf"
ROM, RAM = 0x80000000, 0x50000000
FEATURES = ["dns", "fast-start", "http", "robust"]


def footprint(path):
    """Octets of flash up to the end of the last segment, and of static RAM up to the end of the last section but the stack."""
    elf = path.read_bytes()
    word = lambda at, form: struct.unpack_from("<" + form, elf, at)
    (programs, sections), (count,) = word(28, "II"), word(44, "H")
    loads = [word(programs + 32 * index, "8I") for index in range(count)]
    flash = max(load[3] + load[4] - ROM for load in loads if load[0] == 1 and load[4])
    count, names = word(48, "HH")
    headers = [word(sections + 40 * index, "10I") for index in range(count)]
    ends = [0]
    for header in headers:
        start = headers[names][4] + header[0]
        name = elf[start : elf.index(b"\0", start)]
        if RAM <= header[3] < ROM and header[2] & 2 and name not in (b".stack", b".heap"):
            ends.append(header[3] + header[5] - RAM)
    return flash, max(ends)


class Rom:
    """A copy of this directory, without the means."""

    def __init__(self, directory):
        self.directory = directory
        self.flags = [f"--remap-path-prefix={HERE.parents[1]}/="]
        self.arguments, self.rebuilt = [], False
        for name in ["Cargo.toml", "Cargo.lock", "build.rs", "memory.x", "src"]:
            copy = shutil.copytree if (HERE / name).is_dir() else shutil.copy
            copy(HERE / name, directory / name)
        self.edit("memory.x", "LENGTH = 128K", "LENGTH = 1024K")
        self.edit("build.rs", ', "netboot-small.x"', "")
        self.edit("Cargo.toml", '"../../', f'"{HERE.parents[1]}/')
        self.edit("Cargo.toml", ', features = ["force-soft-compact"]', "")
        self.edit("Cargo.toml", 'rom-support", features = ["save-restore"]', 'rom-support", default-features = false')
        text = self.read("Cargo.toml")
        self.write("Cargo.toml", text[: text.index("[profile.release]")])

    def read(self, name):
        return (self.directory / name).read_text()

    def write(self, name, text):
        (self.directory / name).write_text(text)

    def edit(self, name, old, new):
        text = self.read(name)
        assert old in text, f"{name} has no {old}: steps.py is out of date"
        self.write(name, text.replace(old, new))

    def build(self):
        environment = dict(os.environ, RUSTFLAGS=" ".join(self.flags), CARGO_TARGET_DIR=str(TARGET_DIRECTORY))
        if self.rebuilt:
            environment["RUSTC_BOOTSTRAP"] = "1"
        command = ["cargo", "build", "--release", "--target", TARGET, *self.arguments]
        done = subprocess.run(command, cwd=self.directory, env=environment, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, done.stderr
        return footprint(TARGET_DIRECTORY / TARGET / "release/example-rom")


def main():
    with tempfile.TemporaryDirectory() as directory:
        rom = Rom(pathlib.Path(directory))
        flag = lambda *flags: lambda: rom.flags.extend(flags)

        def profile():
            text = (HERE / "Cargo.toml").read_text()
            rom.write("Cargo.toml", rom.read("Cargo.toml") + text[text.index("[profile.release]") :])

        def save_restore():
            rom.flags.append("-Ctarget-feature=+save-restore")
            rom.edit("Cargo.toml", 'rom-support"', 'rom-support", features = ["save-restore"]')

        def rebuild():
            rom.rebuilt = True
            text = (HERE / "config-rebuilt.toml").read_text()
            listed = lambda key: re.findall('"(.*?)"', re.search(rf"^{key} = \[(.*?)\]", text, re.M | re.S)[1])
            rom.flags += listed("rustflags")
            rom.arguments = [f"-Z{key}={','.join(listed(key))}" for key in ["build-std", "build-std-features"]]

        def without(*names):
            def edit():
                old = ", ".join(f'"{name}"' for name in FEATURES)
                for name in names:
                    FEATURES.remove(name)
                rom.edit("Cargo.toml", f"[{old}]", "[" + ", ".join(f'"{name}"' for name in FEATURES) + "]")
            return edit

        steps = [
            ("`cargo build --release` and nothing else", lambda: None),
            ("profile: `opt-level = \"z\"`, fat LTO, one code unit, `panic = \"abort\"`", profile),
            ("`netboot-small.x`: no `.eh_frame`", lambda: rom.edit("build.rs", '"link.x"', '"netboot-small.x", "link.x"')),
            ("`-Cforce-unwind-tables=no`", flag("-Cforce-unwind-tables=no")),
            ("`-Ctarget-feature=+relax`", flag("-Ctarget-feature=+relax")),
            ("`sha2` with `force-soft-compact`", lambda: rom.edit("Cargo.toml", 'sha2 = { version = "0.10.9", default-features = false', 'sha2 = { version = "0.10.9", default-features = false, features = ["force-soft-compact"]')),
            ("`copies`: `memcpy` and `memmove` of netboot-rom-support", lambda: rom.edit("Cargo.toml", 'rom-support", default-features = false', 'rom-support"')),
            ("`+save-restore`, with the routines of netboot-rom-support", save_restore),
            ("`-Clink-arg=--icf=all`", flag("-Clink-arg=--icf=all")),
            ("`config-rebuilt.toml`: a core library of its own, panics as illegal instructions", rebuild),
            ("without `dns`", without("dns")),
            ("without `fast-start` and `robust`", without("fast-start", "robust")),
            ("without `http`: TFTP only", without("http")),
        ]
        print("| step | flash | less | static RAM |\n|---|---|---|---|", flush=True)
        before = None
        for name, apply in steps:
            apply()
            flash, ram = rom.build()
            less = "" if before is None else f"{before - flash:,}"
            print(f"| {name} | {flash:,} | {less} | {ram:,} |", flush=True)
            before = flash


main()
