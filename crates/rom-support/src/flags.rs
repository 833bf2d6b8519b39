//! The flags as data, for tools that start cargo themselves. `config.toml` and `config-rebuilt.toml` beside this crate's manifest
//! say the same to cargo; a test holds them together.

/// Flags of the compiler that suit everything which is built for the ROM's target.
pub const COMMON: [&str; 2] = ["-Ctarget-feature=+relax", "-Cforce-unwind-tables=no"];

/// Flags of the compiler for the ROM image alone, beside [`COMMON`]. The program needs this crate's feature `save-restore`, or
/// it does not link.
pub const IMAGE: [&str; 2] = ["-Ctarget-feature=+save-restore", "-Clink-arg=--icf=all"];

/// Flags of the compiler when the core library is built as well. A panic is then an illegal instruction, and no text of it is
/// kept. Stable compilers take them with [`BOOTSTRAP`] only.
pub const REBUILT: [&str; 2] = ["-Cpanic=immediate-abort", "-Zunstable-options"];

/// Cargo's arguments that go with [`REBUILT`].
pub const REBUILT_CARGO: [&str; 2] = [
    "-Zbuild-std=core,compiler_builtins",
    "-Zbuild-std-features=compiler-builtins-mem,optimize_for_size",
];

/// The environment variable that, set to `1`, makes a stable compiler take flags that are not stable.
pub const BOOTSTRAP: &str = "RUSTC_BOOTSTRAP";

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;
    use std::vec::Vec;

    /// The words in quotes after `key = `, up to the closing bracket.
    fn words<'t>(text: &'t str, key: &str) -> Vec<&'t str> {
        let start = text.find(&[key, " = ["].concat()).expect("the key");
        let list = &text[start..];
        let list = &list[..list.find(']').expect("a closing bracket")];
        list.split('"').skip(1).step_by(2).collect()
    }

    #[test]
    fn the_fragments_for_cargo_have_the_same_flags() {
        let fragment = include_str!("../config.toml");
        let flags: Vec<_> = COMMON.into_iter().chain(IMAGE).collect();
        assert_eq!(words(fragment, "rustflags"), flags);
        let fragment = include_str!("../config-rebuilt.toml");
        assert_eq!(words(fragment, "rustflags"), REBUILT);
        let cargo = ["build-std", "build-std-features"].map(|key| {
            let words: Vec<String> = words(fragment, key).into_iter().map(Into::into).collect();
            ["-Z", key, "=", &words.join(",")].concat()
        });
        assert_eq!(cargo, REBUILT_CARGO);
    }
}
