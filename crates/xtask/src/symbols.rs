//! Whose octets a linked program is made of, by its symbols.

use anyhow::{Context, Result};
use object::elf::{PT_LOAD, SHF_ALLOC, SHT_NOBITS};
use object::read::elf::{FileHeader as _, ProgramHeader as _, SectionHeader as _};
use object::{Endianness, Object as _, ObjectSymbol as _, elf::FileHeader32};
use std::collections::BTreeMap;
use std::ops::Range;

/// What no symbol names: constants, jump tables, assembly.
pub const UNNAMED: &str = "(no symbol)";

/// A section that takes room in the machine's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub range: Range<u32>,
    /// Whether the file holds its content; else it is zero at the start.
    pub in_file: bool,
}

/// A symbol of known size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// As in the source.
    pub name: String,
    /// Where it is.
    pub range: Range<u32>,
}

/// A linked program.
pub struct Program {
    /// Sections with a size, by address.
    pub sections: Vec<Section>,
    /// Symbols with a size, by address.
    pub symbols: Vec<Symbol>,
    /// Load address and size of what is in the file.
    pub loads: Vec<Range<u32>>,
}

impl Program {
    /// Reads an ELF file.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(elf: &[u8]) -> Result<Self> {
        let header = FileHeader32::<Endianness>::parse(elf).context("no 32-bit ELF file")?;
        let endian = header.endian()?;
        let table = header.sections(endian, elf)?;
        let mut sections = Vec::new();
        for section in table.iter() {
            let (start, size) = (section.sh_addr(endian), section.sh_size(endian));
            if section.sh_flags(endian).0 & SHF_ALLOC.0 == 0 || size == 0 {
                continue;
            }
            sections.push(Section {
                name: String::from_utf8_lossy(table.section_name(endian, section)?).into(),
                range: start..start.saturating_add(size),
                in_file: section.sh_type(endian) != SHT_NOBITS,
            });
        }
        sections.sort_by_key(|section| section.range.start);
        let loads = header.program_headers(endian, elf)?.iter();
        let loads = loads
            .filter(|load| load.p_type(endian) == PT_LOAD && load.p_filesz(endian) > 0)
            .map(|load| {
                let start = load.p_paddr(endian);
                start..start.saturating_add(load.p_filesz(endian))
            });
        let file = object::File::parse(elf)?;
        let mut symbols: Vec<_> = file
            .symbols()
            .filter(|symbol| symbol.size() > 0 && symbol.is_definition())
            .filter_map(|symbol| {
                let start = u32::try_from(symbol.address()).ok()?;
                let size = u32::try_from(symbol.size()).ok()?;
                let name = rustc_demangle::demangle(symbol.name().ok()?);
                Some(Symbol {
                    name: format!("{name:#}"),
                    range: start..start.saturating_add(size),
                })
            })
            .collect();
        symbols.sort_by_key(|symbol| (symbol.range.start, u32::MAX - symbol.range.end));
        Ok(Self {
            sections,
            symbols,
            loads: loads.collect(),
        })
    }

    /// Octets of `range` by crate, the largest first; octets are counted once, also where symbols share
    /// them. Only what the file holds counts.
    pub fn by_crate(&self, range: &Range<u32>) -> Vec<(String, u32)> {
        let mut crates = BTreeMap::<String, u32>::new();
        let mut named = 0;
        let mut free = range.start;
        for symbol in &self.symbols {
            let start = symbol.range.start.max(free);
            let end = symbol.range.end.min(range.end);
            if start < end {
                *crates.entry(crate_of(&symbol.name)).or_default() += end - start;
                named += end - start;
                free = end;
            }
        }
        let all: u32 = self
            .sections
            .iter()
            .filter(|section| section.in_file)
            .map(|section| overlap(&section.range, range))
            .sum();
        if all > named {
            *crates.entry(UNNAMED.into()).or_default() += all - named;
        }
        let mut crates: Vec<_> = crates.into_iter().collect();
        crates.sort_by_key(|(name, size)| (u32::MAX - size, name.clone()));
        crates
    }

    /// The largest symbols in `range`.
    pub fn largest(&self, range: &Range<u32>, count: usize) -> Vec<&Symbol> {
        let mut symbols: Vec<_> = self
            .symbols
            .iter()
            .filter(|symbol| range.contains(&symbol.range.start))
            .collect();
        symbols.sort_by_key(|symbol| u32::MAX - symbol.range.len() as u32);
        symbols.dedup_by_key(|symbol| symbol.range.start);
        symbols.truncate(count);
        symbols
    }
}

