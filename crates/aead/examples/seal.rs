//! Encrypts a message in place, decrypts it, and shows that a changed octet is noticed.
//!
//! `cargo run -p netboot-aead --example seal`

use netboot_aead::{KEY, NONCE, open, seal};

fn main() {
    // A key comes from a key exchange. A nonce is never used twice with one key; TLS counts records.
    let (key, nonce) = ([0x42; KEY], [1; NONCE]);
    let mut record = *b"The image follows.";
    let Some(tag) = seal(&key, &nonce, b"record 1", &mut record) else {
        return println!("the message is too long for the cipher");
    };
    println!("sealed: {record:02x?}\ntag:    {tag:02x?}");

    let mut forged = record;
    forged[3] ^= 1;
    println!(
        "forged accepted: {}",
        open(&key, &nonce, b"record 1", &mut forged, &tag)
    );
    println!(
        "honest accepted: {}",
        open(&key, &nonce, b"record 1", &mut record, &tag)
    );
    println!("opened: {}", String::from_utf8_lossy(&record));
}
