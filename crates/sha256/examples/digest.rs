//! Prints the SHA-256 of a file, as `sha256sum` does.
//!
//! `cargo run -p netboot-sha256 --example digest -- FILE`

use netboot_sha256::Sha256;
use std::io::Read;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let Some(path) = env::args().nth(1) else {
        println!("usage: digest FILE");
        return Ok(());
    };
    let mut file = fs::File::open(&path)?;
    let mut hash = Sha256::new();
    let mut piece = [0; 4096];
    loop {
        let octets = file.read(&mut piece)?;
        if octets == 0 {
            break;
        }
        hash.update(&piece[..octets]);
    }
    let digits = hash.digest().map(|octet| format!("{octet:02x}"));
    println!("{}  {path}", digits.concat());
    Ok(())
}