/// Octets that two ranges share.
fn overlap(a: &Range<u32>, b: &Range<u32>) -> u32 {
    a.end.min(b.end).saturating_sub(a.start.max(b.start))
}

/// The crate that a demangled symbol belongs to. An implementation belongs to its type's crate, or to the
/// trait's when the type is the language's or any.
pub fn crate_of(name: &str) -> String {
    const LANGUAGE: [&str; 3] = ["core", "alloc", "std"];
    let (subject, of_trait) = match name.strip_prefix('<') {
        Some(rest) => rest.split_once(" as ").unwrap_or((rest, "")),
        None => (name, ""),
    };
    let own = first(subject);
    let found = match own {
        Some(own) if !LANGUAGE.contains(&own) => Some(own),
        own => first(of_trait).or(own),
    };
    match found {
        Some(found) => found.into(),
        // `memcpy`, `__udivdi3`: what the compiler calls.
        None if name.starts_with("mem") || name.starts_with("__") => "compiler_builtins".into(),
        None => UNNAMED.into(),
    }
}

/// The first part of a path; `None` for a name without one.
fn first(path: &str) -> Option<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut path = path;
    loop {
        path = path.trim_start_matches(['<', '&', '*', '[', '(', ' ']);
        let word = path.split(|c| !plain(c)).next()?;
        let rest = &path[word.len()..];
        match word {
            "mut" | "dyn" | "const" | "impl" => path = rest,
            "" => return None,
            _ => return rest.starts_with("::").then_some(word),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_belong_to_crates() {
        for (name, owner) in [
            ("netboot::stack::Stack<D,C,P>::new", "netboot"),
            (
                "<netboot::error::NetError as core::fmt::Display>::fmt",
                "netboot",
            ),
            (
                "<&mut mcu_rom::uart::Uart as core::fmt::Write>::write_str",
                "mcu_rom",
            ),
            ("<T as netboot_http::Look>::look", "netboot_http"),
            ("<u8 as core::fmt::Display>::fmt", "core"),
            (
                "<core::option::Option<T> as ocp_recovery::Bus>::read",
                "ocp_recovery",
            ),
            ("core::ptr::drop_in_place<netboot::Network>", "core"),
            (
                "smoltcp::iface::ethernet::<impl smoltcp::Inner>::process",
                "smoltcp",
            ),
            ("memcpy", "compiler_builtins"),
            ("__udivdi3", "compiler_builtins"),
            ("recovery_access", UNNAMED),
            ("", UNNAMED),
        ] {
            assert_eq!(crate_of(name), owner, "{name}");
        }
    }

    fn program() -> Program {
        let symbol = |name: &str, range| Symbol {
            name: name.into(),
            range,
        };
        Program {
            sections: vec![
                Section {
                    name: ".text".into(),
                    range: 0x1000..0x1100,
                    in_file: true,
                },
                Section {
                    name: ".bss".into(),
                    range: 0x1100..0x2000,
                    in_file: false,
                },
            ],
            // Two names for one function, and one that reaches into the next.
            symbols: vec![
                symbol("a::f", 0x1000..0x1040),
                symbol("a::g", 0x1000..0x1040),
                symbol("b::f", 0x1030..0x1060),
                // A symbol of no crate.
                symbol("_start", 0x1080..0x10a0),
            ],
            loads: Vec::new(),
        }
    }

    #[test]
    fn octets_are_counted_once() {
        let crates = program().by_crate(&(0x1000..0x2000));
        let expected = [(UNNAMED, 0xa0), ("a", 0x40), ("b", 0x20)];
        assert!(
            crates
                .iter()
                .map(|(name, size)| (name.as_str(), *size))
                .eq(expected)
        );
    }

    #[test]
    fn a_part_of_a_program_can_be_looked_at() {
        let crates = program().by_crate(&(0x1050..0x1080));
        assert_eq!(
            crates,
            [(UNNAMED.to_string(), 0x20), ("b".to_string(), 0x10)]
        );
        assert_eq!(program().largest(&(0x1000..0x2000), 1)[0].name, "a::f");
    }
}
